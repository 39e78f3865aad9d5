"""Stained tissue with known nuclei."""
