"""From samples to a trained model: config, data loading, training, and the run folder."""

from lmsc_unet.core.startup import keep_caches_temporary

keep_caches_temporary()  # before any import of matplotlib below
