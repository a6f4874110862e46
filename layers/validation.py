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


def seed_or_none(seed: object) -> int | None:
    """A seed as Keras takes it, which knows no integers of NumPy.

    Args:
        seed: integer of any kind, or None.

    Raises:
        ValueError: if it is neither.
    """
    if seed is None:
        return None
    try:
        return operator.index(seed)  # type: ignore[arg-type]
    except TypeError:
        raise ValueError(f"`seed` must be an integer or None. Received: seed={seed!r}") from None
