"""What the first lines of a text file tell of the table in it: encoding, separator and names of columns."""

from __future__ import annotations

import csv
import io
import itertools
import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tf_gmvae.data import open_quotes
from tf_gmvae.data.reading import reading
from tf_gmvae.data.texts import NULLS_OF_NUMBERS, is_number
from tf_gmvae.errors import InputError
from tf_gmvae.tables.levels import all_composed

log = logging.getLogger(__name__)

_SEPARATORS = (",", ";", "\t", "|")
# What a first column without a name is called.
ROW = "row"
# Bytes at the beginning of a file, and rows of them, by which it is judged.
_SAMPLE = 1 << 20
_ROWS = 50
_LINE = 1 << 24
# What Excel writes, and takes, above the names.
_SEPARATOR_LINE = re.compile(r"sep=(.)(\r\n|\r|\n|$)")


class Layout(NamedTuple):
    """How a table is written in a text file.

    Attributes:
        path: of the file.
        encoding: text.
        separator: text between two values.
        first: list of texts, the values of the first line; None if it is data, and columns have no names.
        names: list of texts, what the columns are called; "" are those that have no name and are of no use.
        skipped: integer, lines before the first: Excel's, that names the separator.
        rows: list of lists of texts, trimmed: the values of the first rows.
    """

    path: str | Path
    encoding: str
    separator: str
    first: list[str] | None
    names: list[str]
    skipped: int
    rows: list[list[str]]


def layout_of(path: str | Path, is_wanted: Callable[[str], bool] = lambda name: True) -> Layout:
    """Finds out how a table is written in a text file.

    Args:
        path: of the file.
        is_wanted: function of a column's name to whether it is of use. Default: all are, those without a name as
            well.

    Returns:
        `Layout`.

    Raises:
        InputError: if it is no such table.
    """
    with reading(path, "a table"), open(path, "rb") as file:
        sample = file.read(_SAMPLE) + file.readline(_LINE)  # of many columns, the names alone are longer
        whole = not file.read(1)
    if b"\0" in sample:
        raise InputError(f"{path} is no text file: write it again as CSV in UTF-8, or as Parquet.")
    encoding = _encoding(path)
    text = sample.decode(encoding, errors="ignore").removeprefix("\ufeff")
    if not text.strip():
        raise InputError(f"{path} holds nothing but blank lines: give a table with a row for each example.")
    named = _SEPARATOR_LINE.match(text)
    known = named[1] if named else _SEPARATORS
    read_by = {each: _rows(text, whole, each, named.end() if named else 0) for each in known}
    read_by = {each: rows for each, rows in read_by.items() if rows}
    if not read_by:
        what = "holds nothing but its separator" if named else "has a first line that is too long for a table"
        raise InputError(f"{path} {what}: give a table with a row for each example.")
    separator = _separator(path, read_by)
    rows = [row for _, row in read_by[separator]]
    has_names = _has_names(rows)
    if has_names:
        # The nameless first column is what spreadsheets and pandas write for the number of the row.
        empty = [index for index, name in enumerate(rows[0]) if not name.strip()]
        if empty not in ([], [0]) and is_wanted(""):
            raise InputError(f"{path}: column {empty[-1] + 1} has no name in the first line: give it one.")
    if any(map(is_number, rows[0])):
        log.info(
            "%s: its first line is taken as %s.", path, "names, though it holds numbers" if has_names else "data"
        )
    names = [name or ROW * (not index) for index, name in enumerate(all_composed([n.strip() for n in rows[0]]))]
    return Layout(
        path,
        encoding,
        separator,
        rows[0] if has_names else None,
        names if has_names else [f"column_{index}" for index in range(len(names))],
        1 if named else 0,
        [[value.strip() for value in row] for row in rows[has_names:]],
    )


def _rows(text, whole, separator, begin):
    """The first rows that are no blank lines, each with the number of its last line: a text may hold several."""
    reader = csv.reader(io.StringIO(text[begin:], newline=""), delimiter=separator)
    rows: list[tuple[int, list[str]]] = []
    try:
        for row in itertools.islice(reader, 2 * _ROWS):
            if "".join(row).strip():
                rows.append((reader.line_num + bool(begin), row))
        is_cut = not whole and next(reader, None) is None
    except csv.Error:  # a longer value than a reader takes, as behind a quote that never closes
        is_cut = False
    return (rows[:-1] if is_cut and len(rows) > 1 else rows)[:_ROWS]


def _encoding(path):
    """UTF-8; else Windows' own Latin-1, with a euro sign and quotes; Latin-1 where a byte is none of that."""
    tried = ["utf-8", "cp1252", "latin-1"]
    with reading(path, "a table"), open(path, "rb") as file:
        for line in iter(lambda: file.readline(1 << 20), b""):
            if not _is_in(line, tried[0]):
                del tried[0]
                file.seek(0)
    return tried[0]


