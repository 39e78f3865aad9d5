"""What becomes of large blocks of memory that are freed: the C library's own rules are bad for two kinds of work.

Both hold for a whole process and cannot be taken back, so that commands call them, never what a program imports.
"""

import ctypes
import platform

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD, _M_MMAP_MAX = -1, -2, -3, -4
_KEPT_BYTES, _GROWTH_BYTES, _LARGE_BYTES = 2**31 - 1, 2**28, 2**22


def keep_freed_memory() -> bool:
    """Makes the C library keep large blocks that are freed; gives whether it does.

    glibc gives a block of megabytes back to the system as soon as it is freed, and each step of a training gets all
    its activations anew, page by page, which takes a good part of its time. Kept, they take somewhat more memory.
    It holds for the whole process. Other C libraries are left as they are.
    """
    return _set((_M_TRIM_THRESHOLD, _KEPT_BYTES), (_M_TOP_PAD, _GROWTH_BYTES), (_M_MMAP_MAX, 0))


def return_freed_memory() -> bool:
    """Makes the C library give every freed block of 4 MiB and more back to the system; gives whether it does.

    After the first large block that is freed, glibc takes others of up to 32 MiB from its heaps, where small ones that
    live on keep their places from being used again: rows of a large image came to a fifth more memory than they hold.
    It holds for the whole process. Other C libraries are left as they are.
    """
    return _set((_M_MMAP_THRESHOLD, _LARGE_BYTES))


def _set(*settings: tuple[int, int]) -> bool:
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return all(mallopt(name, value) == 1 for name, value in settings)
