"""Files that appear whole or not at all, and what a disk has against a file, whichever package met with it."""

import contextlib
import errno
import hashlib
import os
import re
import secrets
import shutil
import socket
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import tensorflow as tf

# How the names of files and folders begin that are not whole yet: hidden, and then HOST-SPACE-PID-RANDOM of the
# process that writes them. SPACE tells where the pid is known: containers may share a host's name. Names of
# earlier versions have none.
PARTIAL = ".partial-"
_PARTIAL = re.compile(re.escape(PARTIAL) + r"(?P<host>.+)-(?P<pid>[0-9]+)-[0-9a-f]+(\..*)?")
# Seconds after which nobody writes a file of another machine any more, which cannot be asked.
_FORGOTTEN = 86_400.0
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_CLOSED = (errno.EROFS, errno.EACCES, errno.EPERM)
_WRONG = (errno.ENOENT, errno.EEXIST, errno.EISDIR, errno.ENOTDIR, errno.ENAMETOOLONG, errno.EIO)
_KNOWN = (*_FULL, *_CLOSED, *_WRONG)
# Names that this process writes to now. A fork has those of its parent, too, which bear another pid.
_open: set[str] = set()
# Folders that this process has swept: to list one of thousands of files for each of them would take minutes.
_swept: set[Path] = set()


@contextlib.contextmanager
def whole(path: str | Path) -> Iterator[Path]:
    """Where to write a file, so that no reader, no kill and no full disk ever leaves half of it.

    Of several that write the same file, each has its own place to write to, and the last one's file stays.

    Args:
        path: path of the file; where it is a link, the file that it leads to is written. The mode of a file that
            is there stays, and its owner where the system permits it.

    Yields:
        `Path` of an empty, hidden file in the same folder with the same suffix, to be written. When the block ends
        it takes the place of `path`; if it fails, it is removed, and what was there stays.

    Raises:
        OSError: with the name of the file, if the disk is full, say.
    """
    target = Path(os.path.realpath(path))
    with unused(target.parent, target.suffix) as partial:
        try:
            if target.parent not in _swept:
                sweep(target.parent)
                _swept.add(target.parent)
            partial.touch(exist_ok=False)
            yield partial
            _as_before(target, partial)
            os.replace(partial, target)
        except BaseException as error:
            # Where the disk is full, there is none.
            if isinstance(error, OSError) and error.filename in (None, str(partial), partial):
                error.filename = str(path)
            with contextlib.suppress(OSError):
                partial.unlink()
            raise


def _as_before(target, partial):
    """Gives a file the owner, group and mode of the one that it replaces, as far as the system lets it."""
    with contextlib.suppress(FileNotFoundError):
        before = target.stat()
        for owner in ((before.st_uid, -1), (-1, before.st_gid)):
            # Nor are owners known on Windows, or those of other user namespaces.
            with contextlib.suppress(OSError, AttributeError):
                os.chown(partial, *owner)
        with contextlib.suppress(OSError):  # of disks without modes
            shutil.copymode(target, partial)


@contextlib.contextmanager
def unused(folder: Path, suffix: str = "") -> Iterator[Path]:
    """A hidden name that nobody has, for what is not whole yet.

    Args:
        folder: `Path` of the folder.
        suffix: text, the end of the name. Default none.

    Yields:
        `Path` in the folder; nothing has been made. While the block lasts, `sweep` leaves it alone.
    """
    name = f"{PARTIAL}{_here()}-{os.getpid()}-{secrets.token_hex(4)}{suffix}"
    _open.add(name)
    try:
        yield folder / name
    finally:
        _open.discard(name)


def is_empty(folder: Path) -> bool:
    """Whether a folder holds nothing, or nothing but what a killed process has left under such names.

    Args:
        folder: `Path` of the folder.
    """
    return all(entry.name.startswith(PARTIAL) for entry in folder.iterdir())


def sweep(folder: Path) -> None:
    """Removes what killed processes have left under such names; what somebody may still be writing stays.

    Args:
        folder: `Path` of the folder.
    """
    with contextlib.suppress(OSError):  # a folder that cannot be listed, say
        for entry in folder.iterdir():
            written = _PARTIAL.fullmatch(entry.name)
            if written is None or not _is_left(entry, written):
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                with contextlib.suppress(OSError):
                    entry.unlink()


