"""Numbers that differ, but not in float32, in which a model computes: which they are, and what mends it."""

from __future__ import annotations

import numpy as np

SECONDS_OF_A_DAY = 86_400.0
# Of the largest number of a column; a deviation below it is rounding of float64, and no value is lost with it.
_ROUNDING = 1e-12
# Columns of an array that are named.
_MOST = 8


class Days(np.ndarray):
    """Days since 1970 that were dates or times where they were read: nobody can subtract a number from these."""


def indistinct(there: np.ndarray, are_dates: bool = False) -> str:
    """That a column's values, which differ, are one in float32.

    Args:
        there: array (N,) of numbers, those that are not missing, N >= 2.
        are_dates: whether they were dates or times, see `Days`. Default False.

    Returns:
        What a sentence says of the column, with a mend; empty where float32 tells some apart.
    """
    held = _held(there)
    if held.min() != held.max() or not np.isfinite(held[0]):
        return ""
    middle, spread = f"{there.mean():.10g}", f"{there.std():.2g}"
    of_dates = f"varies by {there.std() * SECONDS_OF_A_DAY:.2g} seconds, less than float32 tells apart in days"
    varies = of_dates if are_dates else f"varies by {spread} about {middle}, less than float32 tells apart there"
    return f"{varies}, so it is left out: {_mend(there, are_dates)}"


def merged(values: np.ndarray, are_dates: bool = False) -> str:
    """That float32 merges most of what a column tells apart, by steps that matter beside its deviation.

    Args:
        values: array (N,), those that are not missing.
        are_dates: as in `indistinct`. Default False.

    Returns:
        What a sentence says of the column, with a mend; empty where there is nothing to say.
    """
    different, held = _merged(values)
    if not 2 * held < different:
        return ""
    what, apart = ("dates or times", "apart as days since 1970") if are_dates else ("values", "apart")
    return (
        f"has {different:,} different {what}, of which float32 tells {held:,} {apart}: {_mend(values, are_dates)}"
    )


def merged_of_array(rows: np.ndarray) -> str:
    """That float32 merges most of what columns of an array tell apart: one sentence for all of them.

    Args:
        rows: array (N, F) as it was given, of any type of numbers; NaN is missing.

    Returns:
        Text without the point at its end; empty where there is nothing to say.
    """
    if rows.dtype.kind not in "iuf" or rows.dtype.itemsize < (8 if rows.dtype.kind == "f" else 4):
        return ""
    found = {}
    for number, column in enumerate(rows.T):
        there = column[~np.isnan(column)] if column.dtype.kind == "f" else column
        different, held = _merged(there)
        if (2 * held < different or held == 1 < different) and there.std() > _ROUNDING * np.abs(there).max():
            found[number] = (different, held)
    if not found:
        return ""
    names = ", ".join(map(str, [*found][:_MOST])) + (f" and {len(found) - _MOST:,} more" * (len(found) > _MOST))
    different, held = (max(counts) for counts in zip(*found.values(), strict=True))
    many = len(found) > 1
    return (
        f"column{'s' * many} {names} {'have up to' if many else 'has'} {different:,} different values, of which "
        f"float32 tells {'at most ' * many}{held:,} apart: subtract {'their means' if many else 'its mean'} "
        "first, as by data - numpy.nanmean(data, axis=0)"
    )


def _held(there):
    with np.errstate(over="ignore"):  # what is infinite is named elsewhere
        return there.astype("float32")


def _merged(there):
    """How many different values there are, and how many in float32; none, where its steps do not matter."""
    if not there.size or there.dtype.kind not in "iuf" or not np.isfinite(there).all():
        return 0, 0
    largest = _held(np.abs(there).max())
    if np.isinf(largest) or np.spacing(largest) < there.std() / 100:
        return 0, 0
    return len(np.unique(there)), len(np.unique(_held(there)))


def _mend(there, are_dates):
    if are_dates:
        return "write it as seconds since the first, in pandas by (t - t.min()).dt.total_seconds()"
    return f"subtract {there.mean():.10g} from it"
