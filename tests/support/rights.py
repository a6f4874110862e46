"""What root may do to files of any mode, taken away: so a test sees what users see."""

import contextlib
import ctypes
import os

CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 1, 2
_VERSION = 0x20080522  # of the structures of capget(2)


@contextlib.contextmanager
def of_a_user():
    """Modes of files hold in the block, for this thread and those that it begins, even if it is root's."""
    header = (ctypes.c_uint32 * 2)(_VERSION, 0)
    rights = (ctypes.c_uint32 * 6)()  # effective, permitted and inheritable; twice
    system = ctypes.CDLL(None, use_errno=True)

    def ask(function):
        if function(header, rights):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    ask(system.capget)
    before = rights[0]
    rights[0] &= ~(1 << CAP_DAC_OVERRIDE | 1 << CAP_DAC_READ_SEARCH)
    ask(system.capset)
    try:
        yield
    finally:
        rights[0] = before
        ask(system.capset)
