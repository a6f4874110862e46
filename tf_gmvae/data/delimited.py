"""Tables in text files: comma, semicolon, tab or bar between the values."""

from __future__ import annotations

import csv
import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tf_gmvae.data.reading import reading
from tf_gmvae.errors import InputError

if TYPE_CHECKING:
    import pyarrow

log = logging.getLogger(__name__)

_SEPARATORS = (",", ";", "\t", "|")
# What a first column without a name is called.
ROW = "row"
# Bytes at the beginning of a file by which it is judged.
_SAMPLE = 1 << 16
_LINES = 50
_DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d+")
# What stands for a missing value.
NULLS = ["", "NA", "N/A", "n/a", "nan", "NaN", "null", "NULL", "None", "?", "-"]


def read_delimited(path: str | Path, is_text: Callable[[str], bool] = lambda name: False) -> pyarrow.Table:
    """Reads a table from a text file.

    Args:
        path: file in UTF-8, or else in Latin-1; a byte-order mark is left aside.
        is_text: function of a column's name to whether its values are texts, whatever they look like, as ids are.
            Default: none is.

    Returns:
        `pyarrow.Table`; without a line of names, columns are column_0, column_1 and so on.

    Raises:
        InputError: if it is no such table.
    """
    with reading(path, "a table"), open(path, "rb") as file:
        sample, whole = file.read(_SAMPLE), not file.read(1)
    if b"\0" in sample:
        raise InputError(f"{path} is no text file: write it again as CSV in UTF-8, or as Parquet.")
    encoding = _encoding(path)
    lines = sample.decode(encoding, errors="ignore").removeprefix("\ufeff").splitlines()
    lines = [line for line in (lines if whole or len(lines) == 1 else lines[:-1]) if line.strip()][:_LINES]
    if not lines:
        raise InputError(f"{path} holds nothing but blank lines: give a table with a row for each example.")
    separator = _separator(path, lines)
    rows = list(csv.reader(lines, delimiter=separator))
    values = [value.strip() for row in rows[1:] for value in row]
    decimal = "," if separator != "," and any(_DECIMAL_COMMA.fullmatch(value) for value in values) else "."
    has_names = _has_names(rows)
    if has_names:
        # The nameless first column is what spreadsheets and pandas write for the number of the row.
        empty = [index for index, name in enumerate(rows[0]) if not name.strip()]
        if empty not in ([], [0]):
            raise InputError(f"{path}: column {empty[-1] + 1} has no name in the first line: give it one.")
    if any(map(_is_number, rows[0])):
        log.info(
            "%s: its first line is taken as %s.", path, "names, though it holds numbers" if has_names else "data"
        )
    texts = [name for name in rows[0] if is_text(name.strip() or ROW)] if has_names else []
    return _parsed(path, separator, decimal, encoding, has_names, texts)


def _parsed(path, separator, decimal, encoding, has_names, texts):
    import pyarrow
    from pyarrow import compute
    from pyarrow import csv as arrow_csv

    with reading(path, "a table", "write it again as CSV"):
        try:
            table = arrow_csv.read_csv(
                path,
                arrow_csv.ReadOptions(
                    encoding=encoding, autogenerate_column_names=not has_names, block_size=1 << 24
                ),
                arrow_csv.ParseOptions(delimiter=separator, newlines_in_values=True),
                arrow_csv.ConvertOptions(
                    decimal_point=decimal,
                    null_values=[*NULLS, *(f" {null}" for null in NULLS)],  # a comma and a space between values
                    column_types=dict.fromkeys(texts, pyarrow.string()),
                    strings_can_be_null=True,
                    quoted_strings_can_be_null=True,
                ),
            )
        except pyarrow.ArrowInvalid as error:
            # Such as "CSV parse error: Expected 3 columns, got 2: a,b".
            raise InputError(
                f"{path} cannot be read as a table ({' '.join(str(error).split())[:160]}): every line must have "
                "as many values as the first."
            ) from None
    for index, column in enumerate(table.columns):
        if pyarrow.types.is_string(column.type):
            table = table.set_column(index, table.column_names[index], compute.utf8_trim_whitespace(column))
    if not has_names:
        return table.rename_columns([f"column_{index}" for index in range(table.num_columns)])
    return table.rename_columns([name.strip() or ROW for name in table.column_names])


def _encoding(path):
    with reading(path, "a table"), open(path, "rb") as file:
        try:
            for line in iter(lambda: file.readline(1 << 20), b""):
                line.decode("utf-8")
        except UnicodeDecodeError:
            return "latin-1"
    return "utf-8"


def _separator(path, lines):
    """The one by which every line has the same number of values, the most of them."""
    counts = {}
    for separator in _SEPARATORS:
        found = {len(row) for row in csv.reader(lines, delimiter=separator)}
        if len(found) == 1:
            counts[separator] = found.pop()
    fitting = [separator for separator, count in counts.items() if count > 1]
    if "," in fitting and len(fitting) == 2 and _decimal_commas(lines, next(s for s in fitting if s != ",")):
        fitting.remove(",")
    if len(fitting) > 1:
        raise InputError(
            f"{path} mixes the separators {' and '.join(map(repr, fitting))}: every line has both. "
            "Write it again with one of them, and texts that hold the other in quotes."
        )
    if fitting:
        return fitting[0]
    if counts and not any(separator in line for line in lines for separator in _SEPARATORS):
        return ","  # a single column
    first = {separator: len(next(csv.reader(lines[:1], delimiter=separator))) for separator in _SEPARATORS}
    likely = max(first, key=lambda separator: first[separator])
    widths = [len(row) for row in csv.reader(lines, delimiter=likely)]
    odd = next((number for number, width in enumerate(widths) if width != widths[0]), 0)
    raise InputError(
        f"{path}: line {odd + 1} has {widths[odd]} values, but line 1 has {widths[0]} (separated by {likely!r}): "
        "write it again with one separator, and texts that hold it in quotes."
    )


def _decimal_commas(lines, separator):
    """Whether the commas of lines without names are those of numbers."""
    values = [value.strip() for row in csv.reader(lines, delimiter=separator) for value in row]
    return all(_is_number(value) for value in values if value)


def _has_names(rows):
    """Whether the first line names the columns: none of it is a number, or the numbers in it are names plainly."""
    names, below = [value.strip() for value in rows[0]], rows[1:]
    numbers = [name for name in names if _is_number(name)]
    if not numbers or not below:
        return not numbers
    # What pandas writes for columns without names: 0, 1, ..., behind a nameless one or not.
    counted = names[1:] if not names[0] else names
    if counted == [str(index) for index in range(len(counted))] and len(names) > 1:
        return len(names) > 2 or any(value.strip() not in ("0", "1") for row in below for value in row)
    # A name above numbers, or years behind names.
    for index, name in enumerate(names):
        values = [row[index].strip() for row in below if row[index].strip() not in NULLS]
        if name not in NULLS and not _is_number(name) and values and all(map(_is_number, values)):
            return True
    return _ends_in_years(names) and not any(_ends_in_years([value.strip() for value in row]) for row in below)


def _ends_in_years(values):
    """Whether texts are followed by whole numbers that count up by one, two at least."""
    first = next((index for index, value in enumerate(values) if _is_number(value)), len(values))
    tail = values[first:]
    whole = len(tail) > 1 and all(value.isdecimal() for value in tail)
    return first > 0 and whole and [int(value) for value in tail] == [int(tail[0]) + n for n in range(len(tail))]


def _is_number(value):
    try:
        float(value.strip().replace(",", "."))
    except ValueError:
        return False
    return True
