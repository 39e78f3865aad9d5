"""A model without PyTorch, and the commands that use it."""

from tests.apps.segment.conftest import images, lmsc, model

__all__ = ["images", "lmsc", "model"]
