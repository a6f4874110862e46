"""What the columns of a table hold, and its rows as numbers.

A table is held as a float32 array (N, F): real numbers and counts as they are, of yes/no columns and categories
the number of the level, and NaN for what is missing. What turns these into features, and what gives them a
probability, is made from the `Columns` that describe them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from tf_gmvae.errors import InputError

KINDS = ("real", "count", "yes_no", "category")
# A category of more levels is no cluster's affair, but an identifier or a text.
MOST_LEVELS = 50
# Whole numbers from 0 on are guessed to be counts if they go beyond this and most are below a tenth of the
# largest.
COUNT_RANGE = 100


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        name: text.
        kind: "real", "count", "yes_no" or "category".
        levels: tuple of texts, what the numbers 0, 1, ... of a yes/no column or category stand for; else empty.
        center: tuple, mean of each of its features in the data that were described: of the number itself, of log(1
            + count), or of each level.
        scale: float, deviation of its features; 1 where they do not vary.
    """

    name: str
    kind: str
    levels: tuple[str, ...] = ()
    center: tuple[float, ...] = (0.0,)
    scale: float = 1.0


@dataclass(frozen=True)
class Columns:
    """The columns of a table, in their order.

    Attributes:
        columns: tuple of `Column`.
    """

    columns: tuple[Column, ...]

    def __len__(self) -> int:
        return len(self.columns)

    @property
    def names(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(column.name for column in self.columns)

    def as_config(self) -> list[dict[str, Any]]:
        """A list that JSON can hold."""
        return [asdict(column) for column in self.columns]

    @classmethod
    def from_config(cls, config: Iterable[Mapping[str, Any]]) -> Columns:
        """The columns of `as_config`.

        Args:
            config: list of dicts.
        """
        return cls(
            tuple(
                Column(c["name"], c["kind"], tuple(c["levels"]), tuple(map(float, c["center"])), float(c["scale"]))
                for c in config
            )
        )

    def in_words(self) -> str:
        """How many columns there are of which kind, for a line of text."""
        words = {"real": "numbers", "count": "counts", "yes_no": "yes/no", "category": "categories"}
        counts = {kind: [c.kind for c in self.columns].count(kind) for kind in KINDS}
        return ", ".join(f"{count} {words[kind]}" for kind, count in counts.items() if count)

    def numbers(self, table: Mapping[str, np.ndarray]) -> np.ndarray:
        """The rows of a table as numbers.

        Args:
            table: dict of arrays (N,) by name, as they were read: numbers, bools or strings, None or NaN for what
                is missing. Their order does not matter, and further ones are left aside.

        Returns:
            Float32 array (N, F). A level that was not there when the columns were described counts as missing.

        Raises:
            InputError: if a column is missing, or holds something else than before.
        """
        absent = [name for name in self.names if name not in table]
        if absent:
            raise InputError(
                f"The table lacks the column{'s' * (len(absent) > 1)} {_listed(absent)}: the model was trained "
                f"with {'them' if len(absent) > 1 else 'it'}, so add them, empty if there are no values. "
                f"Received: {_listed(list(table))}."
            )
        return np.stack([_as_numbers(column, np.asarray(table[column.name])) for column in self.columns], axis=1)

    def values(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Numbers as a person writes them: the levels by their names.

        Args:
            rows: array (N, F).

        Returns:
            Dict of arrays (N,) by name: float32 of numbers and counts, strings of levels, "" of missing ones.
        """
        return {
            column.name: _written(column, rows[:, index]) if column.levels else rows[:, index]
            for index, column in enumerate(self.columns)
        }


def describe(
    table: Mapping[str, np.ndarray], kinds: Mapping[str, str] | None = None
) -> tuple[Columns, tuple[str, ...]]:
    """Finds out what the columns of a table hold.

    Two different values are a yes/no column; strings are a category; whole numbers from 0 or 1 to beyond a
    hundred, most of which are below a tenth of the largest, are counts; other numbers are real.

    Args:
        table: dict of arrays (N,) by name, see `Columns.numbers`.
        kinds: dict of kinds by name, where they are known better. Default None.

    Returns:
        Pair of `Columns`, and a tuple of sentences on the columns that are left out: those that are empty, do not
        vary, or look like identifiers.

    Raises:
        InputError: if `kinds` names what there is not, a column cannot be of its kind, or nothing is left.
    """
    kinds = dict(kinds or {})
    for name, kind in kinds.items():
        if name not in table:
            raise InputError(f"There is no column {name!r} to be a {kind}. There are: {_listed(list(table))}.")
        if kind not in KINDS:
            raise InputError(
                f"The kind of a column is one of {', '.join(KINDS)}. Received for {name!r}: {kind!r}."
            )
    found, left_out = [], []
    for name, given in table.items():
        values = np.asarray(given)
        reason = _useless(values, name in kinds)
        if reason:
            left_out.append(f"column {name!r} {reason}")
        else:
            found.append(_described(name, values, kinds.get(name) or _guess(values)))
    if not found:
        raise InputError(f"No column is left to find clusters in: {'; '.join(left_out) or 'the table has none'}.")
    return Columns(tuple(found)), tuple(left_out)


def of_array(rows: np.ndarray) -> Columns:
    """The columns of an array of numbers, all real, named by their numbers.

    Args:
        rows: array (N, F); NaN is missing.
    """
    return Columns(tuple(_described(f"column_{i}", rows[:, i], "real") for i in range(rows.shape[1])))


def is_missing(values: np.ndarray) -> np.ndarray:
    """Which values are missing: None, NaN and empty strings.

    Args:
        values: array (N,).

    Returns:
        Array (N,) of bools.
    """
    if values.dtype.kind == "f":
        return np.isnan(values)
    if values.dtype.kind == "O":
        return np.array(
            [value is None or value == "" or (isinstance(value, float) and np.isnan(value)) for value in values],
            bool,
        )
    if values.dtype.kind == "U":
        return values == ""
    return np.zeros(len(values), bool)


def _useless(values, declared):
    there = values[~is_missing(values)]
    different = len(set(there.tolist()))
    if different < 2:
        return "is the same in every row" if different else "is empty"
    if declared:
        return None
    if there.dtype.kind in "buif":
        numbers_rows = different == len(values) > COUNT_RANGE and _counts_rows(there)
        return "numbers the rows, so it is left out" if numbers_rows else None
    if different <= MOST_LEVELS:
        return None
    likely = "an identifier or a text" if different > len(there) / 2 else "no category"
    return f"has {different:,} different values, which is {likely}, so it is left out"


def _counts_rows(values):
    return values.dtype.kind in "iu" and bool(np.all(np.diff(values) == 1))


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
        levels = tuple(sorted({_text(value) for value in there.tolist()}, key=_numbers_first))
        if kind == "yes_no" and len(levels) != 2:
            raise InputError(
                f"A yes/no column has two different values. Column {name!r} has {len(levels)}: "
                f"{_listed(list(levels))}."
            )
        column = Column(name, kind, levels, (0.0,) * (len(levels) if kind == "category" else 1))
    else:
        column = Column(name, kind)
    numbers = _as_numbers(column, values).astype("float64")
    numbers = numbers[~np.isnan(numbers)]
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
    # A deviation that is rounding alone is none.
    varies = variance > (1e-6 * (1.0 + float(np.max(np.abs(center))))) ** 2
    return Column(
        name, kind, column.levels, tuple(map(float, center)), float(np.sqrt(variance)) if varies else 1.0
    )


def _as_numbers(column, values):
    missing = is_missing(values)
    if column.levels:
        number_of = {level: number for number, level in enumerate(column.levels)}
        numbers = [
            np.nan if absent else number_of.get(_text(value), np.nan)
            for value, absent in zip(values.tolist(), missing, strict=True)
        ]
        return np.array(numbers, "float32")
    if values.dtype.kind in "OUS":
        values = _parsed(column.name, values, missing)
    with np.errstate(over="ignore"):
        numbers = values.astype("float32")
    if np.isinf(numbers).any():
        row = int(np.isinf(numbers).argmax())
        raise InputError(
            f"Column {column.name!r} holds an infinite value, or one too large for float32, in row {row}: repair "
            "it, or leave it empty."
        )
    if column.kind == "count" and np.any((numbers < 0) | (numbers != np.floor(numbers))):
        row = int(((numbers < 0) | (numbers != np.floor(numbers))).argmax())
        raise InputError(
            f"Column {column.name!r} must hold counts, whole numbers from 0 on, but holds {values[row]:g} in row "
            f"{row}: repair it, or declare the column real."
        )
    return numbers


def _parsed(name, values, missing):
    numbers = np.full(len(values), np.nan)
    for row in np.flatnonzero(~missing):
        try:
            numbers[row] = float(values[row])
        except (TypeError, ValueError):
            raise InputError(
                f"Column {name!r} must hold numbers, but holds {str(values[row])[:40]!r} in row {row}: repair "
                "it, or leave it empty."
            ) from None
    return numbers


def _text(value):
    """A level as a text: 1, 1.0 and True of a column of numbers are the same ones when they come back as "
    "others.
    """
    if isinstance(value, bool | np.bool_):
        return str(bool(value)).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _numbers_first(level):
    try:
        return (0, float(level), level)
    except ValueError:
        return (1, 0.0, level)


def _written(column, numbers):
    return np.array(
        ["" if np.isnan(n) else column.levels[int(np.clip(round(n), 0, len(column.levels) - 1))] for n in numbers],
        dtype=str,
    )


def _listed(names: Sequence[str], most: int = 8) -> str:
    shown = ", ".join(repr(str(name)) for name in names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")
