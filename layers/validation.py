"""Checks of constructor arguments that the layers share."""

from numbers import Integral


def positive_integer(name, value):
    """Returns `value` as an int.

    Args:
        name: the argument's name, for the message.
        value: what the user passed.

    Raises:
        ValueError: if `value` is not an integer >= 1.
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        raise ValueError(f"`{name}` must be an integer >= 1. Received: {name}={value!r}")
    return int(value)
