"""Your own tables: CSV, TSV, Parquet and Feather files."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tf_gmvae.data import sizes
from tf_gmvae.data.delimited import read_delimited
from tf_gmvae.data.reading import check_file, reading
from tf_gmvae.data.split import Dataset, Split
from tf_gmvae.errors import InputError
from tf_gmvae.tables.columns import Columns, as_text, is_missing
from tf_gmvae.tables.describing import describe

SUFFIXES = {".csv", ".tsv", ".txt", ".parquet", ".feather", ".arrow"}
# Names that a column of labels often has; used as data, it would give the clusters away.
_LIKE_LABELS = {"label", "labels", "class", "classes", "target", "y"}
_SECONDS_OF_A_DAY = 86_400.0

log = logging.getLogger(__name__)


def load_table(
    path: str | Path,
    *,
    columns: Sequence[str] | None = None,
    label_column: str | None = None,
    id_column: str | None = None,
    kinds: Mapping[str, str] | None = None,
) -> Dataset:
    """Loads the rows of a table.

    Args:
        path: .csv, .tsv, .txt, .parquet, .feather or .arrow file. In a text file the separator (comma, semicolon,
            tab or bar), a decimal comma and whether there is a line of names are found out.
        columns: names of the columns to find clusters in; None takes all but the two that follow. Default None.
        label_column: name of the column of known classes, which are used for scores alone. Default None.
        id_column: name of the column by which rows are known. Default None: their numbers.
        kinds: dict of "real", "count", "yes_no" or "category" by name, where a guess would be wrong. Default None.

    Returns:
        A `Dataset` named after the path, its examples (N, F) float32 with NaN where a value is missing, with its
        `columns`.

    Raises:
        InputError: If the file cannot be read, a named column is not there, or nothing is left to work on.
    """
    table = read_table(path)
    for option, name in (("label_column", label_column), ("id_column", id_column)):
        if name is not None and name not in table:
            raise InputError(f"{path} has no column {name!r} for {option}. It has: {', '.join(table)}.")
    try:
        chosen = _chosen(table, columns, {label_column, id_column})
        described, left_out = describe(chosen, kinds)
        examples = described.numbers(chosen)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    for sentence in left_out:
        log.info("%s: %s.", path, sentence)
    plural = "s" * (len(described) > 1)
    log.info("%s: %d column%s: %s.", path, len(described), plural, described.in_words())
    for name in described.names:
        if name.lower() in _LIKE_LABELS:
            log.info("Column %r is taken as data: if it holds known classes, name it as label_column.", name)
    labels, class_names = (
        (None, None) if label_column is None else _labels(path, label_column, table[label_column])
    )
    ids = None if id_column is None else _ids(table[id_column])
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
    table = read_table(path)
    try:
        examples = columns.numbers(table)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    for index, column in enumerate(columns.columns):
        unknown = np.isnan(examples[:, index]) & ~is_missing(np.asarray(table[column.name]))
        if column.levels and unknown.any():
            row = int(unknown.argmax())
            log.info(
                "%s: column %r holds what it did not in training, as %r in row %d: it counts as missing, %d "
                "times.",
                path, column.name, str(table[column.name][row]), row, int(unknown.sum()),
            )  # fmt: skip
    ids = _ids(table[id_column]) if id_column is not None and id_column in table else None
    return Split(examples, None, ids, missing=True)


def read_table(path: str | Path) -> dict[str, np.ndarray]:
    """The columns of a table file.

    Args:
        path: as in `load_table`.

    Returns:
        Dict of arrays (N,) by name: numbers, days since 1970 of dates, bools, or objects that are strings or None.

    Raises:
        InputError: if it cannot be read, has no row, or a name twice.
    """
    suffix = Path(path).suffix.lower()
    if suffix == ".parquet":
        import pyarrow.parquet

        with reading(path, "a Parquet file", "write it again"):
            with pyarrow.parquet.ParquetFile(path) as file:
                sizes.check(path, _unpacked(file.metadata))
            table = pyarrow.parquet.read_table(path)
    elif suffix in (".feather", ".arrow"):
        import pyarrow.feather

        with reading(path, "a Feather file", "write it again"):
            table = pyarrow.feather.read_table(path)
    else:
        check_file(path)
        sizes.check(path, Path(path).stat().st_size)
        table = read_delimited(path)
    if not table.num_rows:
        raise InputError(f"{path} has no row: give a table with a row for each example.")
    return as_table(table, str(path))


def _unpacked(metadata):
    """Bytes of a Parquet file in memory: a value that is repeated a billion times takes none in the file."""
    groups = (metadata.row_group(number).total_byte_size for number in range(metadata.num_row_groups))
    return max(sum(groups), 4 * metadata.num_rows * metadata.num_columns)


def is_frame(data: object) -> bool:
    """Whether something is a table whose columns have names: of pandas, polars or pyarrow.

    Args:
        data: anything.
    """
    return hasattr(data, "columns") and (hasattr(data, "to_numpy") or hasattr(data, "column_names"))


def as_table(data: Any, name: str = "the table") -> dict[str, np.ndarray]:
    """The columns of a table in memory.

    Args:
        data: `pyarrow.Table`, or a DataFrame of pandas or polars.
        name: text, what messages call it. Default "the table".

    Returns:
        See `read_table`.

    Raises:
        InputError: if a name is there twice, or a column holds neither numbers, dates nor texts.
    """
    import pyarrow

    is_arrow = isinstance(data, pyarrow.Table)
    names = list(map(str, data.column_names if is_arrow else data.columns))
    twice = sorted({n for n in names if names.count(n) > 1}) if len(set(names)) < len(names) else []
    if twice:
        raise InputError(f"{name} has the column {twice[0]!r} twice: rename one of them.")
    if not is_arrow:
        to_arrow = getattr(data, "to_arrow", lambda: pyarrow.Table.from_pandas(data, preserve_index=False))
        try:
            data = to_arrow()
        except (pyarrow.ArrowException, TypeError, ValueError) as error:  # as of numbers and texts in one column
            raise InputError(
                f"{name} has a column of values of several types ({' '.join(map(str, error.args))[:160]}): make "
                "them alike."
            ) from None
    columns: dict[str, np.ndarray] = {}
    for column_name, column in zip(names, data.columns, strict=True):
        columns.update(_arrays(name, column_name, column))
    return columns


def _arrays(table_name, name, column):
    import pyarrow
    from pyarrow import types

    kind = column.type
    if types.is_dictionary(kind):
        kind, column = kind.value_type, column.cast(kind.value_type)
    if types.is_null(kind):
        return {name: np.full(len(column), np.nan)}
    if types.is_list(kind) or types.is_fixed_size_list(kind) or types.is_large_list(kind):
        return _of_lists(table_name, name, column)
    if types.is_timestamp(kind) or types.is_date(kind):
        seconds = column.cast(pyarrow.timestamp("s"), safe=False).cast(pyarrow.int64())
        return {name: seconds.cast(pyarrow.float64()).to_numpy() / _SECONDS_OF_A_DAY}
    if types.is_decimal(kind) or types.is_float16(kind):
        column = column.cast(pyarrow.float64())
    elif not (
        types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind)
        or types.is_string(kind) or types.is_large_string(kind)
    ):  # fmt: skip
        raise InputError(
            f"{table_name}, column {name!r}: holds {kind}, not numbers, dates or texts: leave it out."
        )
    return {name: column.to_numpy()}


def _of_lists(table_name, name, column):
    """An embedding in one column: a column for each of its values."""
    rows = column.to_pylist()
    lengths = {None if row is None else len(row) for row in rows}
    if len(lengths) > 1 or None in lengths or 0 in lengths:
        raise InputError(f"{table_name}, column {name!r}: its lists have different lengths: give all the same.")
    try:
        values = np.array(rows, "float64")
    except (TypeError, ValueError):
        raise InputError(f"{table_name}, column {name!r}: its lists hold something other than numbers.") from None
    return {f"{name}_{index}": values[:, index] for index in range(values.shape[1])}


def _chosen(table, columns, set_aside):
    names = [name for name in table if name not in set_aside] if columns is None else list(columns)
    absent = [name for name in names if name not in table]
    if absent:
        raise InputError(f"there is no column {absent[0]!r}. There are: {', '.join(table)}.")
    return {name: table[name] for name in names}


def _ids(values):
    return np.array(
        [
            "" if absent else as_text(value)
            for value, absent in zip(values.tolist(), is_missing(values), strict=True)
        ],
        dtype=str,
    )


def _labels(path, name, values):
    missing = is_missing(values)
    if missing.any():
        raise InputError(
            f"{path}: the label column {name!r} is empty in row {int(missing.argmax())}: fill it, or leave out "
            "label_column."
        )
    texts = [as_text(value) for value in values.tolist()]
    different = sorted(set(texts), key=lambda text: (0, int(text), "") if text.isdigit() else (1, 0, text))
    number_of = {text: number for number, text in enumerate(different)}
    return np.array([number_of[text] for text in texts], "int64"), tuple(different)
