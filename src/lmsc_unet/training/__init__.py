"""From samples to a trained model: config, data loading, the training itself, and its run folder."""

from lmsc_unet.core.startup import keep_caches_temporary

keep_caches_temporary()  # before matplotlib is imported anywhere in here
