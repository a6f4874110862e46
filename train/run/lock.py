"""A lock on a place, which dies with its holder, however that ends."""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from tf_gmvae.errors import InputError

try:
    import fcntl
except ImportError:  # Windows has other locks; there it is for the user to start one command a run
    fcntl = None  # type: ignore[assignment]

# Of file systems that have no locks.
_NONE = (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS)


@contextlib.contextmanager
def held(place: Path) -> Iterator[None]:
    """Holds the lock of a place: a hidden file beside it, which is removed at the end.

    Args:
        place: path, which need not exist yet.

    Raises:
        InputError: if another process holds it, or it is the root of all folders.
        OSError: if there can be no file beside it.
    """
    if fcntl is None:
        yield
        return
    place = Path(os.path.realpath(place))
    if not place.name:
        raise InputError(f"{place} is the root of all folders: give a folder in it.")
    path = _file_of(place)
    made = [folder for folder in (path.parent, *path.parent.parents) if not folder.exists()]
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        file = _locked(path, place)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)  # while it is held, so that nobody's new one is removed
            file.close()
    finally:
        for folder in made:  # what nobody has put anything into
            with contextlib.suppress(OSError):
                folder.rmdir()


def holder(place: Path) -> str | None:
    """Who holds the lock of a place; nothing is written to find it out.

    Args:
        place: path, which need not exist.

    Returns:
        Text, such as "process 123", or None if nobody does.
    """
    if fcntl is not None:
        with (
            contextlib.suppress(OSError, ValueError),
            _file_of(Path(os.path.realpath(place))).open(encoding="utf-8") as file,
        ):
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return _named_in(file)
    return None


def _file_of(place):
    return place.with_name(f".{place.name}.lock")


def _named_in(file):
    file.seek(0)
    number = file.read(20).strip()
    return f"process {number}" if number.isdigit() else "another process"


def wait_for(place: Path, seconds: float) -> None:
    """Waits until nobody holds the lock of a place.

    Args:
        place: path, which need not exist yet.
        seconds: float, how long at most.

    Raises:
        InputError: if it is still held then.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            with held(place):
                return
        except InputError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def _locked(path: Path, place: Path) -> IO[str]:
    while True:
        file = path.open("a+", encoding="utf-8")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            who = _named_in(file)
            file.close()
            raise InputError(
                f"{place} is being written by {who}: wait until that has ended, stop it, or give another name."
            ) from None
        except OSError as error:
            if error.errno not in _NONE:
                file.close()
                raise
            return file
        # Whoever held it before may have removed the file since it was opened.
        if path.exists() and os.path.samestat(os.fstat(file.fileno()), path.stat()):
            with contextlib.suppress(OSError):  # on a full disk it holds without a number
                file.truncate(0)
                os.write(file.fileno(), f"{os.getpid()}\n".encode())
            return file
        file.close()
