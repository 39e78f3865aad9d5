"""The objects of an image: collected from label rows, measured, outlined, and written in the formats of other tools."""
