"""One process at a time writes to a results folder."""

import os
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lmsc_unet.core.storage import is_locked_by_another, make_folder
from lmsc_unet.errors import OutputError


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
        try:
            descriptor = os.open(folder, os.O_RDONLY)
        except OSError:  # on Windows; or it may be written and not read, and what is wrong besides, writing tells
            return
        self.release = weakref.finalize(self, os.close, descriptor)
        if is_locked_by_another(descriptor):
            raise OutputError(
                f"{folder}: another `{command}` is writing here. Wait for its end, or name another folder by --out."
            )
