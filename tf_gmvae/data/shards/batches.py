"""Batches of data in shards: which examples are in one follows from its number, and only these are read."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import tensorflow as tf

from tf_gmvae.data.shards.permutation import permuted
from tf_gmvae.data.shards.split import ShardedSplit
from tf_gmvae.errors import InputError, framed

# Records that are asked for at once, about: files are looked into for several batches together.
READ = 1024
# Such readings side by side, and those that wait.
PARALLEL, WAITING = 2, 1


def bounds(share: tuple[int, int], size: Any) -> tuple[Any, Any]:
    """Where the part of a batch begins and ends that is a worker's own.

    Args:
        share: As in `to_batches`.
        size: Examples of the whole batch, an integer or an integer tensor.

    Returns:
        Pair of such numbers.
    """
    worker, workers = share
    return worker * size // workers, (worker + 1) * size // workers


def numbered(
    split: ShardedSplit,
    batch_size: int,
    *,
    shuffle_seed: int | None,
    num_epochs: int | None,
    skip_batches: int,
    drop_remainder: bool,
    with_labels: bool,
    share: tuple[int, int],
) -> tf.data.Dataset:
    """Batches as they are stored; to leave out the first takes no time and no memory.

    Args:
        split: Data in shards.
        batch_size: As in `to_batches`, as are all that follow.
        shuffle_seed: Integer or None.
        num_epochs: Integer or None.
        skip_batches: Integer.
        drop_remainder: Bool.
        with_labels: Bool.
        share: Pair of integers.

    Returns:
        A `tf.data.Dataset` of dicts: "number" of the batch, int64; "size" of the whole batch, int64; "rows", the
        numbers of the examples of this share, int64 `(B,)`; "x", `(B, ...)`, and maybe "label".
    """
    size = split.num_examples
    an_epoch = size // batch_size if drop_remainder else math.ceil(size / batch_size)
    at_once = max(1, READ // batch_size)
    readings = math.ceil(an_epoch / at_once)
    skipped_epochs, skipped = divmod(skip_batches, an_epoch)
    skipped_readings, skipped = divmod(skipped, at_once)

    # A data set that ends begins anew in every epoch of Keras: the first time with its first epoch, and then with
    # those that follow. Where it never ends, or is in order, nothing counts.
    is_counted = shuffle_seed is not None and num_epochs is not None
    times = itertools.count()

    @tf.autograph.experimental.do_not_convert
    def readings_of_a_time(_):
        time = tf.constant(0, tf.int64)
        if is_counted:
            time = tf.numpy_function(lambda: np.int64(next(times)), [], tf.int64)
        with_time = tf.autograph.experimental.do_not_convert(lambda reading: (time, reading))
        return tf.data.Dataset.range(begin, max(begin, end)).map(with_time)

    def order(time, reading):
        epoch, reading = divmod(int(reading), readings)
        epoch += int(time) * (num_epochs or 0)
        first, last = reading * at_once, min((reading + 1) * at_once, an_epoch)
        rows = np.arange(first * batch_size, min(last * batch_size, size))
        if shuffle_seed is not None:
            rows = permuted(rows, size, (shuffle_seed, epoch))
        whole = [rows[begin : begin + batch_size] for begin in range(0, len(rows), batch_size)]
        own = [part[slice(*bounds(share, len(part)))] for part in whole]
        numbers = epoch * an_epoch + np.arange(first, last)
        ends = np.cumsum([len(part) for part in own])
        return numbers, np.array([len(part) for part in whole]), ends, np.concatenate(own)

    def records(rows):
        try:
            return split.records(rows)
        except InputError as error:
            raise ValueError(framed(str(error))) from None

    @tf.autograph.experimental.do_not_convert
    def read(time, reading):
        numbers, sizes, ends, rows = tf.numpy_function(order, [time, reading], [tf.int64] * 4, stateful=False)
        found = tf.numpy_function(records, [rows], tf.string, stateful=False)
        rows = tf.ensure_shape(rows, (None,))
        return numbers, sizes, ends, {"rows": rows, **split.parsed(tf.ensure_shape(found, (None,)), with_labels)}

    @tf.autograph.experimental.do_not_convert
    def one_by_one(numbers, sizes, ends, found):
        first, last = bounds(share, batch_size)
        length = last - first if drop_remainder else None

        @tf.autograph.experimental.do_not_convert
        def batch(index):
            begin = tf.where(index > 0, ends[index - 1], 0)
            parts = {name: values[begin : ends[index]] for name, values in found.items()}
            parts = {name: tf.ensure_shape(part, (length, *part.shape[1:])) for name, part in parts.items()}
            return {"number": numbers[index], "size": sizes[index], **parts}

        return tf.data.Dataset.range(tf.size(numbers, tf.int64)).map(batch)

    begin = skipped_epochs * readings + skipped_readings
    # TensorFlow counts the readings of an endless data set, which would take a thousand years.
    end = np.iinfo("int64").max if num_epochs is None else num_epochs * readings
    found = tf.data.Dataset.range(1).flat_map(readings_of_a_time).map(read, num_parallel_calls=PARALLEL)
    batches = found.prefetch(WAITING).flat_map(one_by_one).skip(skipped)
    left = tf.data.INFINITE_CARDINALITY if num_epochs is None else max(0, num_epochs * an_epoch - skip_batches)
    return batches.apply(tf.data.experimental.assert_cardinality(left))
