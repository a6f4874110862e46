"""A disk on which files have no room to grow."""

import contextlib
import resource


@contextlib.contextmanager
def disk_is_full(after=0):
    """Within it, writing a file of this process fails as on a full disk, after so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (after, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
