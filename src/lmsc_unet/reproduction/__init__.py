"""The paper's evaluation as runs, tables and figures: recipes in, a report beside the paper's numbers out."""

from lmsc_unet.core.startup import keep_caches_temporary

keep_caches_temporary()  # before matplotlib is imported anywhere in here
