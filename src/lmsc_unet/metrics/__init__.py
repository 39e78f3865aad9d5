"""Counts of right and wrong pixels, scores as functions of them, and averages by name."""
