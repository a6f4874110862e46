"""Values of a text file: which stand for what is missing, and by which decimal sign they are numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow

# What stands for a missing value, in columns of any kind; spreadsheets and pandas write the last ones.
NULLS = [
    "", "NA", "N/A", "n/a", "nan", "NaN", "null", "NULL", "None", "?", "-",
    "#N/A", "<NA>", "NaT", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!",
]  # fmt: skip
# In columns of numbers, dates or the like; among words, "none" is one of them.
NULLS_OF_NUMBERS = [*NULLS, "na", "none"]
SIGNS = (".", ",")


def other(sign: str) -> str:
    """The sign that parts thousands, where another is the decimal one.

    Args:
        sign: "." or ",".
    """
    return "." if sign == "," else ","


def _number(sign):
    decimal, thousands = re.escape(sign), re.escape(other(sign))
    plain = rf"(\d+{decimal}?\d*|{decimal}\d+)([eE][-+]?\d+)?"
    grouped = rf"[1-9]\d{{0,2}}({thousands}\d{{3}})+({decimal}\d*)?"
    return rf"^[-+]?({plain}|{grouped})$"


_NUMBERS = {sign: _number(sign) for sign in SIGNS}


def is_number(text: str) -> bool:
    """Whether a text is a number, whichever sign is the decimal one.

    Args:
        text: of one value.
    """
    text = text.strip()
    if any(re.match(pattern, text) for pattern in _NUMBERS.values()):
        return True
    try:
        float(text)  # inf
    except ValueError:
        return False
    return True


def signs_of(texts: pyarrow.Array | pyarrow.ChunkedArray) -> frozenset[str]:
    """By which decimal signs all of some texts are numbers: 1,5 by a comma, 1,234,567 by a point, 1,234 by either.

    Args:
        texts: `pyarrow.Array` or `pyarrow.ChunkedArray` of trimmed texts, None where one is missing.

    Returns:
        Set of "." and ","; empty, where there is no text, or one that is no number.
    """
    from pyarrow import compute

    def are_numbers(some, pattern):
        return bool(compute.all(compute.match_substring_regex(some, pattern)).as_py())

    few = texts.slice(0, 1000).drop_null()[:100]  # which tell of most columns
    return frozenset(
        sign for sign, pattern in _NUMBERS.items() if are_numbers(few, pattern) and are_numbers(texts, pattern)
    )


def with_point(texts: pyarrow.ChunkedArray, sign: str) -> pyarrow.ChunkedArray:
    """Numbers as they are written with a decimal point and without a sign between thousands.

    Args:
        texts: `pyarrow.ChunkedArray` of texts that are numbers by `sign`.
        sign: "." or ",".

    Returns:
        The same numbers.
    """
    from pyarrow import compute

    without = compute.replace_substring(texts, other(sign), "")
    return without if sign == "." else compute.replace_substring(without, sign, ".")


def without_nulls(
    texts: pyarrow.Array | pyarrow.ChunkedArray, nulls: Sequence[str] = NULLS_OF_NUMBERS
) -> pyarrow.Array | pyarrow.ChunkedArray:
    """Trimmed texts, of which those that stand for a missing value are missing.

    Args:
        texts: `pyarrow.Array` or `pyarrow.ChunkedArray` of texts.
        nulls: list of what does. Default `NULLS_OF_NUMBERS`.

    Returns:
        The same, with None in their place.
    """
    import pyarrow
    from pyarrow import compute

    absent = compute.is_in(texts, pyarrow.array(nulls, texts.type))
    return compute.if_else(absent, pyarrow.scalar(None, texts.type), texts)
