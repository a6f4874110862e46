"""The classes in a column of labels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tf_gmvae.errors import InputError
from tf_gmvae.tables.columns import is_missing
from tf_gmvae.tables.levels import as_text, composed, in_one_form, trimmed


def texts_of(path: str | Path, name: str, values: np.ndarray, begin: int = 0) -> list[str]:
    """The classes in a column, row by row.

    Args:
        path: Of the table, for the message.
        name: Of the column.
        values: `(N,)` values.
        begin: Number of the first of these rows, for the message. Default 0.

    Returns:
        List of N texts.

    Raises:
        InputError: If one is missing.
    """
    values = trimmed(values)
    missing = is_missing(values)
    if missing.any():
        row = begin + int(missing.argmax())
        raise InputError(
            f"{path}: the label column {name!r} is empty in row {row}: fill it, or leave out label_column."
        )
    return [as_text(value) for value in values.tolist()]


def numbered(texts: Sequence[str], class_names: Sequence[str]) -> np.ndarray:
    """Classes as their numbers.

    Args:
        texts: List of N texts, those of the classes.
        class_names: As `in_order` gives them.

    Returns:
        Int64 array (N,).
    """
    number_of = {composed(text): number for number, text in enumerate(class_names)}
    return np.array([number_of[composed(text)] for text in texts], "int64")


def in_order(texts: set[str]) -> tuple[str, ...]:
    """Names of classes in the order of their numbers: whole numbers by size, then the others.

    Args:
        texts: The different ones; those that differ in their form of Unicode alone are one.
    """
    different = set(in_one_form(np.array([*texts], object)).tolist())
    return tuple(sorted(different, key=lambda text: (0, int(text), "") if text.isdecimal() else (1, 0, text)))
