"""TIFF of any depth and number of channels, GeoTIFF among them."""
