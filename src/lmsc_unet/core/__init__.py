"""Shared by both applications: atomic file writes, signals, threads, progress."""
