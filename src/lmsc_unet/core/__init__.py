"""What both applications stand on: files that are there whole, stops, threads, progress."""
