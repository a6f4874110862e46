"""A column of Arrow as arrays of NumPy: numbers, bools, days of dates, and texts."""

from __future__ import annotations

import contextlib
import math
from typing import TYPE_CHECKING

import numpy as np

from tf_gmvae.data.delimited import typed
from tf_gmvae.data.texts import without_nulls
from tf_gmvae.errors import InputError
from tf_gmvae.tables.levels import as_text
from tf_gmvae.tables.precision import SECONDS_OF_A_DAY, Days

if TYPE_CHECKING:
    import pyarrow


def arrays_of(
    table_name: str,
    name: str,
    column: pyarrow.ChunkedArray,
    is_text: bool = False,
    is_number: bool = False,
    is_date: bool = False,
) -> dict[str, np.ndarray]:
    """A column as arrays by name.

    Args:
        table_name: text, what messages call the table.
        name: of the column.
        column: `pyarrow.ChunkedArray`.
        is_text: whether whole numbers and dates are to be texts, as ids are. Default False.
        is_number: whether texts are to be the numbers, dates or times that they stand for, if all do. Default
            False.
        is_date: whether texts are to be the dates or times that they stand for, if all do and more than two
            differ, which would be levels; the texts of a categorical column stay. Default False.

    Returns:
        Dict of arrays (N,), see `data.table.read_table`: one, or one for each value of its lists.

    Raises:
        InputError: if it holds neither numbers, dates nor texts.
    """
    import pyarrow
    from pyarrow import types

    column = _in_plain_form(column)
    if is_text and (types.is_integer(column.type) or types.is_temporal(column.type)):
        column = column.cast(pyarrow.string())
    kind = column.type
    if is_date and _is_string(kind):
        found = _as_meant(column)
        are_dates = types.is_temporal(found.type) and len(found.unique().drop_null()) > 2
        column = found if are_dates else column
        kind = column.type
    if types.is_dictionary(kind):
        ordered, kind = kind.ordered, kind.value_type
        if isinstance(kind, pyarrow.BaseExtensionType):
            raise _refusal(table_name, name, kind, 'pass its .astype("string")')
        column = column.cast(kind)
        if not ordered and (types.is_integer(kind) or types.is_floating(kind)):
            # Who makes numbers categories says that they are no amounts.
            return {name: np.array([None if value is None else as_text(value) for value in column.to_pylist()])}
    if is_number and _is_string(kind):
        column = _as_meant(column)
        kind = column.type
    if _is_list(kind):
        return _of_lists(table_name, name, column)
    return {name: _values(table_name, name, column)}


def days_of(values: np.ndarray) -> np.ndarray:
    """Texts as the dates or times that they stand for.

    Args:
        values: array (N,), a column as `arrays_of` gives it.

    Returns:
        Array (N,), as `arrays_of` has dates or times; the same as given, if it holds anything else.
    """
    import pyarrow
    from pyarrow import types

    given = values.tolist() if values.dtype.kind == "O" else []
    if not all(value is None or isinstance(value, str) for value in given) or not any(given):
        return values
    found = _as_meant(pyarrow.chunked_array([pyarrow.array(given, pyarrow.string())]))
    return _values("", "", found) if types.is_temporal(found.type) else values


def _is_string(kind):
    from pyarrow import types

    return types.is_string(kind) or types.is_large_string(kind)


def _as_meant(texts):
    """Texts as what a text file would be read as; the same, where they stand for nothing but themselves."""
    from pyarrow import compute

    found = typed(without_nulls(compute.utf8_trim_whitespace(texts)))
    return texts if found.type == texts.type else found


def _values(table_name, name, column):
    import pyarrow
    from pyarrow import types

    kind = column.type
    if types.is_null(kind):
        return np.full(len(column), np.nan)
    if types.is_timestamp(kind) or types.is_date(kind):
        seconds = column.cast(pyarrow.timestamp("s"), safe=False).cast(pyarrow.int64())
        return (seconds.cast(pyarrow.float64()).to_numpy() / SECONDS_OF_A_DAY).view(Days)
    if types.is_time(kind):
        of_day = column.cast(pyarrow.time64("us")).cast(pyarrow.int64()).cast(pyarrow.float64())
        return of_day.to_numpy() / 1e6
    if types.is_decimal(kind) and kind.scale <= 0:  # as databases have whole numbers
        with contextlib.suppress(pyarrow.ArrowInvalid):
            column = column.cast(pyarrow.int64())
            kind = column.type
    if types.is_decimal(kind) or types.is_float16(kind):
        column = column.cast(pyarrow.float64())
    elif not (
        types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind)
        or types.is_string(kind) or types.is_large_string(kind)
    ):  # fmt: skip
        raise _refusal(table_name, name, kind, _mend(kind))
    if types.is_integer(kind) and column.null_count and _become_alike(column):
        column = column.cast(pyarrow.string())
    return column.to_numpy()


def _in_plain_form(column):
    """Runs and views of texts, which polars writes, in the forms that all of Arrow's functions take."""
    import pyarrow
    from pyarrow import compute, types

    if types.is_run_end_encoded(column.type):
        column = compute.run_end_decode(column)
    kind = column.type.value_type if types.is_dictionary(column.type) else column.type
    if types.is_string_view(kind):  # which not every version casts
        return pyarrow.chunked_array([pyarrow.array(column.to_pylist(), pyarrow.large_string())])
    return column


def _is_list(kind):
    from pyarrow import types

    return any(
        is_kind(kind)
        for is_kind in (
            types.is_list, types.is_fixed_size_list, types.is_large_list, types.is_list_view,
            types.is_large_list_view,
        )
    )  # fmt: skip


def _become_alike(column):
    """Whether whole numbers beyond float64, as ids next to each other, are one by float32, as beside NaN."""
    import pyarrow

    try:
        column.cast(pyarrow.float64())
    except pyarrow.ArrowInvalid:
        return len(np.unique(column.drop_null().to_numpy().astype("float32"))) == 1
    return False


def _refusal(table_name, name, kind, mend):
    return InputError(f"{table_name}, column {name!r}: holds {kind}, not numbers, dates or texts: {mend}.")


def _mend(kind):
    from pyarrow import types

    if types.is_duration(kind):
        return "give its seconds, as by .dt.total_seconds(), or leave it out"
    mends = {"pandas.period": "pass its .dt.to_timestamp()", "pandas.interval": 'pass its .astype("string")'}
    return mends.get(getattr(kind, "extension_name", ""), "leave it out")


def _of_lists(table_name, name, column):
    """An embedding in one column: a column for each of its values, also of arrays of more axes."""
    rows = column.to_pylist()
    place = f"{table_name}, column {name!r}"
    if missing := rows.count(None):  # a number of a row would be that of a block, where files are read by blocks
        raise InputError(f"{place}: has no list in {missing} of {len(rows)} rows: leave such rows out.")
    lengths = {len(row) for row in rows}
    if len(lengths) > 1:
        raise InputError(f"{place}: its lists have different lengths: give all the same.")
    if lengths == {0}:
        raise InputError(f"{place}: its lists are empty: leave it out.")
    try:
        values = np.array(rows, "float64")
        values = values.reshape(len(rows), math.prod(values.shape[1:]))
    except (TypeError, ValueError):
        raise InputError(f"{place}: its lists hold something other than numbers.") from None
    return {f"{name}_{index}": values[:, index] for index in range(values.shape[1])}
