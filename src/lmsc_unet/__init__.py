"""LMSC-UNet: semantic segmentation on small hardware."""
