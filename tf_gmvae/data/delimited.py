"""Tables in text files: comma, semicolon, tab or bar between the values."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import TYPE_CHECKING

from tf_gmvae.data.reading import reading
from tf_gmvae.errors import InputError

if TYPE_CHECKING:
    import pyarrow

_SEPARATORS = (",", ";", "\t", "|")
# Bytes at the beginning of a file by which it is judged.
_SAMPLE = 1 << 16
_LINES = 50
_DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d+")
# What stands for a missing value.
NULLS = ["", "NA", "N/A", "n/a", "nan", "NaN", "null", "NULL", "None", "?", "-"]


def read_delimited(path: str | Path) -> pyarrow.Table:
    """Reads a table from a text file.

    Args:
        path: file in UTF-8, or else in Latin-1; a byte-order mark is left aside.

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
    if has_names and any(not name.strip() for name in rows[0]):
        # The nameless first column is what spreadsheets and pandas write for the number of the row.
        empty = [index for index, name in enumerate(rows[0]) if not name.strip()]
        if empty != [0]:
            raise InputError(f"{path}: column {empty[-1] + 1} has no name in the first line: give it one.")
    return _parsed(path, separator, decimal, encoding, has_names)


def _parsed(path, separator, decimal, encoding, has_names):
    import pyarrow
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
                    null_values=NULLS,
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
    if not has_names:
        return table.rename_columns([f"column_{index}" for index in range(table.num_columns)])
    return table.rename_columns([name.strip() or "row" for name in table.column_names])


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
    """Whether the first line names the columns: none of it is a number, unless all lines are texts."""
    return not any(_is_number(value) for value in rows[0])


def _is_number(value):
    try:
        float(value.strip().replace(",", "."))
    except ValueError:
        return False
    return True
