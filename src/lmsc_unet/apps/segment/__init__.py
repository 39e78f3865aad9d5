"""Images in, masks out: files, overlays and one line for each image."""
