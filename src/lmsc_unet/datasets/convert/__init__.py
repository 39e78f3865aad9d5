"""Outlines of other tools to images and masks: COCO, LabelMe, YOLO, CVAT and QuPath."""
