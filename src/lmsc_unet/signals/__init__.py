"""Recordings of radio signals: read, drawn as spectrograms, searched, annotated and invented."""
