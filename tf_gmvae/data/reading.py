"""What the readers of files share: any failure to read a file becomes one sentence that names it."""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tf_gmvae import disk
from tf_gmvae.errors import InputError, in_short

# What the readers of gzip, zip, MAT and NPY data raise for bytes that are not what they should be. The
# parsers of MAT and NPY also let IndexError, TypeError and the like escape for damaged headers, so a file's
# reading, and nothing else, belongs inside the block.
_DAMAGE = (
    EOFError, ValueError, TypeError, LookupError, OverflowError, SyntaxError, NotImplementedError, RuntimeError,
    AttributeError, struct.error, zlib.error, zipfile.BadZipFile,
)  # fmt: skip


@contextmanager
def reading(path: str | Path, kind: str, mend: str = "download it again") -> Iterator[None]:
    """Turns whatever goes wrong while the block reads `path` into an `InputError`.

    Args:
        path: The file.
        kind: What the file should be, for the message, such as "an IDX file".
        mend: What to do about a damaged file. Default "download it again".

    Raises:
        InputError: If the file is missing, a folder, unreadable, empty or damaged.
    """
    path = Path(path)
    check_file(path)
    try:
        yield
    except InputError:
        raise
    except MemoryError as error:
        # A damaged header can promise any size; so can a file that is simply larger than the memory.
        raise InputError(f"{path} asks for more memory than there is: if it is not that large, {mend}.") from error
    except OSError as error:
        reason = error.strerror or error
        raise InputError(f"{path} could not be read as {kind} ({in_short(reason)}): {mend}.") from error
    except _DAMAGE as error:
        raise InputError(f"{path} is damaged or not {kind} ({in_short(error)}): {mend}.") from error


@contextmanager
def listing() -> Iterator[None]:
    """Turns whatever the system has against looking into a folder into an `InputError`.

    Raises:
        InputError: If a folder or file may not be looked at.
    """
    try:
        yield
    except OSError as error:
        raise InputError(f"{disk.unread(error)}.") from error


def check_file(path: str | Path) -> None:
    """Raises an `InputError` unless `path` is a file with something in it that can be opened."""
    path = Path(path)
    try:
        if path.is_dir():
            raise InputError(f"{path} is a folder, where a file is expected: give the path of the file.")
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # a pipe would let it wait for ever, and a device read for ever
            raise InputError(f"{path} is no file, but a pipe or a device: give the path of a file.")
        if status.st_size == 0:
            raise InputError(f"{path} is empty: download or write it again.")
        with path.open("rb"):
            pass
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist: check the path.") from error
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{path} cannot be opened ({reason}): check the path and its permissions.") from error
