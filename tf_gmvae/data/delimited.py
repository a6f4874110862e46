"""Tables in text files: comma, semicolon, tab or bar between the values."""

from __future__ import annotations

import contextlib
import csv
import io
import itertools
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
# Bytes at the beginning of a file, and rows of them, by which it is judged.
_SAMPLE = 1 << 16
_ROWS = 50
_DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d+")
# What stands for a missing value.
NULLS = ["", "NA", "N/A", "n/a", "nan", "NaN", "null", "NULL", "None", "?", "-"]


def read_delimited(path: str | Path, is_text: Callable[[str], bool] = lambda name: False) -> pyarrow.Table:
    """Reads a table from a text file.

    Args:
        path: file in UTF-8, or else in Latin-1; a byte-order mark is left aside.
        is_text: function of a column's name to whether its values are texts, whatever they look like, as ids are:
            the word for a missing value is one of them. Default: none is.

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
    text = sample.decode(encoding, errors="ignore").removeprefix("\ufeff")
    if not text.strip():
        raise InputError(f"{path} holds nothing but blank lines: give a table with a row for each example.")
    read_by = {separator: _rows(text, whole, separator) for separator in _SEPARATORS}
    separator = _separator(path, read_by)
    rows = [row for _, row in read_by[separator]]
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
    table = _parsed(path, separator, decimal, encoding, has_names, texts)
    if decimal == "." and separator != "," and _decimal_commas_of(table, texts):  # beyond the rows looked at
        table = _parsed(path, separator, ",", encoding, has_names, texts)
    return table


def _rows(text, whole, separator):
    """The first rows that are no blank lines, each with the number of its last line: a text may hold several."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    rows = [(reader.line_num, row) for row in itertools.islice(reader, 2 * _ROWS) if "".join(row).strip()]
    is_cut = not whole and next(reader, None) is None
    return (rows[:-1] if is_cut and len(rows) > 1 else rows)[:_ROWS]


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
                    # Of texts, as ids are, "NA" is one; in other columns `_typed` finds it.
                    strings_can_be_null=False,
                    quoted_strings_can_be_null=True,
                ),
            )
        except pyarrow.ArrowInvalid as error:
            # Such as "CSV parse error: Expected 3 columns, got 2: a,b".
            raise InputError(
                f"{path} cannot be read as a table ({' '.join(str(error).split())[:160]}): every line must have "
                "as many values as the first."
            ) from None
    for index, (name, column) in enumerate(zip(table.column_names, table.columns, strict=True)):
        if pyarrow.types.is_string(column.type):
            trimmed = compute.utf8_trim_whitespace(column)
            is_padded = compute.any(compute.not_equal(trimmed, column)).as_py()
            table = table.set_column(
                index, name, trimmed if name in texts else _present(trimmed, decimal, bool(is_padded))
            )
    if not has_names:
        return table.rename_columns([f"column_{index}" for index in range(table.num_columns)])
    return table.rename_columns([name.strip() or ROW for name in table.column_names])


def _present(column, decimal, is_padded):
    """Of trimmed texts those that stand for a missing value are missing, and the others what they are without."""
    import pyarrow
    from pyarrow import compute

    present = without_nulls(column)
    if not (is_padded or present.null_count > column.null_count):
        return column
    column = present
    found = typed(column if decimal == "." else compute.replace_substring(column, ",", "."))
    return column if pyarrow.types.is_string(found.type) else found


def without_nulls(texts: pyarrow.Array | pyarrow.ChunkedArray) -> pyarrow.Array | pyarrow.ChunkedArray:
    """Trimmed texts, of which those that stand for a missing value are missing.

    Args:
        texts: `pyarrow.Array` or `pyarrow.ChunkedArray` of texts.

    Returns:
        The same, with None in their place.
    """
    import pyarrow
    from pyarrow import compute

    absent = compute.is_in(texts, pyarrow.array(NULLS))
    return compute.if_else(absent, pyarrow.scalar(None, texts.type), texts)


def typed(texts: pyarrow.ChunkedArray) -> pyarrow.ChunkedArray:
    """Trimmed texts as what they all stand for: whole numbers, bools, dates, numbers or times of day.

    Args:
        texts: `pyarrow.ChunkedArray` of texts, None where one is missing.

    Returns:
        `pyarrow.ChunkedArray` of that type; the texts, where they stand for nothing of this.
    """
    import pyarrow
    from pyarrow import compute

    moments = pyarrow.timestamp("us"), pyarrow.timestamp("us", "UTC")
    for kind in (pyarrow.int64(), pyarrow.bool_(), *moments, pyarrow.float64()):
        with contextlib.suppress(pyarrow.ArrowInvalid):
            return texts.cast(kind)
    with contextlib.suppress(pyarrow.ArrowInvalid):  # Arrow reads times of day in files alone
        day, between = (pyarrow.scalar(text, texts.type) for text in ("1970-01-01", "T"))
        of_a_day = compute.binary_join_element_wise(day, texts, between)
        return of_a_day.cast(pyarrow.timestamp("us")).cast(pyarrow.time64("us"))
    return texts


def _decimal_commas_of(table, texts):
    """Whether a column was read as texts that are all numbers with a comma, and no number has a point."""
    import pyarrow
    from pyarrow import compute

    found = False
    for name, column in zip(table.column_names, table.columns, strict=True):
        if pyarrow.types.is_floating(column.type):
            return False
        if name not in texts and pyarrow.types.is_string(column.type) and column.null_count < len(column):
            found = found or compute.all(compute.match_substring_regex(column, r"^[-+]?\d+(,\d+)?$")).as_py()
    return found


def _encoding(path):
    with reading(path, "a table"), open(path, "rb") as file:
        try:
            for line in iter(lambda: file.readline(1 << 20), b""):
                line.decode("utf-8")
        except UnicodeDecodeError:
            return "latin-1"
    return "utf-8"


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
        raise InputError(
            f"{path} mixes the separators {' and '.join(map(repr, fitting))}: every line has both. "
            "Write it again with one of them, and texts that hold the other in quotes."
        )
    if fitting:
        return fitting[0]
    if all(len(row) == 1 for rows in read_by.values() for _, row in rows):
        return ","  # a single column
    likely = max(read_by, key=lambda separator: len(read_by[separator][0][1]))
    (first, names), *rows = read_by[likely]
    odd, row = next(((line, row) for line, row in rows if len(row) != len(names)), (first, names))
    raise InputError(
        f"{path}: line {odd} has {len(row)} values, but line {first} has {len(names)} (separated by {likely!r}): "
        "write it again with one separator, and texts that hold it in quotes."
    )


def _decimal_commas(rows):
    """Whether the commas of rows without names are those of numbers."""
    values = [value.strip() for _, row in rows for value in row]
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
