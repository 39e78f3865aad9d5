"""How fast models are on this machine: every model, backend and precision in one interleaved run."""
