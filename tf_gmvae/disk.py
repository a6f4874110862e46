"""Files that appear whole or not at all, and what a disk has against a file, whichever package met with it."""

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

import tensorflow as tf

# What the names of files have in them that are not whole yet.
PARTIAL = "partial"
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_CLOSED = (errno.EROFS, errno.EACCES, errno.EPERM)
_WRONG = (errno.ENOENT, errno.EEXIST, errno.EISDIR, errno.ENOTDIR, errno.ENAMETOOLONG, errno.EIO)
_KNOWN = (*_FULL, *_CLOSED, *_WRONG)


@contextlib.contextmanager
def whole(path: str | Path, mark: str = PARTIAL) -> Iterator[Path]:
    """Where to write a file, so that no reader, no kill and no full disk ever leaves half of it.

    Args:
        path: path of the file.
        mark: text in the name of what is not whole yet: where several processes may write the same file, each has
            its own. Default `PARTIAL`.

    Yields:
        `Path` beside it with the same suffix, to be written. When the block ends the file takes the place of
        `path`; if it fails, it is removed, and what was there stays.

    Raises:
        OSError: with the name of the file, if the disk is full, say.
    """
    path = Path(path)
    partial = path.with_name(f"{path.stem}.{mark}{path.suffix}")
    try:
        yield partial
        os.replace(partial, path)
    except BaseException as error:
        if isinstance(error, OSError) and error.filename is None:  # so it is where the disk is full
            error.filename = str(path)
        with contextlib.suppress(OSError):
            partial.unlink()
        raise


@contextlib.contextmanager
def as_os_errors(path: str | Path) -> Iterator[None]:
    """For libraries whose errors tell in words alone what the disk has against a file.

    Args:
        path: path of the file.

    Raises:
        OSError: with the name of the file, in place of a `RuntimeError` of such words.
    """
    try:
        yield
    except RuntimeError as error:
        code = _code_in(str(error))
        if code is None:
            raise
        raise OSError(code, os.strerror(code), str(path)) from error


def complaint(error: BaseException) -> str | None:
    """What is wrong, if it is the disk.

    Args:
        error: exception, best an `OSError` or a `tf.errors.OpError`.

    Returns:
        Text, "No space left on device" say, or None if the error has nothing to do with the disk.
    """
    code = _code(error)
    return None if code is None else os.strerror(code)


def sentence(error: BaseException) -> str | None:
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
        message: str = getattr(error, "message", "")  # of TensorFlow's errors
        where = next((word.strip(":;,") for word in message.split() if word.startswith("/")), None)
    mend = {_FULL: "make room there", _CLOSED: "make it writable", _WRONG: "look at that place"}
    return f"{where or 'A file'} cannot be written ({os.strerror(code)}): " + next(
        text for codes, text in mend.items() if code in codes
    )


def _code(error):
    if isinstance(error, OSError):
        return error.errno if error.errno in _KNOWN else None
    if isinstance(error, tf.errors.OpError):  # which says it in words alone
        return _code_in(error.message)
    return None


def _code_in(words):
    return next((code for code in _KNOWN if os.strerror(code) in words), None)
