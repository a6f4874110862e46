"""Tables longer than memory, block by block, as rows of numbers for a model that was trained on others."""

from __future__ import annotations

import csv
import functools
from collections.abc import Iterator
from typing import IO, NamedTuple

import numpy as np
import pyarrow
from pyarrow import compute
from pyarrow import csv as arrow_csv

from tf_gmvae.data.first_lines import ROW
from tf_gmvae.data.frames import as_table
from tf_gmvae.data.table import ids_of, known_columns
from tf_gmvae.data.texts import without_nulls
from tf_gmvae.errors import InputError
from tf_gmvae.tables.columns import Columns
from tf_gmvae.tables.levels import all_composed


class Rows(NamedTuple):
    """Rows of a block.

    Attributes:
        ids: texts (n,), "" where there is none; None without such a column.
        numbers: float32 array (n, F).
        num_unseen: integer, levels that were not in training, which count as missing.
    """

    ids: np.ndarray | None
    numbers: np.ndarray
    num_unseen: int


def of_delimited(
    content: IO[bytes], separator: str, columns: Columns, id_column: str | None, odd: list[tuple[int, str]]
) -> Iterator[tuple[pyarrow.RecordBatch, np.ndarray]]:
    """The blocks of a table in a text file, whose first line has the names; texts in quotes may hold line breaks.

    Args:
        content: the file, open at its beginning, in UTF-8.
        separator: text between two values.
        columns: `Columns` of the model.
        id_column: name of the column by which rows are known, or None.
        odd: list to which for every row that has more or fewer values, and is left out, its number and a sentence
            are added.

    Yields:
        Pair of a `pyarrow.RecordBatch`, its columns those of the model and the ids alone: texts without blanks
        around them, None where a value is missing, but for ids and categories of words, which stay as they are
        written; and an array (n,) of integers, the numbers of its rows, from 0 on, among all that the file has.

    Raises:
        InputError: if there is no line of names, or one of these columns is there twice.
        pyarrow.ArrowException: if the content is no such table.
    """
    names = _names(content, separator)
    wanted = [name for name in names if name in columns.names or name == id_column]
    twice = next((name for name in wanted if wanted.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"it has the column {twice!r} twice: rename one of them")

    def skip(row):
        text = row.text[:80]
        sentence = f"a line has {row.actual_columns} values in place of {row.expected_columns}: {text!r}"
        odd.append((row.number - 1, sentence))
        return "skip"

    read_options = arrow_csv.ReadOptions(
        column_names=names, use_threads=False
    )  # with threads, rows have no numbers
    parse_options = arrow_csv.ParseOptions(delimiter=separator, newlines_in_values=True, invalid_row_handler=skip)
    # As texts: of a type that is guessed from the first block, another value ends the reading.
    as_texts = dict.fromkeys(names, pyarrow.string())
    convert_options = arrow_csv.ConvertOptions(column_types=as_texts, include_columns=wanted or names)
    try:
        blocks = arrow_csv.open_csv(content, read_options, parse_options, convert_options)
    except pyarrow.ArrowInvalid as error:
        if "Empty CSV file" in str(error):  # nothing but the names, as of a part that no row fell into
            return
        raise
    kept = {*columns.worded, id_column}  # `known_columns` knows which words are levels
    read = 0
    for block in blocks:
        numbers = _counted(np.arange(read, read + block.num_rows), odd)
        read += block.num_rows
        trimmed = [compute.utf8_trim_whitespace(values) for values in block.columns]
        named = zip(block.schema.names, trimmed, strict=True)
        values = [texts if name in kept else without_nulls(texts) for name, texts in named]
        yield pyarrow.record_batch(values, block.schema.names), numbers


def _names(content, separator):
    """Of the columns: the first row that is no blank line."""
    lines = (line.decode("utf-8-sig") for line in iter(content.readline, b""))
    try:
        rows = csv.reader(lines, delimiter=separator)
        first = next((row for row in rows if len(row) > 1 or "".join(row).strip()), [])
    except csv.Error as error:
        raise InputError(f"its first line has no names of columns ({error})") from None
    if not first:
        raise InputError("it holds nothing but blank lines")
    return [name or ROW for name in all_composed([name.strip() for name in first])]


def _counted(places, odd):
    """Numbers of rows whose places are known among those that are not odd."""
    before = [number - count for count, (number, _) in enumerate(odd)]  # good rows before each of the odd ones
    return places + np.searchsorted(before, places, side="right")


def rows(block: pyarrow.Table, path: str, columns: Columns, id_column: str | None) -> Rows:
    """The rows of a block.

    Args:
        block: `pyarrow.Table`, a part of a Parquet file or of what `of_delimited` yields.
        path: text, of the file, for messages.
        columns: `Columns` of the model.
        id_column: name or None; it may be absent.

    Returns:
        `Rows`.

    Raises:
        InputError: if a column is missing, or a value does not go with it.
    """
    table = known_columns(functools.partial(as_table, block, path), columns, id_column)
    numbers = columns.numbers(table)
    unseen = columns.unseen(table, numbers)
    known = ids_of(table[id_column]) if id_column in table else None
    return Rows(known, numbers, sum(int(each.sum()) for each in unseen.values()))


def ids(block: pyarrow.Table, id_column: str | None) -> np.ndarray | None:
    """What the rows of a block are known by, where they cannot be read as a whole.

    Args:
        block: as in `rows`.
        id_column: name or None.

    Returns:
        As of `Rows`.
    """
    if id_column is None or block.column_names.count(id_column) != 1:
        return None
    return ids_of(as_table(block.select([id_column]), is_text=lambda name: True)[id_column])
