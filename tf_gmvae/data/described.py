"""What the columns of a table hold, where a model is made; what is lost on the way is a warning."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from tf_gmvae.data.frames import as_table
from tf_gmvae.errors import InputError
from tf_gmvae.tables import describing
from tf_gmvae.tables.columns import Columns
from tf_gmvae.tables.levels import composed
from tf_gmvae.tables.precision import merged_of_array

# Names that a column of labels often has; used as data, it would give the clusters away.
_LIKE_LABELS = {"label", "labels", "class", "classes", "target", "y"}

log = logging.getLogger(__name__)


def of_frame(frame: Any, kinds: Mapping[str, str] | None = None) -> tuple[Columns, dict[str, np.ndarray]]:
    """The columns of a table whose columns have names.

    Args:
        frame: as `data` of `as_table`.
        kinds: see `describe`. Default None.

    Returns:
        Pair of `Columns`, and a dict of arrays (N,) by name, as `as_table` returns it.

    Raises:
        InputError: as `as_table` and `describe`.
    """
    table = as_table(frame, is_date=may_be_dates(kinds))
    columns, said = describing.describe(table, kinds)
    for sentence in said:
        log.warning("%s.", sentence)
    return columns, table


def of_array(rows: np.ndarray, merged: str | None = None) -> Columns:
    """The columns of an array.

    Args:
        rows: array (N, F) of numbers; NaN is missing.
        merged: what `merged_of_array` said of them before they became float32. Default None: they are as they were
            given, so it is asked.

    Returns:
        `Columns`.

    Raises:
        InputError: if a value is infinite, or rows that differ are all the same in float32.
    """
    merged = merged_of_array(rows) if merged is None else merged
    columns = describing.of_array(rows)
    if merged:
        held = rows.astype("float32")
        if (held == held[:1]).all():
            raise InputError(f"No two examples differ any more: {merged}.")
        log.warning("%s.", merged)
    return columns


def may_be_dates(kinds: Mapping[str, str] | None) -> Callable[[str], bool]:
    """Which columns are read as dates, if all of their texts are: those that are not declared to be levels.

    Args:
        kinds: see `describe`.

    Returns:
        Function of a column's name to a bool, see `is_date` of `as_table`.
    """
    levels = {composed(str(name)) for name, kind in (kinds or {}).items() if kind in ("yes_no", "category")}
    return lambda name: name not in levels


def named(
    columns: Sequence[str] | None = None, label_column: str | None = None, id_column: str | None = None
) -> tuple[list[str] | None, str | None, str | None]:
    """Names as those of tables are, in whatever form of Unicode they were typed.

    Args:
        columns: as in `data.table.load_table`, as are those that follow. Default None.
        label_column: Default None.
        id_column: Default None.

    Returns:
        The same three.
    """
    label_column, id_column = (name and composed(name) for name in (label_column, id_column))
    return None if columns is None else [*map(composed, columns)], label_column, id_column


def tell(name: object, columns: Columns, sentences: Iterable[str]) -> None:
    """Says what the columns of a table in a file are taken for.

    Args:
        name: What the sentences begin with, as the path of the file.
        columns: `Columns` that are taken as data.
        sentences: What `describe` says of what is lost.
    """
    for sentence in sentences:
        log.warning("%s: %s.", name, sentence)
    log.info("%s: %d column%s: %s.", name, len(columns), "s" * (len(columns) > 1), columns.in_words())
    for column in columns.names:
        if column.lower() in _LIKE_LABELS:
            log.info("Column %r is taken as data: if it holds known classes, name it as label_column.", column)


def tell_unseen(name: object, column: str, unseen: np.ndarray, values: np.ndarray) -> None:
    """Says of new rows that a column holds levels that were not there when it was described.

    Args:
        name: What the sentence begins with, as the path of the file.
        column: Name of the column.
        unseen: `(N,)` bools, where it does; at least one.
        values: `(N,)` values, of which the first is shown.
    """
    row, count = int(unseen.argmax()), int(unseen.sum())
    log.warning(
        "%s: column %r holds what it did not in training, as %r in row %d: it counts as missing%s.",
        name, column, str(values[row]), row, f", {count:,} times" if count > 1 else "",
    )  # fmt: skip
