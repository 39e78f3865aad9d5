"""Finds images and their masks on disk, reads, checks and splits them; without PyTorch."""
