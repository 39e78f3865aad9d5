"""From samples to a trained model: config, data loading, the training itself, and its run folder."""
