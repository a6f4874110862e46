"""Levels of yes/no columns and categories: as texts, in order, and known again however a file writes them."""

from __future__ import annotations

import math
import unicodedata
from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

# The words of a column of bools.
_TRUTH = ("false", "true")


class Levels:
    """Values to the numbers of their levels; NaN where there is none.

    Args:
        levels: list of texts.
    """

    def __init__(self, levels: Sequence[str]) -> None:
        self.of_text = {level: number for number, level in enumerate(levels)}
        self.of_composed = {text: number for number, text in enumerate(all_composed(levels))}
        # 0.1 of float32 is another number than 0.1, and yes is 1 in a table of numbers.
        as_number = {"false": 0.0, "true": 1.0} if set(levels) == {"false", "true"} else {}
        keys = [as_number.get(level, single(level)) for level in levels]
        times = Counter(keys)
        self.of_number = {key: n for n, key in enumerate(keys) if key is not None and times[key] == 1}
        # A column of True and False is read as bools, and as texts beside any other value.
        self.of_truth = {level.casefold(): number for level, number in self.of_text.items()}

    def __call__(self, value: object) -> float:
        """The number of a value's level."""
        text = as_text(value)
        number = self.of_text.get(text)
        if number is None:
            number = self.of_composed.get(composed(text))
        if number is None and (as_single := single(value)) is not None:
            number = self.of_number.get(as_single)
        if number is None and text.casefold() in _TRUTH:
            number = self.of_truth.get(text.casefold())
        return np.nan if number is None else number


def composed(text: str) -> str:
    """A name or level as it is compared: blanks around it do not count, nor whether an umlaut is two characters.

    So macOS writes it, and all else as one. Names of columns are kept so. Levels are kept, and in order, as
    `trimmed` and `in_one_form` leave them, which the numbers of models that are there stand for.

    Args:
        text: in whatever form of Unicode.
    """
    return unicodedata.normalize("NFC", text.strip())


def all_composed(texts: Sequence[str]) -> tuple[str, ...]:
    """Names or levels as they are compared; as they are, if two that differ would be one.

    Args:
        texts: list of them.
    """
    alike = tuple(map(composed, texts))
    return alike if len(set(alike)) == len(set(texts)) else tuple(texts)


def trimmed(values: np.ndarray, known: Collection[str] = ()) -> np.ndarray:
    """The texts of a column without the blanks around them, by which none differs from another.

    Args:
        values: array (N,) of anything.
        known: levels that a model has, which stay as they are: earlier versions left the blanks of a Parquet file.
            Default: there are none.

    Returns:
        Array (N,).
    """
    return _each(values, str.strip, known)


def in_one_form(values: np.ndarray, known: Collection[str] = ()) -> np.ndarray:
    """The texts of a column, of which no two differ in their form of Unicode alone: if some do, all are composed.

    Args:
        values: array (N,) of anything, its texts trimmed.
        known: as in `trimmed`. Default: there are none.

    Returns:
        Array (N,).
    """
    texts = {value for value in values.tolist() if isinstance(value, str)}
    return values if len(set(map(composed, texts))) == len(texts) else _each(values, composed, known)


def _each(values, change, known):
    if values.dtype.kind not in "OU":
        return values
    found, kept = np.empty(len(values), object), frozenset(known)
    found[:] = [
        change(value) if isinstance(value, str) and value not in kept else value for value in values.tolist()
    ]
    return found


def as_text(value: object) -> str:
    """A level as a text; 1 and 1.0 are the same one.

    Args:
        value: bool, number or text.
    """
    if isinstance(value, bool | np.bool_):
        return str(bool(value)).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def is_word(level: str) -> bool:
    """Whether a level is neither a number, true nor false.

    Args:
        level: text.
    """
    return single(level) is None and level.casefold() not in _TRUTH


def single(value: Any) -> float | None:
    """A number as float32 has it; None of what is none.

    Args:
        value: bool, number or text.
    """
    try:
        with np.errstate(over="ignore"):
            return float(np.float32(value))
    except (TypeError, ValueError):
        return None


def not_numbers(values: np.ndarray) -> list[int]:
    """Of texts that are mostly numbers, the rows of those that are none.

    Args:
        values: array (N,) of anything, None where a text is missing.

    Returns:
        List of row numbers; none, where not more than half of the texts are numbers.
    """
    texts = [(row, value) for row, value in enumerate(values.tolist()) if isinstance(value, str) and value]
    for some in (texts[:1000], texts):  # few tell of most columns
        odd = [row for row, text in some if single(text) is None]
        if 2 * len(odd) >= len(some):
            return []
    return odd


def numbers_first(level: str) -> tuple[int, float, str]:
    """Key by which levels are sorted: numbers by their size, then texts.

    Args:
        level: text.
    """
    try:
        number = float(level)
    except ValueError:
        return (1, 0.0, level)
    # NaN has no place among numbers: the order would depend on that of a set, which is another in every process.
    return (1, 0.0, level) if math.isnan(number) else (0, number, level)
