"""Scores predictions against the truth; every score names its average."""
