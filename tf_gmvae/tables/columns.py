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

from layers.column_features import KINDS
from tf_gmvae.checks import is_absent
from tf_gmvae.errors import InputError
from tf_gmvae.tables import dates, levels


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        name: text.
        kind: "real", "count", "yes_no" or "category".
        levels: tuple of texts, what the numbers 0, 1, ... of a yes/no column or category stand for; else empty.
        center: tuple, mean of each of its features in the data that were described: of the number itself, of log(1
            + count), or of each level.
        scale: float, deviation of its features. Where they do not vary, 1, or the step between float32 numbers of
            that size, if it is more.
        varies: whether they do.
        largest: float, of counts log(1 + count) of the largest that was described. Of other kinds, and of columns
            that an earlier version described, 0.
    """

    name: str
    kind: str
    levels: tuple[str, ...] = ()
    center: tuple[float, ...] = (0.0,)
    scale: float = 1.0
    varies: bool = True
    largest: float = 0.0


@dataclass(frozen=True)
class Columns:
    """The columns of a table, in their order.

    Attributes:
        columns: tuple of `Column`.
    """

    columns: tuple[Column, ...]

    def __setstate__(self, state: Mapping[str, Any]) -> None:  # of estimators that an earlier version pickled
        object.__setattr__(self, "columns", Columns.from_config(map(asdict, state["columns"])).columns)

    def __len__(self) -> int:
        return len(self.columns)

    @property
    def names(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(column.name for column in self.columns)

    @property
    def meanings(self) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
        """Name, kind and levels of each: what a row of numbers stands for."""
        return tuple((column.name, column.kind, column.levels) for column in self.columns)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of what `layers.ColumnFeatures` makes of them, in its order: those of the categories come last."""
        numbers = [column for column in self.columns if column.kind != "category"]
        names = [f"{c.name} = {c.levels[1]}" if c.levels else c.name for c in numbers]
        categories = [column for column in self.columns if column.kind == "category"]
        return (*names, *(f"{c.name} = {level}" for c in categories for level in c.levels))

    @property
    def worded(self) -> frozenset[str]:
        """Names of those with a level that is neither a number, true nor false: they were read as texts."""
        return frozenset(column.name for column in self.columns if any(map(levels.is_word, column.levels)))

    @property
    def of_numbers(self) -> frozenset[str]:
        """Names of those without levels: texts among new rows are read as the numbers or dates they stand for."""
        return frozenset(column.name for column in self.columns if not column.levels)

    def as_config(self) -> list[dict[str, Any]]:
        """A list that JSON can hold."""
        return [asdict(column) for column in self.columns]

    @classmethod
    def from_config(cls, config: Iterable[Mapping[str, Any]]) -> Columns:
        """The columns of `as_config`.

        Args:
            config: list of dicts.
        """
        config = list(config)
        names = levels.all_composed([c["name"] for c in config])
        return cls(
            tuple(
                # Earlier versions did not say whether a column varies, and how large its counts are.
                Column(
                    name=name,
                    kind=c["kind"],
                    levels=tuple(c["levels"]),
                    center=tuple(map(float, c["center"])),
                    scale=float(c["scale"]),
                    varies=bool(c.get("varies", True)),
                    largest=float(c.get("largest", 0.0)),
                )
                for name, c in zip(names, config, strict=True)
            )
        )

    def in_words(self) -> str:
        """How many columns there are of which kind, for a line of text."""
        words = {
            "real": ("number", "numbers"), "count": ("count", "counts"), "yes_no": ("yes/no", "yes/no"),
            "category": ("category", "categories"),
        }  # fmt: skip
        counts = {kind: [c.kind for c in self.columns].count(kind) for kind in KINDS}
        return ", ".join(f"{count} {words[kind][count > 1]}" for kind, count in counts.items() if count)

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
                f"The table lacks the column{'s' * (len(absent) > 1)} {listed(absent)}: the model was trained "
                f"with {'them' if len(absent) > 1 else 'it'}, so add them, empty if there are no values. "
                f"Received: {listed(list(table))}."
            )
        return np.stack([as_numbers(column, np.asarray(table[column.name])) for column in self.columns], axis=1)

    def unseen(self, table: Mapping[str, np.ndarray], numbers: np.ndarray) -> dict[str, np.ndarray]:
        """Where a table holds levels that were not there when the columns were described.

        Args:
            table: dict of arrays (N,) by name, as in `numbers`.
            numbers: float32 array (N, F), what `numbers` made of it.

        Returns:
            Dict of arrays (N,) of bools by name, of those columns that have such a level.
        """
        found = {
            column.name: np.isnan(numbers[:, index])
            & ~is_missing(levels.trimmed(table[column.name], column.levels))
            for index, column in enumerate(self.columns)
            if column.levels
        }
        return {name: unseen for name, unseen in found.items() if unseen.any()}

    def no_levels(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Where rows hold numbers that stand for no level, and count as missing.

        Args:
            rows: array (N, F), which need not be of `numbers`.

        Returns:
            As `unseen`.
        """
        found = {}
        for index, column in enumerate(self.columns):
            numbers, last = rows[:, index], len(column.levels) - 1
            # Between no and yes stands a probability.
            may_be = (column.kind == "yes_no") | (numbers == np.floor(numbers))
            stands = (numbers >= 0) & (numbers <= last) & may_be
            if column.levels and not (known := stands | np.isnan(numbers)).all():
                found[column.name] = ~known
        return found

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
        return np.array([is_absent(value) or (isinstance(value, str) and not value) for value in values], bool)
    if values.dtype.kind == "U":
        return values == ""
    return np.zeros(len(values), bool)


def as_numbers(column: Column, values: np.ndarray) -> np.ndarray:
    """The values of a column as it holds them.

    Args:
        column: `Column`.
        values: array (N,), as it was read.

    Returns:
        Float32 array (N,).

    Raises:
        InputError: naming the first value that does not go with the column.
    """
    missing = is_missing(values := levels.trimmed(values, column.levels))
    if column.levels:
        number_of = levels.Levels(column.levels)
        found = [
            np.nan if absent else number_of(value) for value, absent in zip(values.tolist(), missing, strict=True)
        ]
        return np.array(found, "float32")
    if values.dtype.kind in "OUS":
        values = _parsed(column.name, values, missing)
    with np.errstate(over="ignore"):
        numbers = values.astype("float32")
    if np.isinf(numbers).any():
        row = int(np.isinf(numbers).argmax())
        raise InputError(
            f"Column {column.name!r} holds an infinite value, or one too large for float32"
            f"{_in_row(row, values, ',')}: repair it, or leave it empty."
        )
    no_counts = ~missing & ((numbers < 0) | (numbers != np.floor(numbers)))
    if column.kind == "count" and no_counts.any():
        row = int(no_counts.argmax())
        raise InputError(
            f"Column {column.name!r} must hold counts, whole numbers from 0 on, but holds {values[row]:g}"
            f"{_in_row(row, values)}: repair it, or declare the column real."
        )
    return numbers


def _parsed(name, values, missing):
    numbers = np.full(len(values), np.nan)
    for row in np.flatnonzero(~missing):
        try:
            numbers[row] = float(values[row])
        except (TypeError, ValueError):
            # Beside one word all of a column of dates, or of decimal commas, are texts: the word is the culprit.
            words = (r for r in np.flatnonzero(~missing) if not any(c.isdecimal() for c in str(values[r])))
            unread = (r for r in np.flatnonzero(~missing) if dates.is_unread(values[r]))
            odd = next(words, next(unread, row))
            mend = f"write dates as {dates.READ}" if dates.is_unread(values[odd]) else "repair it"
            raise InputError(
                f"Column {name!r} must hold numbers, but holds {str(values[odd])[:40]!r}"
                f"{_in_row(odd, values)}: {mend}, or leave it empty."
            ) from None
    return numbers


def _in_row(row, values, sign=""):
    """The place of a value, for a sentence; one row alone, as `train.score` asks for, may be any of a file."""
    return f"{sign} in row {row}" if len(values) > 1 else ""


def _written(column, numbers):
    return np.array(
        ["" if np.isnan(n) else column.levels[int(np.clip(round(n), 0, len(column.levels) - 1))] for n in numbers],
        dtype=str,
    )


def listed(names: Sequence[str], most: int = 8) -> str:
    """Names for a sentence.

    Args:
        names: list of texts.
        most: integer, how many are named. Default 8.
    """
    shown = ", ".join(repr(str(name)) for name in names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")
