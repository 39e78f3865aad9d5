"""Memory of a training on the processor: what one step frees, the next step takes again."""

import ctypes
import platform

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4
_KEPT_BYTES, _GROWTH_BYTES = 2**31 - 1, 2**28


def keep_freed_memory() -> bool:
    """Makes the C library keep large blocks that are freed; gives whether it does.

    glibc gives a block of megabytes back to the system as soon as it is freed, and each step of a training gets all
    its activations anew, page by page, which takes a good part of its time. Kept, they take somewhat more memory.
    It holds for the whole process. Other C libraries are left as they are.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    settings = ((_M_TRIM_THRESHOLD, _KEPT_BYTES), (_M_TOP_PAD, _GROWTH_BYTES), (_M_MMAP_MAX, 0))
    return all(mallopt(name, value) == 1 for name, value in settings)
