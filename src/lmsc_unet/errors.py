"""Errors that a user can fix: what was found, what is needed, what to do.

The command line prints these without a traceback; any other error is a defect of lmsc-unet.
"""

INTERRUPTED = 130
"""The exit code of a command stopped by Ctrl-C, as in shells."""
TERMINATED = 143
"""The exit code of a command stopped by SIGTERM."""


class LmscError(Exception):
    """Base class of every error that a user can fix."""


class ConfigError(LmscError):
    """A setting is unknown, out of range or contradicts another."""


class DataError(LmscError):
    """An image, mask, recording or folder cannot be used as it is."""


class SizeError(LmscError):
    """A network or a pairing does not accept these side lengths."""


class ModelError(LmscError):
    """A model, checkpoint or run folder is missing, damaged or of the wrong kind."""


class OutputError(LmscError):
    """A result cannot be written: the folder holds other results, or the disk is full."""


class DivergedError(LmscError):
    """The training loss is no longer finite."""
