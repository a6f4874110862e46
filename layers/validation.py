"""The checks of whole numbers and seeds that layers, model and data share."""

import operator
from numbers import Integral


def whole_number(name: str, value: object, minimum: int = 1, error: type[Exception] = ValueError) -> int:
    """Returns `value` as an int.

    Args:
        name: the argument's name, for the message.
        value: what the user passed.
        minimum: the least value it may have. Default 1.
        error: type of the exception. Default `ValueError`.

    Raises:
        ValueError: or `error`, if `value` is not an integer >= `minimum`.
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or value < minimum:
        raise error(f"`{name}` must be an integer >= {minimum}. Received: {name}={value!r}")
    return int(value)


def whole_numbers(name: str, values: object, error: type[Exception] = ValueError) -> tuple[int, ...]:
    """Returns several numbers, such as units of layers or a shape, as a tuple of ints.

    Args:
        name: the argument's name, for the message.
        values: what the user passed.
        error: type of the exception. Default `ValueError`.

    Raises:
        ValueError: or `error`, if `values` are not integers >= 1.
    """
    try:
        return tuple(whole_number(name, value) for value in values)  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        raise error(f"`{name}` must be a tuple of integers >= 1. Received: {name}={values!r}") from None


def seed_or_none(seed: object, minimum: int | None = None, error: type[Exception] = ValueError) -> int | None:
    """A seed as Keras takes it, which knows no integers of NumPy.

    Args:
        seed: integer of any kind, or None.
        minimum: the least value it may have; None takes negative seeds, as Keras does. Default None.
        error: type of the exception. Default `ValueError`.

    Raises:
        ValueError: or `error`, if it is neither, or too small.
    """
    if seed is None:
        return None
    try:
        number = operator.index(seed)  # type: ignore[arg-type]
    except TypeError:
        number = None
    if number is None or (minimum is not None and number < minimum):
        bound = "" if minimum is None else f" >= {minimum}"
        raise error(f"`seed` must be an integer{bound} or None. Received: seed={seed!r}")
    return number
