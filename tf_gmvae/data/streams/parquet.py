"""Parquet files of any size, read row group by row group."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tf_gmvae.data import classes, parquet_files, table
from tf_gmvae.data.described import may_be_dates, named, tell
from tf_gmvae.data.frames import as_table
from tf_gmvae.data.reading import reading
from tf_gmvae.data.split import Split
from tf_gmvae.data.streams.source import DESCRIBED, PIECE, Piece, Source, Unseen, fingerprint_of, state_of
from tf_gmvae.errors import InputError
from tf_gmvae.tables.columns import Columns, is_missing
from tf_gmvae.tables.describing import describe
from tf_gmvae.tables.levels import all_composed, trimmed

if TYPE_CHECKING:
    import pyarrow

# Rows in memory at a time.
_ROWS = 8192


def of_parquet(
    path: Path,
    columns: Sequence[str] | None = None,
    label_column: str | None = None,
    id_column: str | None = None,
    kinds: Mapping[str, str] | None = None,
) -> Source:
    """The rows of a Parquet file, or of all in a folder.

    The columns are described by at most `DESCRIBED` rows, drawn from all, in a first pass. A category that none of
    these rows has counts as missing.

    Args:
        path: The file or the folder; a column that a file lacks is missing in its rows.
        columns: As in `data.table.load_table`, as are all that follow. Default None.
        label_column: Default None.
        id_column: Default None.
        kinds: Default None.

    Returns:
        The `Source`.

    Raises:
        InputError: As `load_table`.
    """
    columns, label_column, id_column = named(columns, label_column, id_column)
    files = parquet_files.files(path)
    groups = [(file, number, rows) for file in files for number, rows in enumerate(_group_sizes(file))]
    total = sum(rows for _, _, rows in groups)
    if not total:
        raise InputError(f"{path} has no row: give a table with a row for each example.")
    wanted = None if columns is None else {*columns, label_column, id_column}
    joined, texts = _sampled(files, total, label_column)
    is_date = may_be_dates(kinds)
    sample = as_table(
        joined,
        str(path),
        is_wanted=lambda name: wanted is None or name in wanted,
        is_date=lambda name: name not in (label_column, id_column) and is_date(name),
    )
    table.check_named(path, sample, label_column=label_column, id_column=id_column)
    try:
        described, left_out = describe(table.chosen(sample, columns, label_column, id_column), kinds)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    drawn = f", by {joined.num_rows:,} of its {total:,} rows" if joined.num_rows < total else ""
    tell(f"{path}{drawn}", described, left_out)
    class_names = None if label_column is None else classes.in_order(texts)
    types = dict(zip(joined.schema.names, joined.schema.types, strict=True))
    pieces: list[Piece] = []
    taken: list[tuple[Path, int]] = []
    rows_taken = 0
    for file, number, rows in groups:
        taken.append((file, number))
        rows_taken += rows
        if rows_taken >= PIECE or (file, number, rows) == groups[-1]:
            read = functools.partial(_rows, tuple(taken), described, label_column, class_names, id_column, types)
            pieces.append(
                Piece("train", read, fingerprint_of(f"{state_of(path)} {group}" for path, group in taken))
            )
            taken, rows_taken = [], 0
    return Source(tuple(pieces), class_names, described)


def _group_sizes(file):
    import pyarrow.parquet

    with reading(file, "a Parquet file", "write it again"), pyarrow.parquet.ParquetFile(file) as opened:
        metadata = opened.metadata
        return [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)]


def _batches(file, groups=None):
    import pyarrow
    import pyarrow.parquet

    with reading(file, "a Parquet file", "write it again"), pyarrow.parquet.ParquetFile(file) as opened:
        for batch in opened.iter_batches(_ROWS, row_groups=groups):
            yield pyarrow.Table.from_batches([batch]).rename_columns(list(all_composed(batch.schema.names)))


def _sampled(files, total, label_column):
    """Rows that are drawn from all files, and all texts that the label column has."""
    rng, share = np.random.default_rng(0), min(1.0, DESCRIBED / total)
    kept, texts, without = [], set(), []
    for file in files:
        begin = 0
        for batch in _batches(file):
            if label_column is not None and label_column in batch.column_names:
                texts |= _label_texts(file, begin, batch.select([label_column]))
            elif label_column is not None:
                without.append(file)
            chosen = np.flatnonzero(rng.random(batch.num_rows) < share)
            kept.append(batch.take(chosen))
            begin += batch.num_rows
    if texts and without:
        raise InputError(
            f"{without[0]} has no column {label_column!r} for label_column, which others have: add it, or leave "
            "out label_column."
        )
    return parquet_files.joined(kept, files[0].parent), texts


def _label_texts(file, begin, column):
    """The classes in the label column of rows from `begin` on, which is all that `column` has."""
    import pyarrow

    (name,), values = column.column_names, column.column(0)
    found = as_table(pyarrow.table({name: values.unique()}), str(file))[name]
    if is_missing(trimmed(found)).any():  # the different values do not say in which row
        found = as_table(column, str(file))[name]
    return set(classes.texts_of(file, name, found, begin))


def _with_all(batch, types):
    """Rows with the columns that other files have, and theirs lacks."""
    import pyarrow

    for name in types.keys() - set(batch.column_names):
        batch = batch.append_column(name, pyarrow.nulls(batch.num_rows, types[name]))
    return batch


def _rows(
    groups: tuple[tuple[Path, int], ...],
    columns: Columns,
    label_column: str | None,
    class_names: tuple[str, ...] | None,
    id_column: str | None,
    types: Mapping[str, pyarrow.DataType],
) -> Iterator[Split | Unseen]:
    wanted = {*columns.names, label_column, id_column}
    numbers = columns.of_numbers - {label_column, id_column}
    wanted |= {name for name in types if f"{name}_0" in wanted}  # a list, each value of which is a column
    for file, group in groups:
        for batch in _batches(file, [group]):
            whole = _with_all(batch, types)
            rows = as_table(
                whole, str(file), lambda name: name == id_column, wanted.__contains__, numbers.__contains__
            )
            labels, ids = None, None
            try:
                examples = columns.numbers(rows)
            except InputError as error:
                raise InputError(f"{file}: {error}") from None
            if label_column is not None and class_names is not None:
                texts = classes.texts_of(file, label_column, rows[label_column])
                labels = classes.numbered(texts, class_names)
            if id_column is not None:
                ids = table.ids_of(rows[id_column])
            yield Split(examples, labels, ids, missing=True)
            for name, unseen in columns.unseen(rows, examples).items():
                yield Unseen(name, int(unseen.sum()))
