"""Pictures of kinds that are not read, as telephones, cameras and drawing programs write them, are told of."""

from __future__ import annotations

import os
from pathlib import Path

_SUFFIXES = {
    ".heic", ".heif", ".avif", ".jxl", ".jp2", ".svg", ".eps", ".psd", ".ico", ".tga", ".pbm", ".pgm", ".ppm",
    ".dng", ".raw", ".arw", ".cr2", ".cr3", ".nef", ".orf", ".rw2", ".dcm",
}  # fmt: skip


def found(*folders: Path) -> str:
    """What to say of such pictures in folders, at any depth.

    Args:
        *folders: the folders.

    Returns:
        Text, how many there are, of which endings, and the mend; "" if there is none.
    """
    suffixes = [
        suffix
        for folder in folders
        for _, below, names in os.walk(folder)
        for name in _visible(below, names)
        if (suffix := Path(name).suffix.lower()) in _SUFFIXES
    ]
    if not suffixes:
        return ""
    count, kinds = len(suffixes), ", ".join(sorted(set(suffixes)))
    return (
        f"{count} picture{'s' * (count > 1)} of a kind that is not read ({kinds}) {'are' if count > 1 else 'is'} "
        "left out: write such pictures again as PNG or JPEG"
    )


def _visible(below, names):
    below[:] = [name for name in below if not name.startswith(".")]
    return [name for name in names if not name.startswith(".")]
