"""Arrays and shards as `fit` trains on them: in an order that follows from the model's seed, and some held out."""

from __future__ import annotations

import contextlib
import math
import random
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
    examples: np.ndarray | ShardedSplit, assignments: Any, batch_size: int, seed: int | None, num_begun: int
) -> tuple[tf.data.Dataset, int]:
    """Batches without an end, in another order in every epoch. Keras would draw the order from no seed.

    Args:
        examples: array (N, ...), whose values have been checked, or `ShardedSplit` of N.
        assignments: array (N, K) that stands beside the examples, or None.
        batch_size: integer.
        seed: integer; None keeps the order of the examples.
        num_begun: integer, steps that the model has taken: a second `fit` goes on where the first has ended.

    Returns:
        Pair of a data set of examples, or (examples, assignments), and the number of its batches an epoch.

    Raises:
        InputError: if the examples do not have an assignment each.
    """
    beside = assignments is not None
    if isinstance(examples, ShardedSplit):
        split: Split = examples
    else:
        stored = examples if examples.dtype == np.uint8 else examples.astype("float32", copy=False)
        split = Split(stored, missing=True)
    count = split.num_examples
    batches = to_batches(
        split, batch_size, shuffle_seed=seed, num_epochs=None, skip_batches=num_begun, with_numbers=beside
    )
    if beside:
        given = np.asarray(assignments)
        if len(given) != count:
            raise InputError(
                f"Each example must have its assignments. Received: {count} examples and assignments of "
                f"shape {given.shape}."
            )
        batches = batches.map(rows_of(given))
    return batches, math.ceil(count / batch_size)


def seed_of_order(seed: int | None) -> int:
    """The seed by which the order of shards is drawn.

    Args:
        seed: integer, the model's, or None.

    Returns:
        The seed itself; for None another one each time, which follows `keras.utils.set_random_seed`.
    """
    return random.randrange(2**31) if seed is None else seed


class Counted(keras.callbacks.Callback):
    """Counts the batches that `fit` takes from an array or shards, and keeps on the model how far it has come.

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
    examples: np.ndarray | ShardedSplit,
    batch_size: int,
    steps_per_epoch: int | None = None,
) -> int:
    """Batches that a model has seen, after what Keras' `BackupAndRestore` puts back.

    Args:
        model: compiled model, as in `put_back`.
        callbacks: list, as in `put_back`.
        examples: array or `ShardedSplit` that comes next.
        batch_size: integer, of it.
        steps_per_epoch: integer, as `fit` was given it. Default None: an epoch is a pass over the array.

    Returns:
        Integer; after arrays of other sizes the next whole epoch, so that none of the new examples is left out.
    """
    num_examples = examples.num_examples if isinstance(examples, ShardedSplit) else len(examples)
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
