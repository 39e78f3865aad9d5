"""What commands and the library take where nothing is said; apart, so that a command line starts without the rest."""

TILE_PX = 832
"""Longest side of a tile: an image 20,000 px wide stays under 600 MB with LMSC-UNet in INT8; smaller tiles see more
twice."""
