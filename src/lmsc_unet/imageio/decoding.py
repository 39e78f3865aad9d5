"""The line between our code and the decoders of others, who raise anything at all on damaged bytes, and log it."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from lmsc_unet.errors import DataError

_here = threading.local()


class NoDecoderError(DataError):
    """The file may be whole, but nothing that is installed decodes it."""


@contextmanager
def decoding() -> Iterator[None]:
    """Around calls of a decoder alone: whatever it raises about a file's bytes becomes a `DataError`.

    Errors of the system and of memory pass, and so do ours. tifffile's log lines, which name no file, are left out.

    Raises:
        NoDecoderError: it takes another decoder.
        DataError: the file is damaged. The caller adds its name.
    """
    before, _here.is_silent = getattr(_here, "is_silent", False), True
    try:
        yield
    except (DataError, MemoryError):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        if isinstance(error, ImportError | NotImplementedError) or "imagecodecs" in str(error):
            raise NoDecoderError("it needs another decoder. Run `pip install imagecodecs`.") from error
        raise DataError("truncated or damaged. Copy or export it again.") from error
    finally:
        _here.is_silent = before


logging.getLogger("tifffile").addFilter(lambda _: not getattr(_here, "is_silent", False))
