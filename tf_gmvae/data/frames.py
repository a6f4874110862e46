"""Tables in memory, of whichever package, as arrays by the names of their columns; and masked arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tf_gmvae.data.delimited import typed
from tf_gmvae.errors import InputError
from tf_gmvae.tables.levels import as_text

_SECONDS_OF_A_DAY = 86_400.0


def is_frame(data: object) -> bool:
    """Whether something is a table whose columns have names: of pandas, polars or pyarrow.

    Args:
        data: anything.
    """
    return hasattr(data, "columns") and (hasattr(data, "to_numpy") or hasattr(data, "column_names"))


def as_table(
    data: Any,
    name: str = "the table",
    is_text: Callable[[str], bool] = lambda name: False,
    is_wanted: Callable[[str], bool] = lambda name: True,
    is_number: Callable[[str], bool] = lambda name: False,
) -> dict[str, np.ndarray]:
    """The columns of a table in memory.

    Args:
        data: `pyarrow.Table`, or a DataFrame of pandas or polars.
        name: text, what messages call it. Default "the table".
        is_text: function of a column's name to whether its whole numbers and dates are to be texts, as ids are.
            Default: none is.
        is_wanted: function of a column's name to whether it is of use: what cannot be read of others is left out.
            Default: all are.
        is_number: function of a column's name to whether its texts are to be the numbers, dates or times that they
            stand for, if all do. Default: none is.

    Returns:
        See `read_table`.

    Raises:
        InputError: if a name is there twice, or a column of use holds neither numbers, dates nor texts.
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
            sparse = [str(kind).startswith("Sparse") for kind in getattr(data, "dtypes", ())]
            if any(sparse):
                each = 'data.apply(lambda c: c.sparse.to_dense() if hasattr(c, "sparse") else c)'
                mend = "data.sparse.to_dense()" if all(sparse) else each
                raise InputError(f"{name} has sparse columns: pass {mend}.") from None
            raise InputError(
                f"{name} has a column of values of several types ({' '.join(map(str, error.args))[:160]}): make "
                "them alike."
            ) from None
    columns: dict[str, np.ndarray] = {}
    for column_name, column in zip(names, data.columns, strict=True):
        try:
            arrays = _arrays(name, column_name, column, is_text(column_name), is_number(column_name))
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


def without_mask(data: Any) -> Any:
    """Data in which what was masked is missing, NaN.

    Args:
        data: masked array of numbers; anything else is returned as it is.
    """
    if np.ma.is_masked(data) and data.dtype.kind in "buif":
        return data.astype("float32").filled(np.nan)
    return data


def _arrays(table_name, name, column, is_text, is_number):
    import pyarrow
    from pyarrow import types

    if is_text and (types.is_integer(column.type) or types.is_temporal(column.type)):
        column = column.cast(pyarrow.string())
    kind = column.type
    if types.is_dictionary(kind):
        ordered, kind = kind.ordered, kind.value_type
        if isinstance(kind, pyarrow.BaseExtensionType):
            raise InputError(
                f"{table_name}, column {name!r}: holds {kind}, not numbers, dates or texts: pass its "
                '.astype("string").'
            )
        column = column.cast(kind)
        if not ordered and (types.is_integer(kind) or types.is_floating(kind)):
            # Who makes numbers categories says that they are no amounts.
            return {name: np.array([None if value is None else as_text(value) for value in column.to_pylist()])}
    if is_number and (types.is_string(kind) or types.is_large_string(kind)):
        column = typed(column)
        kind = column.type
    if types.is_null(kind):
        return {name: np.full(len(column), np.nan)}
    if types.is_list(kind) or types.is_fixed_size_list(kind) or types.is_large_list(kind):
        return _of_lists(table_name, name, column)
    if types.is_timestamp(kind) or types.is_date(kind):
        seconds = column.cast(pyarrow.timestamp("s"), safe=False).cast(pyarrow.int64())
        return {name: seconds.cast(pyarrow.float64()).to_numpy() / _SECONDS_OF_A_DAY}
    if types.is_time(kind):
        of_day = column.cast(pyarrow.time64("us")).cast(pyarrow.int64()).cast(pyarrow.float64())
        return {name: of_day.to_numpy() / 1e6}
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
