"""How large data are before they are read: files of a few bytes may unpack to more than the memory holds."""

from __future__ import annotations

import os
from pathlib import Path

from tf_gmvae.errors import InputError

# Data are held as they are stored, and once more while they are read; the rest is for the model.
SHARE = 0.5


def memory() -> int:
    """Bytes of memory for this process: those of the machine, or of its container if these are fewer."""
    try:
        found = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    except (AttributeError, ValueError, OSError):  # not on every system
        found = [1 << 50]
    for limit in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            text = Path(limit).read_text(encoding="ascii").strip()
        except OSError:
            continue
        if text.isdigit():
            found.append(int(text))
    return min(found)


def check(path: str | Path, num_bytes: int) -> None:
    """Refuses what is too large for the memory.

    Args:
        path: The file or folder, for the message.
        num_bytes: What it holds by its headers, unpacked.

    Raises:
        InputError: If that is more than half of the memory.
    """
    most = int(SHARE * memory())
    if num_bytes > most:
        raise InputError(
            f"{path} unpacks to {num_bytes / 1e9:,.1f} GB by its headers, more than the {most / 1e9:,.1f} GB that "
            "data may take here: it is damaged, an attack, or too large. Download it again, take a part "
            "of it, or read it from the disk in shards, see python -m train.shards --help."
        )
