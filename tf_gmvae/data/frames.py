"""Tables in memory, of whichever package, as arrays by the names of their columns; and masked arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tf_gmvae.checks import is_absent
from tf_gmvae.data.arrow_columns import arrays_of
from tf_gmvae.errors import InputError
from tf_gmvae.tables.levels import all_composed


def is_frame(data: object) -> bool:
    """Whether something is a table whose columns have names: of pandas, polars or pyarrow.

    Args:
        data: anything.

    Raises:
        InputError: if it is one that polars has yet to compute.
    """
    if hasattr(type(data), "collect_schema") and not hasattr(type(data), "to_numpy"):
        raise InputError("A LazyFrame has no rows yet: pass its .collect().")
    return hasattr(data, "columns") and (hasattr(data, "to_numpy") or hasattr(data, "column_names"))


def as_table(
    data: Any,
    name: str = "the table",
    is_text: Callable[[str], bool] = lambda name: False,
    is_wanted: Callable[[str], bool] = lambda name: True,
    is_number: Callable[[str], bool] = lambda name: False,
    is_date: Callable[[str], bool] = lambda name: False,
) -> dict[str, np.ndarray]:
    """The columns of a table in memory.

    Args:
        data: `pyarrow.Table` or `RecordBatch`, or a DataFrame of pandas or polars.
        name: text, what messages call it. Default "the table".
        is_text: function of a column's name to whether its whole numbers and dates are to be texts, as ids are.
            Default: none is.
        is_wanted: function of a column's name to whether it is of use: what cannot be read of others, or has the
            name of another, is left out. Default: all are.
        is_number: function of a column's name to whether its texts are to be the numbers, dates or times that they
            stand for, if all do. Default: none is.
        is_date: function of a column's name to whether its texts are to be the dates or times that they stand for,
            if all do and more than two differ, as where columns are described. Default: none is.

    Returns:
        See `read_table`.

    Raises:
        InputError: if a column of use is there twice, or holds neither numbers, dates nor texts.
    """
    given = data.column_names if hasattr(data, "column_names") else data.columns
    names = all_composed(list(map(str, given)))
    twice = {n for n in names if names.count(n) > 1} if len(set(names)) < len(names) else set()
    if any(map(is_wanted, twice)):
        raise InputError(f"{name} has the column {min(filter(is_wanted, twice))!r} twice: rename one of them.")
    columns: dict[str, np.ndarray] = {}
    for column_name, column in _in_arrow(data, name, names, is_wanted):
        if column_name in twice:
            continue
        try:
            arrays = arrays_of(
                name, column_name, column, is_text(column_name), is_number(column_name), is_date(column_name)
            )
        except InputError:
            if is_wanted(column_name):
                raise
            continue
        again = next((each for each in arrays if each in columns or (each != column_name and each in names)), None)
        if again is not None:
            raise InputError(
                f"{name} has a column {again!r}, as the values of the list in column {column_name!r} would be "
                "called: rename one of them."
            )
        columns |= arrays
    return columns


def check_names(frame: Any) -> None:
    """Refuses names of which only some are texts, for whoever tells columns by them as they are.

    Args:
        frame: as `data` of `as_table`.

    Raises:
        InputError: naming one of either kind.
    """
    names = list(getattr(frame, "columns", ()) if hasattr(frame, "dtypes") else ())
    texts = [name for name in names if isinstance(name, str)]
    others = [name for name in names if not isinstance(name, str)]
    if texts and others:
        raise InputError(
            f"Names of columns are texts, as {texts[0]!r}, and others, as {others[0]!r}: make all of them texts, "
            "data.rename(columns=str)."
        )


def without_mask(data: Any) -> Any:
    """Data in which what was masked is missing, NaN.

    Args:
        data: masked array of numbers; anything else is returned as it is.
    """
    if np.ma.is_masked(data) and data.dtype.kind in "buif":
        return data.astype(np.result_type(data.dtype, "float32")).filled(np.nan)
    return data


def _in_arrow(data, name, names, is_wanted):
    """The columns by name, as those of a `pyarrow.Table`; what Arrow cannot hold is named, if it is wanted."""
    import pyarrow

    def converted(part):
        if isinstance(part, pyarrow.Table):
            return part
        if isinstance(part, pyarrow.RecordBatch):
            return pyarrow.Table.from_batches([part])
        to_arrow = getattr(part, "to_arrow", lambda: pyarrow.Table.from_pandas(part, preserve_index=False))
        return to_arrow()

    refusals = (pyarrow.ArrowException, TypeError, ValueError, OverflowError)
    try:
        columns = converted(data).columns
    except refusals:
        columns = None
    if columns is not None:
        yield from zip(names, columns, strict=True)
        return
    for index, column_name in enumerate(names):
        part = data.iloc[:, [index]] if hasattr(data, "iloc") else data[:, [index]]
        try:
            (column,) = converted(part).columns
        except refusals:
            if not is_wanted(column_name):
                continue
            sparse = [str(kind).startswith("Sparse") for kind in getattr(data, "dtypes", ())]
            if any(sparse):
                each = 'data.apply(lambda c: c.sparse.to_dense() if hasattr(c, "sparse") else c)'
                mend = "data.sparse.to_dense()" if all(sparse) else each
                raise InputError(f"{name} has sparse columns: pass {mend}.") from None
            values = part.iloc[:, 0] if hasattr(part, "iloc") else part[:, 0]
            raise InputError(f"{name}, column {column_name!r}: holds {_cause(values)}.") from None
        yield column_name, column


def _cause(column):
    """What a column holds that Arrow has no form for, and the mend."""
    kind = str(column.dtype)
    if kind in ("object", "category"):
        values = [
            value for value in (column.cat.categories if kind == "category" else column) if not is_absent(value)
        ]
        kinds = sorted({type(value).__name__ for value in values})
        if len(kinds) > 1:
            return f'values of several types ({", ".join(kinds)}): make them alike, as by .astype("string")'
        kind = kinds[0]
        if isinstance(values[0], np.ndarray) and values[0].ndim > 1:
            return "arrays of several axes: pass its .map(numpy.ravel)"
    what, mend = {
        "int": ("whole numbers of more than 64 bits", 'pass its .astype("float64")'),
        "float128": ("numbers of 128 bits", 'pass its .astype("float64")'),
        "Int128": ("whole numbers of 128 bits", "pass its .cast(polars.Float64)"),
    }.get(kind, (f"{kind}, not numbers, dates or texts", "leave it out"))
    return f"{what}: {mend}"
