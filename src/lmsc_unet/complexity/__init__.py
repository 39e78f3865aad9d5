"""Costs of a network: parameters, memory and multiply-accumulates, beside the paper's values."""
