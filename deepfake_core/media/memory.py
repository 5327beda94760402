"""Memory that is free goes back to the system."""

import ctypes
from contextlib import suppress


def release_memory() -> None:
    """Return free memory of the heap to the system: glibc keeps it for each thread, of which a server has many."""
    with suppress(OSError, AttributeError, TypeError):  # another C library; Windows opens none without a name
        ctypes.CDLL(None).malloc_trim(0)
