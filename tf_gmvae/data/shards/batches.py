"""Batches of data in shards: which examples are in one follows from its number, and only these are read."""

from __future__ import annotations

import math

import numpy as np
import tensorflow as tf

from tf_gmvae.data.shards.permutation import permuted
from tf_gmvae.data.shards.split import ShardedSplit
from tf_gmvae.errors import InputError, framed


def orders(
    split: ShardedSplit, batch_size: int, shuffle_seed: int | None, num_epochs: int | None, drop_remainder: bool
) -> tf.data.Dataset:
    """The numbers of the examples in every batch.

    Args:
        split: Data in shards.
        batch_size: Examples a batch.
        shuffle_seed: None keeps the order.
        num_epochs: Passes, or None for no end.
        drop_remainder: Whether to leave out the last, smaller batch of each epoch.

    Returns:
        A `tf.data.Dataset` of int64 `(B,)`. To leave out the first n takes no time and no memory.
    """
    size = split.num_examples
    an_epoch = size // batch_size if drop_remainder else math.ceil(size / batch_size)

    def order(number):
        epoch, place = divmod(int(number), an_epoch)
        positions = np.arange(place * batch_size, min((place + 1) * batch_size, size))
        return positions if shuffle_seed is None else permuted(positions, size, (shuffle_seed, epoch))

    def as_tensor(number):
        rows = tf.numpy_function(order, [number], tf.int64, stateful=False)
        return tf.ensure_shape(rows, (batch_size if drop_remainder else None,))

    # TensorFlow counts the numbers of an endless data set, which would take a thousand years.
    numbers = tf.data.Dataset.range(np.iinfo("int64").max if num_epochs is None else num_epochs * an_epoch)
    return numbers.map(as_tensor)


def read(split: ShardedSplit, rows: tf.Tensor, with_labels: bool) -> dict[str, tf.Tensor]:
    """The examples of one batch; within a graph.

    Args:
        split: Data in shards.
        rows: Int64 `(B,)`.
        with_labels: Whether to return labels as well.

    Returns:
        See `ShardedSplit.parsed`.
    """

    def records(numbers):
        try:
            return split.records(numbers)
        except InputError as error:
            raise ValueError(framed(str(error))) from None

    found = tf.numpy_function(records, [rows], tf.string, stateful=False)
    return split.parsed(tf.ensure_shape(found, rows.shape), with_labels)
