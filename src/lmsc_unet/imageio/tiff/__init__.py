"""TIFF and GeoTIFF of any depth and number of channels."""
