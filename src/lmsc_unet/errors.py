"""What a user can fix, said so: what was found, what is needed, what to do.

The command line prints these without a traceback; anything else is a defect of ours.
"""

INTERRUPTED = 130
"""The exit code of a command stopped by Ctrl-C, as shells have it."""
TERMINATED = 143
"""The exit code of a command stopped by SIGTERM."""


class LmscError(Exception):
    """The parent of every error that a user can mend."""


class ConfigError(LmscError):
    """A setting that is unknown, out of its range or at odds with another."""


class DataError(LmscError):
    """An image, mask, recording or folder that cannot be used as it is."""


class SizeError(LmscError):
    """Sides that a network or a pairing cannot take."""


class ModelError(LmscError):
    """A model, checkpoint or run folder that is missing, damaged or of another kind."""


class OutputError(LmscError):
    """A result that cannot be written: the folder holds other results, or the disk is full."""


class DivergedError(LmscError):
    """A training whose loss is no longer finite."""