def _is_in(line, encoding):
    try:
        line.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _separator(path, read_by):
    """The one by which every row has the same number of values, the most of them."""
    counts = {}
    for separator, rows in read_by.items():
        found = {len(row) for _, row in rows}
        if len(found) == 1:
            counts[separator] = found.pop()
    fitting = [separator for separator, count in counts.items() if count > 1]
    if "," in fitting and len(fitting) == 2 and _decimal_commas(read_by[next(s for s in fitting if s != ",")]):
        fitting.remove(",")
    if len(fitting) > 1:
        # "a; b" in quotes is one text, of which the wrong separator makes two halves with a quote each.
        whole = [each for each in fitting if not _tears_quotes(read_by[each], set(fitting) - {each})]
        fitting = whole or fitting
    if len(fitting) > 1:
        raise InputError(
            f"{path} mixes the separators {' and '.join(map(repr, fitting))}: every line has both. "
            "Write it again with one of them, and texts that hold the other in quotes, or put a line that names "
            f"the right one, as sep={max(fitting)}, above all others."
        )
    if fitting:
        return fitting[0]
    if all(len(row) == 1 for rows in read_by.values() for _, row in rows):
        separator = next(iter(read_by))  # a single column
        _check_blanks(path, [row[0] for _, row in read_by[separator]])
        return separator
    likely = max(read_by, key=lambda each: (len(read_by[each][0][1]), max(len(row) for _, row in read_by[each])))
    (first, names), *rows = read_by[likely]
    begin = next((n for n, (_, row) in enumerate(rows) if len(row) > 1), 0)
    if len(names) == 1 and len({len(row) for _, row in rows[begin:]}) == 1:
        line, row = rows[begin]
        raise InputError(
            f"{path}: line {line} has {len(row)} values, but line {first} has 1 (separated by {likely!r}): remove "
            "the lines above that of the names, and put texts that hold the separator in quotes."
        )
    open_quotes.check(path, likely)
    odd, row = next(((line, row) for line, row in rows if len(row) != len(names)), (first, names))
    raise InputError(
        f"{path}: line {odd} has {len(row)} values, but line {first} has {len(names)} (separated by {likely!r}): "
        "write it again with one separator, and texts that hold it in quotes."
    )


def _tears_quotes(rows, others):
    """Whether every row has a value with a quote that has no other, or with one at the end of another value."""
    ends = [f'"{other}' for other in others]
    return all(any(v.count('"') % 2 or any(end in v for end in ends) for v in row) for _, row in rows)


def _check_blanks(path, lines):
    """Refuses a single column that seems to be several with blanks between: as many each, and mostly numbers."""
    first, *rows = (line.split() for line in lines)
    if len(first) < 2 or {len(row) for row in rows} != {len(first)}:
        return
    if 2 * sum(all(map(is_number, column)) for column in zip(*rows, strict=True)) > len(first):
        raise InputError(
            f"{path} has blanks between its values, as in {lines[1][:40]!r}: write it again with commas, "
            "semicolons, tabs or bars between them."
        )


def _decimal_commas(rows):
    """Whether the commas of rows without names are those of numbers."""
    values = [value.strip() for _, row in rows for value in row]
    return all(is_number(value) for value in values if value)


def _has_names(rows):
    """Whether the first line names the columns: none of it is a number, or the numbers in it are names plainly."""
    names, below = [value.strip() for value in rows[0]], rows[1:]
    numbers = [name for name in names if is_number(name)]
    if not numbers or not below:
        return not numbers
    # What pandas writes for columns without names: 0, 1, ..., behind a nameless one or not.
    counted = names[1:] if not names[0] else names
    if counted == [str(index) for index in range(len(counted))] and len(names) > 1:
        return len(names) > 2 or any(value.strip() not in ("0", "1") for row in below for value in row)
    # A name above numbers, or years behind names.
    for index, name in enumerate(names):
        values = [row[index].strip() for row in below if row[index].strip() not in NULLS_OF_NUMBERS]
        if name not in NULLS_OF_NUMBERS and not is_number(name) and values and all(map(is_number, values)):
            return True
    return _ends_in_years(names) and not any(_ends_in_years([value.strip() for value in row]) for row in below)


def _ends_in_years(values):
    """Whether texts are followed by whole numbers that count up by one, two at least."""
    first = next((index for index, value in enumerate(values) if is_number(value)), len(values))
    tail = values[first:]
    whole = len(tail) > 1 and all(value.isdecimal() for value in tail)
    return first > 0 and whole and [int(value) for value in tail] == [int(tail[0]) + n for n in range(len(tail))]
