"""What a disk has against a file, from whichever package met with it."""

import errno
import os

import tensorflow as tf

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_CLOSED = (errno.EROFS, errno.EACCES, errno.EPERM)
_WRONG = (errno.ENOENT, errno.EISDIR, errno.ENOTDIR, errno.ENAMETOOLONG, errno.EIO)


def complaint(error):
    """What is wrong, if it is the disk.

    Args:
        error: exception, best an `OSError` or a `tf.errors.OpError`.

    Returns:
        Text, "No space left on device" say, or None if the error has nothing to do with the disk.
    """
    code = _code(error)
    return None if code is None else os.strerror(code)


def sentence(error):
    """The same with the file and a mend.

    Args:
        error: as for `complaint`.

    Returns:
        Text without a full stop, or None.
    """
    code = _code(error)
    if code is None:
        return None
    if isinstance(error, OSError):
        where = error.filename
    else:
        where = next((word.strip(":;,") for word in error.message.split() if word.startswith("/")), None)
    mend = {_FULL: "make room there", _CLOSED: "make it writable", _WRONG: "look at that place"}
    return f"{where or 'A file'} cannot be written ({os.strerror(code)}): " + next(
        text for codes, text in mend.items() if code in codes
    )


def _code(error):
    known = (*_FULL, *_CLOSED, *_WRONG)
    if isinstance(error, OSError):
        return error.errno if error.errno in known else None
    if isinstance(error, tf.errors.OpError):  # which says it in words alone
        return next((code for code in known if os.strerror(code) in error.message), None)
    return None
