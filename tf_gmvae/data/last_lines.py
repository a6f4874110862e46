"""Lines of separators alone at the end of a text file: spreadsheets write them for rows that have a format."""

from __future__ import annotations

import os
import re
from pathlib import Path

from tf_gmvae.data.reading import reading

_TAIL = 1 << 16


def of_separators(path: str | Path, separator: str, values: int) -> int:
    """How many lines at the end of a table hold nothing but separators and blanks.

    Args:
        path: of the file, whose quotes all close.
        separator: text between two values.
        values: integer, how many a row has.

    Returns:
        Integer; 0 where a row has one value, since such lines are blank.
    """
    sign = separator.encode()
    blank = b" \t\r\n" + sign
    with reading(path, "a table"), open(path, "rb") as file:
        size, length = file.seek(0, os.SEEK_END), _TAIL
        while True:
            file.seek(max(0, size - length))
            tail = file.read()
            if length >= size or tail.strip(blank):
                break
            length *= 2
    ends = re.split(rb"\r\n|\r|\n", tail[len(tail.rstrip(blank)) :])[1:]  # the first one is that of a row
    return sum(values > 1 and line.count(sign) == values - 1 for line in ends)
