"""Recordings in, labelled boxes out: files, tables and pictures, by a network or by the energy detector."""
