"""The paper's evaluation: recipes, runs, tables and figures, and a report beside the paper's numbers."""

from lmsc_unet.core.startup import keep_caches_temporary

keep_caches_temporary()  # before any import of matplotlib below
