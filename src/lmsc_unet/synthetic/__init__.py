"""Generated images and recordings with exact truth, for tests, benchmarks, demos and training."""
