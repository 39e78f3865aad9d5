"""Stained tissue with its nuclei known."""
