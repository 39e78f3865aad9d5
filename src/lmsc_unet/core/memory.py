"""How the C library treats large freed blocks: its defaults are slow for training and wasteful for large images.

Both settings hold for the whole process and cannot be undone, so only commands apply them, never the library.
"""

import ctypes
import platform

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD, _M_MMAP_MAX = -1, -2, -3, -4
_KEPT_BYTES, _GROWTH_BYTES, _LARGE_BYTES = 2**31 - 1, 2**28, 2**22


def keep_freed_memory() -> bool:
    """Makes the C library keep large freed blocks; returns whether it does.

    glibc returns a block of megabytes to the system as soon as it is freed, so each training step allocates all its
    activations again, page by page. Keeping them saves time and costs some memory. Other C libraries are left alone.
    """
    return _set((_M_TRIM_THRESHOLD, _KEPT_BYTES), (_M_TOP_PAD, _GROWTH_BYTES), (_M_MMAP_MAX, 0))


def return_freed_memory() -> bool:
    """Makes the C library return every freed block of 4 MiB or more to the system; returns whether it does.

    After the first large block is freed, glibc takes blocks of up to 32 MiB from its heaps, where small live blocks
    prevent their reuse: rows of a large image then take a fifth more memory. Other C libraries are left alone.
    """
    return _set((_M_MMAP_THRESHOLD, _LARGE_BYTES))


def _set(*settings: tuple[int, int]) -> bool:
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return all(mallopt(name, value) == 1 for name, value in settings)
