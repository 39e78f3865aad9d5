"""The two applications: images to masks, recordings to annotations."""
