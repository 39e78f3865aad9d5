"""Pixel counts, scores as functions of counts, and averages by name."""
