"""Texts that seem to be dates, but in a form that is not read: whether 5.1.2024 is in January, nobody can tell."""

from __future__ import annotations

import re

import numpy as np

# As 24.12.2023, 12/24/23 or 2023/12/24, with a time behind it or not.
_DATE = re.compile(r"(\d{1,2}([./-])\d{1,2}\2(\d{4}|\d\d)|\d{4}([./])\d{1,2}\4\d{1,2})([ T]+\d{1,2}:\d\d.*)?")
# The form that is read.
READ = "2023-12-24"


def is_unread(text: object) -> bool:
    """Whether a value seems to be a date in another form.

    Args:
        text: the value.
    """
    return isinstance(text, str) and _DATE.fullmatch(text.strip()) is not None


def said_of(values: np.ndarray) -> str:
    """That most texts of a column seem to be dates in another form.

    Args:
        values: array (N,) of anything, None where a text is missing.

    Returns:
        What follows on the name of the column in a sentence, and goes on with what it is taken for; empty, where
        it is not so. Two different dates would be levels in any form.
    """
    texts = {value for value in values.tolist() if isinstance(value, str) and value}
    unread = [text for text in texts if is_unread(text)]
    if len(texts) < 3 or 2 * len(unread) <= len(texts):
        return ""
    first = next(value for value in values.tolist() if is_unread(value))
    return f"seems to hold dates, as {first[:40]!r}, but such are read only as {READ} (write them so), so it is"
