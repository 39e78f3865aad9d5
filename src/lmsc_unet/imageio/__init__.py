"""Reads images of any depth and channel count, or rejects them with a reason; writes them losslessly."""

from lmsc_unet.imageio.files import (
    FolderContents,
    counted_endings,
    folder_contents,
    is_picture,
    picture_files,
    subfolders,
)
from lmsc_unet.imageio.info import IMAGE_KINDS, IMAGE_SUFFIXES, MAX_PIXELS, ImageInfo, plain_values
from lmsc_unet.imageio.masks import NAN, NOTHING, StoredMask, read_mask, read_object_masks, read_stored_mask
from lmsc_unet.imageio.nodata import mark_missing, missing_pixels
from lmsc_unet.imageio.pixel_size import PixelSize, read_pixel_size
from lmsc_unet.imageio.read import header_size, is_lossy_file, is_tiff, read_image, read_info
from lmsc_unet.imageio.resize import resize, resize_mask
from lmsc_unet.imageio.rows import RollingRows, RowSource, as_source, open_rows, resized, resized_blocks
from lmsc_unet.imageio.tiff.geotiff import NODATA_TAG, GeoTag, geo_tags
from lmsc_unet.imageio.write import in_blocks, write_png, write_png_rows, write_tiff_rows

__all__ = [
    "IMAGE_KINDS",
    "IMAGE_SUFFIXES",
    "MAX_PIXELS",
    "NAN",
    "NODATA_TAG",
    "NOTHING",
    "FolderContents",
    "GeoTag",
    "ImageInfo",
    "PixelSize",
    "RollingRows",
    "RowSource",
    "StoredMask",
    "as_source",
    "counted_endings",
    "folder_contents",
    "geo_tags",
    "header_size",
    "in_blocks",
    "is_lossy_file",
    "is_picture",
    "is_tiff",
    "mark_missing",
    "missing_pixels",
    "open_rows",
    "picture_files",
    "plain_values",
    "read_image",
    "read_info",
    "read_mask",
    "read_object_masks",
    "read_pixel_size",
    "read_stored_mask",
    "resize",
    "resize_mask",
    "resized",
    "resized_blocks",
    "subfolders",
    "write_png",
    "write_png_rows",
    "write_tiff_rows",
]
