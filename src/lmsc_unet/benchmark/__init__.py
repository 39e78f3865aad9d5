"""Speed of models on this machine: every model, backend and precision in one interleaved run."""

from lmsc_unet.core.startup import keep_caches_temporary

keep_caches_temporary()  # before any import of matplotlib below
