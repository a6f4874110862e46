"""Checks of arguments that several modules share, and of those with a rule of their own."""

import math
import warnings
from functools import partial
from numbers import Real
from typing import Any

import numpy as np

from layers import validation
from tf_gmvae.errors import NO_NUMBER, InputError

whole_number = partial(validation.whole_number, error=InputError)
whole_numbers = partial(validation.whole_numbers, error=InputError)
seed_or_none = partial(validation.seed_or_none, minimum=0, error=InputError)  # NumPy takes none below 0


def known(answers: np.ndarray, ids: np.ndarray | None = None) -> np.ndarray:
    """The same answers, which are numbers.

    Args:
        answers: array (N,) or (N, K) of what a model says of N examples.
        ids: array (N,), what the examples are called. Default None: their numbers from 0 on.

    Returns:
        The array.

    Raises:
        InputError: naming the first example of which one is NaN, or model and examples, where all are.
    """
    unknown = np.isnan(answers.reshape(len(answers), -1).sum(axis=1))  # of a row, since there may be very many
    if len(unknown) > 1 and unknown.all():
        raise InputError(
            "The answer to every example is no number: the weights of the model are not finite, or all examples "
            "have values that are too large for it. Train it anew, at a lower learning rate, or repair the values."
        )
    if unknown.any():
        first = unknown.argmax()
        raise InputError(f"The answer to example {first if ids is None else ids[first]} is {NO_NUMBER}")
    return answers


def check_sizes(**sizes: object) -> None:
    """Checks sizes of batches and numbers of steps that may be left out.

    Args:
        **sizes: what was passed, by the names of the arguments.

    Raises:
        InputError: if one is neither None nor an integer >= 1.
    """
    for name, size in sizes.items():
        if size is not None:
            whole_number(name, size)


def nats(name: str, value: object) -> float:
    """A weight or bound in nats as a float.

    Args:
        name: text, name of the argument.
        value: what was passed for it.

    Returns:
        Float >= 0.

    Raises:
        InputError: if it is not a finite number >= 0.
    """
    if not (isinstance(value, Real) and 0.0 <= float(value) < math.inf):
        raise InputError(f"`{name}` must be a number of nats >= 0. Received: {name}={value!r}")
    return float(value)


def rate(name: str, value: object) -> float:
    """A learning rate as a float.

    Args:
        name: text, name of the argument.
        value: what was passed for it.

    Returns:
        Float > 0.

    Raises:
        InputError: if it is not a finite number > 0.
    """
    if not (isinstance(value, Real) and 0.0 < float(value) < math.inf):
        raise InputError(f"`{name}` must be a number above 0. Received: {value!r}")
    return float(value)


def checked_min_information(value: object, most: float) -> float:
    """The minimum information constraint as a float.

    Args:
        value: lambda of Eq. 7, nats.
        most: nats that the z-prior term never exceeds: log K where p(z) is uniform.

    Returns:
        Float >= 0; a warning says where it switches the z-prior term off altogether.

    Raises:
        InputError: if it is not a finite number >= 0.
    """
    value = nats("min_information", value)
    if value > 0.0 and value >= most:
        warnings.warn(
            f"min_information={value:g} is not below log K = {most:.3f} nats, which the "
            "z-prior term never exceeds: the term is switched off altogether.",
            stacklevel=3,
        )
    return value


def is_absent(value: object) -> bool:
    """Whether a single value stands for a missing one: None, NaN, or pandas' NA and NaT, which equal nothing.

    Args:
        value: anything.
    """
    if isinstance(value, np.datetime64 | np.timedelta64):
        return bool(np.isnat(value))
    if isinstance(value, float | np.floating):
        return bool(np.isnan(value))
    return value is None or type(value).__name__ in ("NAType", "NaTType")


