"""How good a model is: predictions against the truth, with the average of each score named."""
