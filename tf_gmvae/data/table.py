"""Your own tables: CSV, TSV, Parquet and Feather files."""

from __future__ import annotations

import functools
import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from tf_gmvae.data import classes, parquet_files, sizes
from tf_gmvae.data.arrow_columns import days_of
from tf_gmvae.data.delimited import read_delimited
from tf_gmvae.data.described import may_be_dates, named, tell, tell_unseen
from tf_gmvae.data.frames import as_table
from tf_gmvae.data.reading import check_file, reading
from tf_gmvae.data.split import Dataset, Split
from tf_gmvae.data.texts import NULLS
from tf_gmvae.errors import InputError
from tf_gmvae.tables.columns import Columns, is_missing
from tf_gmvae.tables.describing import describe
from tf_gmvae.tables.levels import as_text, composed, trimmed

SUFFIXES = {".csv", ".tsv", ".txt", ".parquet", ".feather", ".arrow"}

log = logging.getLogger(__name__)


def load_table(
    path: str | Path,
    *,
    columns: Sequence[str] | None = None,
    label_column: str | None = None,
    id_column: str | None = None,
    kinds: Mapping[str, str] | None = None,
    known: Columns | None = None,
) -> Dataset:
    """Loads the rows of a table.

    Args:
        path: .csv, .tsv, .txt, .parquet, .feather or .arrow file. In a text file the separator (comma, semicolon,
            tab or bar), a decimal comma and whether there is a line of names are found out.
        columns: names of the columns to find clusters in; None takes all but the two that follow. Default None.
        label_column: name of the column of known classes, which are used for scores alone. Default None.
        id_column: name of the column by which rows are known. Default None: their numbers.
        kinds: dict of "real", "count", "yes_no" or "category" by name, where a guess would be wrong. Default None.
        known: `Columns` of a model that was trained on the table: which columns are data, of which kind and with
            which levels is not guessed anew, as another version may have guessed. Default None.

    Returns:
        A `Dataset` named after the path, its examples (N, F) float32 with NaN where a value is missing, with its
        `columns`.

    Raises:
        InputError: If the file cannot be read, a named column is not there, or nothing is left to work on.
    """
    if known is not None:
        columns, kinds = known.names, {column.name: column.kind for column in known.columns}
    columns, label_column, id_column = named(columns, label_column, id_column)
    wanted = None if columns is None else {*columns, label_column, id_column}
    is_date = may_be_dates(kinds)
    table = read_table(
        path,
        lambda name: name == id_column,
        lambda name: wanted is None or name in wanted,
        is_date=lambda name: name not in (label_column, id_column) and is_date(name),
    )
    check_named(path, table, label_column=label_column, id_column=id_column)
    try:
        data = chosen(table, columns, label_column, id_column)
        described, left_out = describe(data, kinds, known)
        examples = described.numbers(data)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    tell(path, described, left_out)
    labels, class_names = (
        (None, None) if label_column is None else _labels(path, label_column, table[label_column])
    )
    ids = None if id_column is None else ids_of(table[id_column])
    return Dataset(str(path), Split(examples, labels, ids, missing=True), None, class_names, described)


def load_rows(path: str | Path, columns: Columns, id_column: str | None = None) -> Split:
    """Rows of a table for a model that was trained on others.

    Args:
        path: as in `load_table`.
        columns: `Columns` of the model.
        id_column: as in `load_table`, but it may be absent. Default None.

    Returns:
        `Split` without labels.

    Raises:
        InputError: if the file cannot be read or lacks a column of the model's.
    """
    _, _, id_column = named(id_column=id_column)
    table = known_columns(functools.partial(read_table, path), columns, id_column)
    try:
        examples = columns.numbers(table)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    for name, unseen in columns.unseen(table, examples).items():
        tell_unseen(path, name, unseen, table[name])
    if id_column is not None and id_column in table:
        return Split(examples, None, ids_of(table[id_column]), missing=True)
    further = [name for name in table if name not in columns.names]
    if further:
        log.info(
            "%s: rows are known by their numbers, from 0 on; id_column may name another column, as %r.",
            path,
            further[0],
        )
    return Split(examples, None, None, missing=True)


