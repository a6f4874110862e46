"""What the methods take as examples."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from tf_gmvae import data, inputs
from tf_gmvae.checks import ragged
from tf_gmvae.errors import InputError
from tf_gmvae.values import check_values

if TYPE_CHECKING:
    from tf_gmvae.methods.method import ClusteringMethod


def split_of(examples: ArrayLike | data.Split, method: ClusteringMethod) -> data.Split:
    """Examples of a method, checked.

    Args:
        examples: array (N, ...) or `data.Split`.
        method: `ClusteringMethod`, whose shape and likelihood they must fit.

    Returns:
        `data.Split`, N at least 1.

    Raises:
        InputError: if they are neither, none, of another shape, or have values that the likelihood does not take.
    """
    name = type(method).__name__
    if isinstance(examples, data.Split):
        split = examples
    else:
        array = _array_of(examples, name)
        split = data.Split.from_arrays(array, series=array.ndim == 1 + len(method.data_shape))
    if split.data_shape != method.data_shape:
        raise InputError(
            f"{name} was made for examples of shape {method.data_shape}: make one with "
            f"data_shape={split.data_shape}. Received: {split.examples.shape}."
        )
    check_values(split.examples, method.likelihood)
    return split


def _array_of(examples, name):
    if isinstance(examples, list | tuple):  # of rows, which are no several inputs here
        try:
            examples = np.asarray(examples)
        except ValueError:
            raise ragged() from None
    if not (hasattr(examples, "element_spec") or hasattr(examples, "__next__")):
        array = inputs.readable(examples, name=name)
        if isinstance(array, np.ndarray):
            return array
        if hasattr(array, "__array__"):  # of another package
            return inputs.readable(np.asarray(array), name=name)
    raise InputError(f"{name} takes an array or a data.Split. Received: {type(examples).__name__}.")
