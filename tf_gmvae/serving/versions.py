"""A folder of numbered versions, as TensorFlow Serving polls it.

path/3/        a version
path/latest    a link to the newest
path/.partial-HOST-SPACE-PID-RANDOM    an export under way; no server takes its name for a version
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path

import tensorflow as tf

from tf_gmvae import disk, interrupts
from tf_gmvae.errors import InputError

LATEST = "latest"
# The beginning of an address such as gs://bucket/models, of which a `Path` keeps one slash; C: is a disk.
_ADDRESS = re.compile("([A-Za-z][A-Za-z0-9+.-]+):/")


def numbers(path: Path) -> list[int]:
    """Version numbers taken in a folder, ascending.

    Args:
        path: `Path` of the folder.
    """
    return sorted(int(entry.name) for entry in path.iterdir() if re.fullmatch("[0-9]+", entry.name, re.ASCII))


def newest(path: str | Path) -> Path | None:
    """The version of the largest number.

    Args:
        path: path of the folder of versions.

    Returns:
        `Path`, or None where there is no version.
    """
    path = Path(path)
    taken = numbers(path) if path.is_dir() else []
    return path / str(taken[-1]) if taken else None


@contextlib.contextmanager
def new_version(path: str | Path) -> Iterator[Version]:
    """A folder to fill, which becomes the next version when the block ends, and is removed if it fails.

    Args:
        path: path of the folder of versions; made if it is not there.

    Yields:
        `Version`, whose `partial` is to be filled and whose `number` is known afterwards.

    Warns:
        UserWarning: if `latest` cannot be linked to the version, as on a disk that has no links.

    Raises:
        InputError: if the folder cannot be made or written, or `latest` in it is something else than a link.
    """
    path = Path(path)
    with disk.unused(path) as partial:
        _make(path, partial)
        version = Version(partial)
        try:
            with interrupts.not_lost(at_once=False):  # a matter of seconds
                yield version
            version.number = _publish(path, partial)
        except (OSError, tf.errors.OpError) as error:
            if disk.complaint(error) is None:
                raise
            raise _unwritable(path, error) from None
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    _point_latest(path)


class Version:
    """A version in the making.

    Attributes:
        partial: `Path` to fill.
        number: the version's, once it is published.
    """

    def __init__(self, partial: Path) -> None:
        self.partial = partial
        self.number: int | None = None


def _unwritable(path, error):
    told = disk.sentence(error, path)
    fault = f"{path} cannot be written ({error}):" if told is None else f"{told}, or"
    return InputError(f"{fault} export to another folder.")


def check_place(path: str | Path) -> None:
    """Refuses a place where no version can be written, before any work is done for one.

    Args:
        path: path of the folder of versions.

    Raises:
        InputError: if it is an address, as of a bucket, if it or a folder above it is a file, a link that leads
            nowhere, or may not be written, or if `latest` in it is something else than a link.
    """
    path = Path(path)
    if address := _ADDRESS.match(path.as_posix()):
        raise InputError(
            f"{address[1]}://... is no folder of this machine: export to one, and copy its newest version there."
        )
    try:
        nearest = next(place for place in (path, *path.absolute().parents) if place.exists() or place.is_symlink())
        leads_nowhere = not nearest.exists()
    except OSError as error:  # a name that is too long, a folder that may not be searched
        raise _unwritable(path, error) from None
    if leads_nowhere:
        raise InputError(f"{nearest} is a link that leads nowhere: remove it, or export to another place.")
    if not nearest.is_dir():
        raise InputError(f"{nearest} is a file, not a folder: export to another place.")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise InputError(f"{nearest} cannot be written (Permission denied): export to another folder.")
    latest = path / LATEST
    if latest.exists() and not latest.is_symlink():
        raise InputError(f"{latest} is not a link to a version: move it away, or export to another folder.")


def _make(path, partial):
    """Checks the place, sweeps it and makes an empty folder for the new version in it."""
    check_place(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
        disk.sweep(path)
        # Not tempfile, whose folders nobody else may read: a server often runs as another user.
        partial.mkdir()
    except OSError as error:
        raise _unwritable(path, error) from None


def _publish(path, partial):
    """Gives the filled folder the next number by one rename, and returns it."""
    while True:
        number = max(numbers(path), default=0) + 1
        try:
            os.rename(partial, path / str(number))
        except OSError:
            # Another export was faster and has taken the number; a folder that is not empty is never replaced.
            if not (path / str(number)).exists():
                raise
        else:
            return number


def _point_latest(path):
    """Points `latest` at the newest version, also where several exports end together."""
    while True:
        newest = str(numbers(path)[-1])
        with disk.unused(path) as link:
            try:
                link.symlink_to(newest)
                os.replace(link, path / LATEST)
            except OSError as error:  # of a disk that has no links, say; the version is there all the same
                link.unlink(missing_ok=True)
                warnings.warn(
                    f"{path / newest} is complete, but {path / LATEST} cannot be made to link to it "
                    f"({error.strerror}): name the version by its number.",
                    stacklevel=5,
                )
                return
        if str(numbers(path)[-1]) == newest:
            return
