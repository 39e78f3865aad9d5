"""Images to masks: files, overlays and one line per image."""
