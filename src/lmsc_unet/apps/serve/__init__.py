"""Models behind HTTP: images and recordings in, the files of `lmsc predict` and `lmsc detect` out."""
