"""Finds images and their masks on disk, reads them, checks them and parts them; no torch here."""
