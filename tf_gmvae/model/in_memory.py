"""Arrays and shards as `fit` trains on them: in an order that follows from the model's seed, and some held out."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from layers import keras_private
from tf_gmvae import inputs
from tf_gmvae.data.pipeline import rows_of, to_batches
from tf_gmvae.data.shards.split import ShardedSplit
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


class Counted(keras.callbacks.Callback):
    """Counts the batches that `fit` takes from an array, and keeps on the model how far it has come.

    An optimizer does not count the batches whose gradients overflowed in half precision, nor those behind the last
    whole number of gradients that it gathers.

    Args:
        num_begun: integer, batches that the model has seen before.
    """

    def __init__(self, num_begun: int) -> None:
        super().__init__()
        self._before, self._within = num_begun, 0

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Counts."""
        self._within = batch + 1

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Goes on to the next epoch."""
        self._before, self._within = self._before + self._within, 0

    def seen(self) -> int:
        """Batches up to now."""
        return self._before + self._within


def record(model: keras.Model) -> None:
    """Brings `last_arrays` of a model up to date, while it is trained on an array.

    Args:
        model: compiled model.
    """
    if model.batches_seen is not None:
        *sizes, _ = model.last_arrays
        model.last_arrays = *sizes, model.batches_seen.seen() - _counted_by(model.optimizer)


@contextlib.contextmanager
def recorded(model: keras.Model) -> Iterator[None]:
    """While a model is trained: how far it has come is kept, however the training ends.

    Args:
        model: compiled model.
    """
    try:
        yield
    finally:
        record(model)
        model.batches_seen = None


def num_begun(
    model: keras.Model,
    callbacks: Sequence[keras.callbacks.Callback],
    num_examples: int,
    batch_size: int,
    steps_per_epoch: int | None = None,
) -> int:
    """Batches that a model has seen, after what Keras' `BackupAndRestore` puts back.

    Args:
        model: compiled model, as in `put_back`.
        callbacks: list, as in `put_back`.
        num_examples: integer, N of the array that comes next.
        batch_size: integer, of it.
        steps_per_epoch: integer, as `fit` was given it. Default None: an epoch is a pass over the array.

    Returns:
        Integer; after arrays of other sizes the next whole epoch, so that none of the new examples is left out.
    """
    *sizes, ahead = model.last_arrays or (num_examples, batch_size, 0)
    steps, before = math.ceil(num_examples / batch_size), _counted_by(model.optimizer)
    backups = put_back(model, callbacks)
    begun = _counted_by(model.optimizer)
    is_at_an_end = sizes != [num_examples, batch_size]
    # Their files do not tell how many batches the optimizer had not counted, where it leaves some out.
    is_whole = steps_per_epoch is None and any(backup.save_freq == "epoch" for backup in backups)
    is_at_an_end |= begun != before and is_whole and _leaves_out(model.optimizer)
    if is_at_an_end:
        ahead = -begun % steps
    model.last_arrays = num_examples, batch_size, ahead
    return begun + ahead


def put_back(
    model: keras.Model, callbacks: Sequence[keras.callbacks.Callback]
) -> list[keras.callbacks.BackupAndRestore]:
    """Has Keras' `BackupAndRestore` put back what it keeps, before the batches that go on from there are made.

    Args:
        model: compiled model, built where there is such a callback.
        callbacks: list of those of its `fit`, which restore it once more, to the same.

    Returns:
        List of those that are such ones.
    """
    # Else Keras would begin every later `fit` at the epoch that was put back in this one.
    keras_private.forget_first_epoch(model)
    backups = [callback for callback in callbacks if isinstance(callback, keras.callbacks.BackupAndRestore)]
    for backup in backups:
        backup.set_model(model)
        backup.on_train_begin()
    return backups


def _counted_by(optimizer):
    """Batches, as far as an optimizer has counted them."""
    return steps_taken(optimizer) * _gathered(optimizer)


def _gathered(optimizer):
    inner = getattr(optimizer, "inner_optimizer", optimizer)  # of one that scales the loss
    return getattr(inner, "gradient_accumulation_steps", None) or 1


def _leaves_out(optimizer):
    """Whether there are batches that it does not count."""
    return hasattr(optimizer, "inner_optimizer") or _gathered(optimizer) > 1


def without_end(
    split: ShardedSplit, batch_size: int, seed: int, options: dict[str, Any]
) -> tuple[tf.data.Dataset, None, dict[str, Any]]:
    """Shards in an order that is another one in every epoch, as that of arrays is.

    Args:
        split: `ShardedSplit`.
        batch_size: integer.
        seed: integer.
        options: dict of further arguments of `fit`.

    Returns:
        Data set of batches, and the batch size and options that go with it.
    """
    steps = options.get("steps_per_epoch") or math.ceil(split.num_examples / batch_size)
    batches = to_batches(
        split, batch_size, shuffle_seed=seed, num_epochs=None, skip_batches=steps * options.get("initial_epoch", 0)
    )
    return batches, None, {**options, "steps_per_epoch": steps}


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
    return inputs.without_weights(tuple(data))[0]
