"""Recordings of radio signals: reading, spectrograms, detection and annotation."""