def _here():
    """Name of the machine, and where its pids hold: which boot, and which of its containers."""
    known = []
    with contextlib.suppress(OSError):  # not every system tells
        known.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii"))
    with contextlib.suppress(OSError):
        known.append(str(os.stat("/proc/self/ns/pid").st_ino))
    space = hashlib.sha256("".join(known).encode()).hexdigest()[:8]
    return f"{socket.gethostname()}-{space}"


def _is_left(entry, written):
    here = _here()
    if written["host"] == here and int(written["pid"]) == os.getpid():
        return entry.name not in _open
    if written["host"] not in (here, socket.gethostname()):
        with contextlib.suppress(OSError):
            return time.time() - entry.lstat().st_mtime > _FORGOTTEN
        return False
    if os.name == "nt":  # where asking for a process ends it
        return False
    try:
        os.kill(int(written["pid"]), 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        pass
    return False


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


def is_closed(error: BaseException) -> bool:
    """Whether a place is for reading alone, or something is in the way: more room would not help.

    Args:
        error: as for `complaint`.
    """
    code = _code(error)
    return code in (*_CLOSED, *_WRONG) and code != errno.EIO


def sentence(error: BaseException, where: str | Path | None = None) -> str | None:
    """The same with the file and a mend.

    Args:
        error: as for `complaint`.
        where: path to name. Default None: that of the error.

    Returns:
        Text without a full stop, or None.
    """
    code = _code(error)
    if code is None:
        return None
    if code in _CLOSED and isinstance(error, OSError) and _is_unreadable(error.filename):
        return unread(error)
    if code == errno.ENOENT and getattr(error, "filename", None) is None and _is_nowhere():
        return "The folder in which this command was started has been removed: go to another one"
    if where is None and isinstance(error, OSError):
        where = error.filename
    elif where is None:
        message: str = getattr(error, "message", "")  # of TensorFlow's errors
        where = next((word.strip(":;,") for word in message.split() if word.startswith("/")), None)
    mend = {_FULL: "make room there", _CLOSED: "make it writable", _WRONG: "look at that place"}
    return f"{where or 'A file'} cannot be written ({os.strerror(code)}): " + next(
        text for codes, text in mend.items() if code in codes
    )


def _is_nowhere():
    try:
        os.getcwd()
    except FileNotFoundError:
        return True
    return False


def unread(error: OSError, where: str | Path | None = None) -> str:
    """The sentence of a file or folder that could not be read.

    Args:
        error: `OSError`.
        where: path to name. Default None: that of the error.

    Returns:
        Text without a full stop.
    """
    mends = {errno.ENOENT: "check the path", errno.EIO: "look at its disk"}
    mend = mends.get(error.errno or 0, "check its permissions")
    return f"{where or error.filename} cannot be read ({error.strerror}): {mend}"


def withheld(error: Exception, where: str | Path) -> str | None:
    """The same, if the system does not hand out what a file holds, which says nothing of what it holds.

    Args:
        error: exception of reading it.
        where: path of the file.

    Returns:
        Text without a full stop, or None.
    """
    if isinstance(error, OSError) and error.errno in (*_CLOSED, errno.EIO):
        return unread(error, where)
    return None


def _is_unreadable(path):
    """Whether a file or folder is there and may not be read, or nobody may look whether it is."""
    try:
        is_folder = stat.S_ISDIR(os.stat(path).st_mode)
    except PermissionError:
        return True
    except (OSError, TypeError, ValueError):  # none that is there, or no path
        return False
    rights = os.R_OK | os.X_OK if is_folder else os.R_OK
    return not os.access(path, rights, effective_ids=os.access in os.supports_effective_ids)


def _code(error):
    if isinstance(error, OSError):
        return error.errno if error.errno in _KNOWN else None
    if isinstance(error, tf.errors.OpError):  # which says it in words alone
        return _code_in(error.message)
    return None


def _code_in(words):
    return next((code for code in _KNOWN if os.strerror(code) in words), None)
