"""One process at a time writes to a results folder."""

import os
import sys
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lmsc_unet.errors import OutputError
from lmsc_unet.files import make_folder

if sys.platform != "win32":  # where a folder cannot be locked
    import fcntl


class FolderLock:
    """Held until it is released, or gone, or the process has ended, by a kill as well; no file is left of it."""

    def __init__(self, folder: Path, command: str) -> None:
        """Makes the folder, unless it is there, and takes the lock.

        Raises:
            OutputError: another process holds it, or the folder cannot be made.
        """
        make_folder(folder)
        self.release: Callable[[], Any] = lambda: None
        """Lets others in."""
        if sys.platform == "win32":
            return
        try:
            descriptor = os.open(folder, os.O_RDONLY)
        except OSError:  # may be written and not read; what is wrong besides, writing tells
            return
        self.release = weakref.finalize(self, os.close, descriptor)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OutputError(
                f"{folder}: another `{command}` is writing here. Wait for its end, or name another folder by --out."
            ) from error
        except OSError:  # a file system without locks
            return