def check_channels_last(data_shape: tuple[int | None, ...]) -> None:
    """Refuses images whose channels come first, as those of other libraries do.

    Args:
        data_shape: tuple, shape of one example.

    Raises:
        InputError: if it is that of such an image, 1, 3 or 4 by a height and a width above 4.
    """
    if len(data_shape) == 3 and data_shape[0] in (1, 3, 4) and min(size or 0 for size in data_shape[1:]) > 4:
        raise InputError(
            f"Examples of shape {tuple(data_shape)} look like images whose channels come first, where they come "
            "last, (N, H, W, C): pass x.transpose(0, 2, 3, 1)."
        )


def check_shape(shape: tuple[int | None, ...], data_shape: tuple[int | None, ...]) -> None:
    """Checks a batch's shape against the shape the model was built for.

    Args:
        shape: shape of the batch, (B, ...); unknown sizes are None.
        data_shape: tuple, shape of one example.

    Raises:
        InputError: if they do not fit.
    """
    received, expected = tuple(shape[1:]), tuple(data_shape)
    if len(received) == len(expected) and all(
        want in (None, have) or have is None for have, want in zip(received, expected, strict=True)
    ):
        return
    hint = "reshape the data or build a model for their shape"
    if (*received, 1) == expected:
        hint = "add the channel axis, images[..., None]"
    elif tuple(shape) == expected:
        hint = "the axis of examples is missing, so pass x[None], or data.batch(32) of a data set"
    elif len(expected) == 3 and received == (expected[2], *expected[:2]) and received != expected:
        hint = "their channels come first, so pass x.transpose(0, 2, 3, 1)"
    raise InputError(f"Examples of shape {received} do not fit a model built for {expected}: {hint}.")


def without_objects(array: np.ndarray) -> np.ndarray:
    """An array of objects as numbers, if they are such, as in a DataFrame of several types, or arrays of a shape.

    What stands for a missing value, see `is_absent`, is NaN then.

    Args:
        array: anything else is returned as it is.

    Raises:
        InputError: if the objects are arrays of different lengths, as series are.
    """
    if array.dtype != object or not array.size:
        return array
    if isinstance(array.flat[0], np.ndarray | list | tuple):
        try:
            return without_objects(np.asarray(array.tolist()))
        except ValueError:
            raise ragged() from None
    if not all(isinstance(value, Real) or is_absent(value) for value in array.flat):
        return array
    numbers = [math.nan if is_absent(value) else value for value in array.flat]
    return np.array(numbers, "float64").reshape(array.shape)


def without_long_doubles(data: Any) -> Any:
    """Data of which floats of more than 64 bits, for which TensorFlow has no type, are float64.

    Args:
        data: anything but an array of such floats is returned as it is.
    """
    if isinstance(data, np.ndarray) and data.dtype.kind == "f" and data.dtype.itemsize > 8:
        with np.errstate(over="ignore"):  # what overflows becomes inf, and is then named as such
            return data.astype("float64")
    return data


def ragged() -> InputError:
    """The `InputError` of examples that do not make one array."""
    return InputError(
        "The examples have different lengths: cut or resample them to one length, or resize images to one size, "
        "and join them by np.stack."
    )


def _are_ragged(shapes):
    """Whether arrays of these shapes are examples that do not fit each other: batches differ in number alone."""
    ranks = {len(shape) for shape in shapes}
    return len(shapes) > 1 and len(ranks) == 1 and (ranks == {1} or len({shape[1:] for shape in shapes}) > 1)


def several_arrays(data: dict | list | tuple, name: str = "GMVAE") -> InputError:
    """The `InputError` of several arrays where one is taken.

    Args:
        data: dict, list or tuple of arrays.
        name: text, what the sentence calls the model. Default "GMVAE".
    """
    try:
        shapes = {np.shape(part) for part in (data.values() if isinstance(data, dict) else data)}
    except ValueError:  # a list of lists of different lengths among them
        return ragged()
    if not isinstance(data, dict) and _are_ragged(shapes):
        return ragged()
    return InputError(
        f"{name} takes one array of examples (N, ...). Received: a {type(data).__name__} of {len(data)} arrays. "
        "Join them first, examples by np.stack, batches by np.concatenate, and pass labels apart."
    )