def known_columns(
    read: Callable[..., dict[str, np.ndarray]], columns: Columns, id_column: str | None = None
) -> dict[str, np.ndarray]:
    """The columns of a table, each read as that of the same name was for a model that was trained on others.

    Args:
        read: function of `is_text`, `is_wanted` and `is_number`, see `as_table`, to the columns by name.
        columns: `Columns` of the model.
        id_column: name of the column by which rows are known. Default None: there is none.

    Returns:
        Dict of arrays (N,) by name; other columns are among them, if they can be read.

    Raises:
        InputError: as `read` does, and if a column of the model stands there twice, but for the blanks around its
            name or its form of Unicode.
    """
    as_texts, wanted = {*columns.worded, id_column}, {*columns.names, id_column}
    table = read(as_texts.__contains__, wanted.__contains__, columns.of_numbers.__contains__)
    times = Counter(map(composed, table.keys() - {*columns.names}))
    for name in table.keys() & {*columns.names}:
        if times[composed(name)]:
            raise InputError(
                f"Which column is {name!r} nothing tells: another has the same name, but for blanks around it or "
                "the form of an umlaut. Rename that, or leave it out."
            )
    for column in columns.columns:
        if column.name in columns.worded & table.keys():
            # In a Parquet file "NA" may be Namibia.
            absent = {*NULLS} - {*column.levels}
            texts = trimmed(table[column.name], column.levels)
            values = [None if value in absent else value for value in texts]
            table[column.name] = np.array(values, object)
        elif column.levels and column.name in table:
            # The two dates of a column of a text file are levels, by the numbers of their days.
            table[column.name] = days_of(table[column.name])
    return table


def read_table(
    path: str | Path,
    is_text: Callable[[str], bool] = lambda name: False,
    is_wanted: Callable[[str], bool] = lambda name: True,
    is_number: Callable[[str], bool] = lambda name: False,
    is_date: Callable[[str], bool] = lambda name: False,
) -> dict[str, np.ndarray]:
    """The columns of a table file.

    Args:
        path: as in `load_table`.
        is_text: function of a column's name to whether its values are texts, whatever they look like, as ids are.
            Default: none is.
        is_wanted: as in `as_table`. Default: all are.
        is_number: as in `as_table`. Default: none is.
        is_date: as in `as_table`. Default: none is.

    Returns:
        Dict of arrays (N,) by name: numbers, days since 1970 of dates, bools, or objects that are strings or None.

    Raises:
        InputError: if it cannot be read, has no row, or a name twice.
    """
    suffix = Path(path).suffix.lower()
    if suffix == ".parquet" or Path(path).is_dir():
        table = parquet_files.read(path)
    elif suffix in (".feather", ".arrow"):
        import pyarrow.feather

        with reading(path, "a Feather file", "write it again"):
            table = pyarrow.feather.read_table(path)
    else:
        check_file(path)
        sizes.check(path, Path(path).stat().st_size)
        table = read_delimited(path, is_text, is_wanted)
    if not table.num_rows:
        raise InputError(f"{path} has no row: give a table with a row for each example.")
    return as_table(table, str(path), is_text, is_wanted, is_number, is_date)


def check_named(path: str | Path, table: Mapping[str, np.ndarray], **options: str | None) -> None:
    """Checks that columns that are named are there.

    Args:
        path: Of the table, for the message.
        table: Its columns by name.
        **options: The name of a column, or None, by option.

    Raises:
        InputError: If one is not.
    """
    for option, name in options.items():
        if name is not None and name not in table:
            raise InputError(f"{path} has no column {name!r} for {option}. It has: {', '.join(table)}.")


def chosen(
    table: Mapping[str, np.ndarray],
    columns: Sequence[str] | None,
    label_column: str | None,
    id_column: str | None,
) -> dict[str, np.ndarray]:
    """The columns to find clusters in.

    Args:
        table: Columns by name.
        columns: Their names, or None: all but the two that follow.
        label_column: Name or None.
        id_column: Name or None.

    Returns:
        Dict of these columns.

    Raises:
        InputError: If one is not there, or is that of the labels.
    """
    if columns is not None and label_column in columns:
        raise InputError(
            f"column {label_column!r} is named as data and as label_column, and would give the clusters away: "
            "leave it out of columns, or leave out label_column."
        )
    names = [name for name in table if name not in (label_column, id_column)] if columns is None else list(columns)
    absent = [name for name in names if name not in table]
    if absent:
        raise InputError(f"there is no column {absent[0]!r}. There are: {', '.join(table)}.")
    return {name: table[name] for name in names}


def ids_of(values: np.ndarray) -> np.ndarray:
    """The ids in a column.

    Args:
        values: `(N,)` values.

    Returns:
        `(N,)` strings, "" of missing ones.
    """
    return np.array(
        [
            "" if absent else as_text(value)
            for value, absent in zip(values.tolist(), is_missing(values), strict=True)
        ],
        dtype=str,
    )


def _labels(path, name, values):
    texts = classes.texts_of(path, name, values)
    class_names = classes.in_order(set(texts))
    return classes.numbered(texts, class_names), class_names
