"""Label Studio's side of the server: predictions for its tasks, and training on what its users drew."""
