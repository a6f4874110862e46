"""Whole numbers that tell the rows apart and say nothing of clusters: numbers of the rows, and identifiers.

In a file whose rows are in order of what is sought, they give it away. R writes them as floats.
"""

from __future__ import annotations

import re

import numpy as np

# What pandas and this package call the numbers of rows that a table was written with and had no name. Where rows
# were shuffled or chosen, they are in any order.
_NAMELESS = ("row", "unnamed: 0", "__index_level_0__")
# The last word of a name that says identifier, and what it may end in as well: paid, casino and monkey do not. An
# index may be one of mass, or of prices.
_LAST_WORDS = ("id", "no", "key")
_ENDINGS = ("nr", "number", "nummer", "kennung", "schlüssel")
# From so many rows on, any whole numbers that count up by one number the rows.
_COUNTED = 101
# In fewer rows, amounts rise from row to row by chance.
_RISING = 10


def reason(name: str, values: np.ndarray, there: np.ndarray) -> str | None:
    """Why a column is no data.

    Args:
        name: of the column.
        values: array (N,) of numbers.
        there: array (M,), those of them that are not missing, at least two and no two alike.

    Returns:
        What follows on the name of the column in a sentence; None, if it may be data.
    """
    if not _are_whole(there):
        return None
    has_name = _names_identifiers(name)
    if len(there) == len(values):
        counts_up = bool(np.all(np.diff(there) == 1)) and (has_name or len(there) >= _COUNTED)
        if counts_up or name.strip().lower() in _NAMELESS:
            return "numbers the rows, so it is left out"
    if has_name:
        return (
            "has the name of an identifier, and no whole number of it twice, so it is left out (declare it real, "
            "if it is an amount)"
        )
    return None


def remark(values: np.ndarray) -> str | None:
    """What makes a column that is data look like an identifier.

    Args:
        values: array (N,) of anything.

    Returns:
        As `reason`; None, if nothing does.
    """
    # Floats are amounts mostly, as seconds since the first are, which may well rise.
    if values.dtype.kind not in "iu" or len(values) < _RISING or not (values[1:] > values[:-1]).all():
        return None
    return "rises from row to row: if it is an identifier, name it as id_column, or leave it out"


def _are_whole(numbers):
    return numbers.dtype.kind in "iu" or (numbers.dtype.kind == "f" and bool(np.all(numbers == np.floor(numbers))))


def _names_identifiers(name):
    words = re.findall(r"[^\W_]+", re.sub(r"(?<=[a-zäöüß])(?=[A-Z])", " ", name).lower())
    if not words or words == ["index"]:
        return bool(words)
    return words[-1] in _LAST_WORDS or words[0] == "id" or words[-1].endswith(_ENDINGS)
