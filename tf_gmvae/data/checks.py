"""The check of a whole number, which seeds, sizes and counts share."""

from __future__ import annotations

import numbers

from tf_gmvae.errors import InputError


def whole_number(name, value, minimum) -> int:
    """Returns `value` as an int, or raises an `InputError` unless it is a whole number >= `minimum`."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < minimum:
        raise InputError(f"{name} must be a whole number >= {minimum}. Received: {name}={value!r}.")
    return int(value)
