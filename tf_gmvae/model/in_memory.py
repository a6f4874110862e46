"""Arrays as `fit` trains on them: in an order that follows from the model's seed, and some held out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tf_gmvae import inputs
from tf_gmvae.data.pipeline import rows_of, to_batches
from tf_gmvae.data.split import Split
from tf_gmvae.errors import InputError
from tf_gmvae.optimizer import steps_taken

# Instead of the sizes of an array, where a model has been trained on what is none.
OTHER_DATA = (0, 0, 0)


def seeded_batches(
    examples: np.ndarray, assignments: Any, batch_size: int, seed: int, num_begun: int
) -> tuple[tf.data.Dataset, int]:
    """Batches without an end, in another order in every epoch. Keras would draw the order from no seed.

    Args:
        examples: array (N, ...), whose values have been checked.
        assignments: array (N, K) that stands beside the examples, or None.
        batch_size: integer.
        seed: integer.
        num_begun: integer, steps that the model has taken: a second `fit` goes on where the first has ended.

    Returns:
        Pair of a data set of examples, or (examples, assignments), and the number of its batches an epoch.

    Raises:
        InputError: if the examples do not have an assignment each.
    """
    beside = assignments is not None
    stored = examples if examples.dtype == np.uint8 else examples.astype("float32", copy=False)
    batches = to_batches(
        Split(stored, missing=True), batch_size, shuffle_seed=seed, num_epochs=None, skip_batches=num_begun,
        with_numbers=beside,
    )  # fmt: skip
    if beside:
        given = np.asarray(assignments)
        if len(given) != len(examples):
            raise InputError(
                f"Each example must have its assignments. Received: {len(examples)} examples and assignments of "
                f"shape {given.shape}."
            )
        batches = batches.map(rows_of(given))
    return batches, math.ceil(len(examples) / batch_size)


def num_begun(
    model: keras.Model, callbacks: Sequence[keras.callbacks.Callback], num_examples: int, batch_size: int
) -> int:
    """Batches that a model has seen, after what Keras' `BackupAndRestore` puts back.

    Args:
        model: compiled model, built where there is such a callback.
        callbacks: list of those of its `fit`, which restore it once more, to the same.
        num_examples: integer, N of the array that comes next.
        batch_size: integer, of it.

    Returns:
        Integer; after arrays of other sizes the next whole epoch, so that none of the new examples is left out.
    """
    for callback in callbacks:
        if isinstance(callback, keras.callbacks.BackupAndRestore):
            callback.set_model(model)
            callback.on_train_begin()
    accumulated = getattr(model.optimizer, "gradient_accumulation_steps", None) or 1
    begun = steps_taken(model.optimizer) * accumulated
    *sizes, ahead = model.last_arrays or (num_examples, batch_size, 0)
    if sizes != [num_examples, batch_size]:
        steps = math.ceil(num_examples / batch_size)
        ahead = -begun % steps
    model.last_arrays = num_examples, batch_size, ahead
    return begun + ahead


def held_out(examples: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray]:
    """The last examples, apart from those to train on.

    Args:
        examples: array (N, ...).
        share: float in (0, 1), the part of them that is held out.

    Returns:
        Pair of those to train on, and those held out.

    Raises:
        InputError: if one of the two would be empty.
    """
    first = math.floor(len(examples) * (1.0 - share))
    if not 0 < first < len(examples):
        raise InputError(
            f"validation_split must leave examples to train on, and some to validate on. Received: "
            f"validation_split={share!r} of {len(examples)} examples."
        )
    return examples[:first], examples[first:]


def examples_alone(data: Any) -> Any:
    """The examples of what may be (examples, labels), as Keras takes it for `validation_data`.

    Args:
        data: what `fit` takes as `validation_data`.

    Returns:
        What `inputs.readable` reads.

    Raises:
        InputError: if weights stand beside them.
    """
    is_pair = isinstance(data, tuple) or (isinstance(data, list) and any(hasattr(part, "shape") for part in data))
    if not is_pair:
        return data
    examples, _, weights = keras.utils.unpack_x_y_sample_weight(tuple(data))
    if weights is not None:
        raise inputs.no_weights("sample_weight")
    return examples
