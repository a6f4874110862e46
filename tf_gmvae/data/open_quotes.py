"""Quotes that open in a text file and never close: all that follows would be one value."""

from __future__ import annotations

import mmap
import re
from pathlib import Path

from tf_gmvae.data.reading import reading
from tf_gmvae.errors import InputError


def check_end(path: str | Path, separator: str, last: str, encoding: str) -> None:
    """Checks that the last value of a file does not reach to its end for want of a quote.

    Args:
        path: of the file.
        separator: text between two values.
        last: the last value, with the blanks around it.
        encoding: of the file.

    Raises:
        InputError: if it does.
    """
    held = b'"' + last.replace('"', '""').encode(encoding, "replace")
    with reading(path, "a table"), open(path, "rb") as file:
        file.seek(max(0, Path(path).stat().st_size - len(held)))
        reaches_the_end = file.read() == held
    if reaches_the_end:  # as `""` does, too
        check(path, separator)


def check(path: str | Path, separator: str) -> None:
    """Checks that every quote of a file closes.

    Args:
        path: of the file.
        separator: text between two values.

    Raises:
        InputError: if one does not, naming its line.
    """
    # A quote opens at the beginning of a value alone, and two within are one of the text.
    quoted = re.compile(
        rb'(?:\A(?:\xef\xbb\xbf)?|[\r\n%s])"([^"]*(?:""[^"]*)*)("?)' % re.escape(separator).encode()
    )
    with (
        reading(path, "a table"),
        open(path, "rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as held,
    ):
        found = next((each for each in quoted.finditer(held) if not each[2]), None)
        if found is None:
            return
        begin, text = found.start(1), found[1]
        before = held[:begin]
        line = 1 + (before.count(b"\n") or before.count(b"\r"))
        del found
    raise InputError(
        f"{path}: the quote that opens in line {line}, before {text[:20].decode(errors='replace')!r}, never "
        "closes: close it, or take it out."
    )
