"""Finding out what the columns of a table hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from layers.column_features import KINDS
from tf_gmvae.errors import InputError
from tf_gmvae.scales import scale_of
from tf_gmvae.tables import dates, identifiers
from tf_gmvae.tables.columns import Column, Columns, as_numbers, is_missing, listed
from tf_gmvae.tables.levels import as_text, composed, in_one_form, not_numbers, numbers_first, single, trimmed
from tf_gmvae.tables.precision import Days, indistinct, merged

# A category of more levels is no cluster's affair, but an identifier or a text.
MOST_LEVELS = 50
# Whole numbers from 0 on are guessed to be counts if they go beyond this and most are below a tenth of the
# largest.
COUNT_RANGE = 100
# From here on, float64 leaves whole numbers out.
_WHOLE = 2.0**53
# See `scaled`.
SCALES = ("each", "common")


def describe(
    table: Mapping[str, np.ndarray],
    kinds: Mapping[str, str] | None = None,
    known: Columns | None = None,
) -> tuple[Columns, tuple[str, ...]]:
    """Finds out what the columns of a table hold.

    Two different values are a yes/no column; strings are a category; whole numbers from 0 or 1 to beyond a
    hundred, most of which are below a tenth of the largest, are counts; other numbers are real.

    Args:
        table: dict of arrays (N,) by name, see `Columns.numbers`.
        kinds: dict of kinds by name, where they are known better. Default None.
        known: `Columns` of a model that was trained on the table: texts that are its levels are levels as they
            are, with their blanks and in their form. Default None.

    Returns:
        Pair of `Columns`, and a tuple of sentences: on the columns that are left out, which are empty, do not
        vary, or look like identifiers; then on categories that are mostly numbers or seem to be dates, numbers
        that float32 hardly tells apart, whole numbers that rise from row to row, as identifiers do, and rows that
        hold no value.

    Raises:
        InputError: if `kinds` names what there is not, a column cannot be of its kind, or nothing is left.
    """
    kinds = {composed(str(name)): kind for name, kind in (kinds or {}).items()}
    for name, kind in kinds.items():
        if name not in table:
            raise InputError(f"There is no column {name!r} to be a {kind}. There are: {listed(list(table))}.")
        if kind not in KINDS:
            raise InputError(
                f"The kind of a column is one of {', '.join(KINDS)}. Received for {name!r}: {kind!r}."
            )
    levels_of = {} if known is None else {column.name: column.levels for column in known.columns}
    found, left_out, remarks = [], [], []
    is_empty: np.ndarray | None = None
    for name, given in table.items():
        levels = levels_of.get(name, ())
        values = in_one_form(trimmed(np.asarray(given), levels), levels)
        are_dates = isinstance(given, Days)
        reason = _useless(values, name, kinds.get(name), are_dates)
        if reason:
            left_out.append(f"column {name!r} {reason}")
            continue
        found.append(_described(name, values, kinds.get(name) or _guess(values)))
        if is_empty is None or is_empty.any():
            is_empty = is_missing(values) & (True if is_empty is None else is_empty)
        if found[-1].levels and name not in kinds and (odd := _odd(values)):
            remarks.append(f"column {name!r} {odd} a category")
        elif not found[-1].levels and (few := merged(values[~is_missing(values)], are_dates)):
            remarks.append(f"column {name!r} {few}")
        if name not in kinds and (remark := identifiers.remark(values)):
            remarks.append(f"column {name!r} {remark}")
    if not found:
        raise InputError(f"No column is left to find clusters in: {'; '.join(left_out) or 'the table has none'}.")
    if is_empty is not None and is_empty.any():
        remarks.append(_said_of_empty(np.flatnonzero(is_empty)))
    return Columns(tuple(found)), (*left_out, *remarks)


def check_no_kinds(kinds: Mapping[str, str] | None) -> None:
    """Refuses kinds of columns where columns have no names.

    Args:
        kinds: see `describe`.

    Raises:
        InputError: if there are any.
    """
    if kinds:
        raise InputError("`kinds` goes by the names of columns: give a DataFrame, or leave it out.")


def of_array(rows: np.ndarray) -> Columns:
    """The columns of an array of numbers, all real, named by their numbers.

    Args:
        rows: array (N, F); NaN is missing.
    """
    return Columns(tuple(_described(f"column_{i}", rows[:, i], "real") for i in range(rows.shape[1])))


def scaled(columns: Columns, column_scale: str) -> Columns:
    """Columns whose numbers are on scales of their own, or on one that they share.

    Args:
        columns: `Columns` as they are described.
        column_scale: "each", every number column is divided by its own deviation, as in a table of lengths and
            prices; or "common", all by one, so that they keep their proportions, as the dimensions of an embedding
            must.

    Returns:
        `Columns`; counts, yes/no columns and categories are as they were.

    Raises:
        InputError: if `column_scale` is something else.
    """
    if column_scale not in SCALES:
        raise InputError(f'`column_scale` must be "each" or "common". Received: {column_scale!r}')
    scales = [column.scale for column in columns.columns if column.kind == "real" and column.varies]
    if column_scale == "each" or not scales:
        return columns
    shared = float(np.sqrt(np.mean(np.square(scales))))
    return Columns(tuple(replace(c, scale=shared) if c.kind == "real" else c for c in columns.columns))


def _useless(values, name, declared, are_dates):
    there = values[~is_missing(values)]
    different = len(set(there.tolist()))
    if different < 2:
        return f"is the same in every row{_to_digits(there[0])}" if different else "is empty"
    may_be_id = not declared and not are_dates and there.dtype.kind in "iuf" and different == len(there)
    if may_be_id and (reason := identifiers.reason(name, values, there)):
        return reason
    amounts = there.dtype.kind in "iuf" and not _is_of_levels(there, different, declared)
    if amounts and (reason := indistinct(there, are_dates)):
        return reason
    if declared or there.dtype.kind in "buif" or different <= MOST_LEVELS:
        return None
    if all(single(value) is not None for value in there.tolist()):
        found = f"holds {different:,} different numbers as texts (pass its astype(float), if amounts), so it is"
    else:
        likely = "an identifier or a text" if different > len(there) / 2 else "no category"
        found = _odd(values) or f"has {different:,} different values, which is {likely}, so it is"
    return f"{found} left out"


def _said_of_empty(rows):
    """That some rows tell nothing of their clusters, which are as certain as those of others all the same."""
    if len(rows) == 1:
        return f"row {rows[0]} has no value in the columns that are data, so nothing tells its cluster: remove it"
    return (
        f"{len(rows):,} rows, as row {rows[0]}, have no value in the columns that are data, so nothing tells "
        "their clusters: remove them"
    )


def _to_digits(value):
    """That whole numbers of a text file may differ where float64, as which they are read, does not."""
    is_beyond = isinstance(value, np.floating) and abs(value) >= _WHOLE
    return ", to the 15 digits that float64 tells apart" if is_beyond else ""


def _is_of_levels(there, different, declared):
    """Whether numbers become levels, which are texts, and may be of any size."""
    return declared in ("yes_no", "category") or (
        declared is None and different == 2 and bool(np.all(there == np.floor(there)))
    )


def _odd(values):
    """That texts are mostly numbers, and which one is none, or mostly dates that are not read.

    The sentence ends with what they are taken for.
    """
    rows = not_numbers(values)
    if not rows:
        return dates.said_of(values)
    of = f"{len(rows):,} values, as" if len(rows) > 1 else "1 value,"
    them = "them" if len(rows) > 1 else "it"
    return (
        f"is mostly numbers, but for {of} {str(values[rows[0]])[:40]!r} in row {rows[0]} (repair {them}, or leave "
        f"{them} empty), so it is"
    )


def _guess(values):
    there = values[~is_missing(values)]
    if there.dtype.kind in "bOUS":
        return "yes_no" if len(set(there.tolist())) == 2 else "category"
    different = np.unique(there)
    if len(different) == 2:
        return "yes_no"
    whole = bool(np.all(different == np.floor(different)))
    if whole and different[0] in (0, 1) and different[-1] > max(COUNT_RANGE, 10 * float(np.median(there))):
        return "count"
    return "real"


def _described(name, values, kind):
    if kind in ("yes_no", "category"):
        there = values[~is_missing(values)]
        levels = tuple(sorted({as_text(value) for value in there.tolist()}, key=numbers_first))
        if kind == "yes_no" and len(levels) != 2:
            raise InputError(
                f"A yes/no column has two different values. Column {name!r} has {len(levels)}: "
                f"{listed(list(levels))}."
            )
        column = Column(name, kind, levels, (0.0,) * (len(levels) if kind == "category" else 1))
    else:
        column = Column(name, kind)
    numbers = as_numbers(column, values).astype("float64")
    numbers = numbers[~np.isnan(numbers)]
    largest = 1.0
    if kind == "category":
        shares = np.bincount(numbers.astype(int), minlength=len(column.levels)) / max(1, len(numbers))
        center, variance = shares, float(np.sum(shares * (1 - shares)))
    else:
        if kind == "count":
            numbers = np.log1p(numbers)
        # Of an array, whose columns all stay, one may be empty.
        center, variance = (
            (np.atleast_1d(numbers.mean()), float(numbers.var())) if len(numbers) else (np.zeros(1), 0.0)
        )
        largest = float(np.abs(numbers).max(initial=0.0))
    scale, varies = scale_of(np.sqrt(variance), largest)
    return Column(
        name, kind, column.levels, tuple(map(float, center)), float(scale), bool(varies),
        largest=largest if kind == "count" else 0.0,
    )  # fmt: skip
