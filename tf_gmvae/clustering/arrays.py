"""Arrays as users of scikit-learn hand them on: without the names of columns, and of whatever type."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from tf_gmvae.checks import is_absent, without_long_doubles, without_objects
from tf_gmvae.errors import InputError
from tf_gmvae.tables.columns import listed
from tf_gmvae.tables.levels import as_text, single

if TYPE_CHECKING:
    import pyarrow

# Types of arrays that stay what they are, as far as float32 has another say; all else becomes the first.
KEPT = [
    np.float64,
    np.float32,
    np.float16,
    *(np.dtype(f"{kind}int{bits}") for kind in ("", "u") for bits in (8, 16, 32, 64)),
]


def of_numbers(array: np.ndarray) -> np.ndarray:
    """An array of objects as numbers, NaN where a value is missing.

    Args:
        array: one of another type is returned as it is, and objects that only scikit-learn knows a way for.

    Raises:
        InputError: if a text in it is no number.
    """
    array = without_objects(array)
    texts = (value for value in array.flat if isinstance(value, str)) if array.dtype.kind in "OU" else ()
    word = next((text for text in texts if single(text) is None), None)
    if word is not None:
        raise InputError(
            f"X is an array, which holds numbers, but has the text {word[:40]!r} in it: pass a DataFrame, whose "
            'columns may be texts; a Pipeline hands one on after set_output(transform="pandas").'
        )
    return array


def with_names(array: np.ndarray, names: Sequence[str]) -> pyarrow.Table:
    """The table that an array was before it lost the names of its columns.

    Args:
        array: array (N, F) of any type, its columns in the order of `fit`.
        names: texts, names of the columns of `fit`.

    Returns:
        `pyarrow.Table`, to be read as any other.

    Raises:
        InputError: if there are not as many columns as names.
    """
    import pyarrow

    if array.shape[1:] != (len(names),):
        raise InputError(
            f"X was a table of {len(names)} columns in fit, {listed(names)}. Received: an array of shape "
            f"{array.shape}."
        )
    array = without_long_doubles(array)
    return pyarrow.table({name: _column(values) for name, values in zip(names, array.T, strict=True)})


def _column(values):
    import pyarrow

    try:
        return pyarrow.array(values, from_pandas=True)
    except pyarrow.ArrowException:
        # Arrow has one type for all values; levels are known by their texts, and numbers are read from them.
        return pyarrow.array([None if is_absent(value) else as_text(value) for value in values], pyarrow.string())
