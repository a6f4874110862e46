"""Batches for training and scoring: shuffled in full, seeded, and exact to resume."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from tf_gmvae.checks import whole_number
from tf_gmvae.data.shards import batches as shard_batches
from tf_gmvae.data.shards.split import ShardedSplit
from tf_gmvae.data.split import ALIGNMENT, Split
from tf_gmvae.errors import InputError

_BINARIZE = ("none", "threshold", "sample")
# What TensorFlow takes in place of a global seed where there is none.
_NO_GLOBAL_SEED = 87654321


def whole_batches(num_examples: int, batch_size: int) -> tuple[int, int]:
    """Batch size and steps of an epoch without a last, smaller batch, as `to_batches(drop_remainder=True)` yields.

    A smaller batch would weigh more in batch normalisation and compile a second step; which examples are left out
    changes every epoch.

    Args:
        num_examples: Of all.
        batch_size: Examples a batch, at most.

    Returns:
        Pair of the examples a batch, all where there are fewer, and the batches of an epoch.
    """
    size = min(batch_size, num_examples)
    return size, num_examples // size


def to_batches(
    split: Split,
    batch_size: int,
    *,
    shuffle_seed: int | None = None,
    num_epochs: int | None = 1,
    skip_batches: int = 0,
    drop_remainder: bool = False,
    binarize: str = "none",
    with_labels: bool = False,
    with_numbers: bool = False,
    share: tuple[int, int] = (0, 1),
) -> tf.data.Dataset:
    """Makes batches of a split.

    The examples come as they are stored, and the model brings them to its scale (`inputs.on_model_scale`): what
    uint8 mean, shades or counts, depends on its likelihood. Only the example numbers are shuffled, batched and
    skipped; the examples stay in memory as they are (uint8 images in a quarter of the space of floats) and are
    gathered a batch at a time, or stay in their shards and are read a batch at a time.

    Args:
        split: A `Split`, in memory or in shards.
        batch_size: Examples a batch.
        shuffle_seed: None keeps the order; a seed >= 0 shuffles all examples anew in each epoch, whatever the
            global seed of TensorFlow is.
        num_epochs: Passes over the data, or None for an endless data set. Batches never span two epochs. Default
            1.
        skip_batches: Batches to leave out at the start, counted over all epochs: a run that is resumed after n
            batches gets with `skip_batches=n` what it would have got without the break. Default 0.
        drop_remainder: Whether to leave out the last, smaller batch of each epoch. Default False.
        binarize: "none"; "threshold" (1 where a pixel is >= 0.5); or "sample" (1 with the pixel as the
            probability, drawn anew in each epoch, from `shuffle_seed`, or 0, and the number of the batch). Both
            take uint8 for shades of 0 to 255. Default "none".
        with_labels: Whether to yield `(batch, labels)`. Default False.
        with_numbers: Whether to yield `(batch, numbers)`, the numbers of the examples in the split. Default False.
        share: Pair of the number of a worker, from 0 on, and of all workers: each gets, of every batch, the part
            that is its own, consecutive and as large as those of the others or, of what does not divide, by one
            example larger or smaller. Default (0, 1): all.

    Returns:
        A `tf.data.Dataset` of batches `(B, ...)` of the dtype of the split, binarized ones float32; with labels
        or numbers, pairs of such a batch and int64 `(B,)`.

    Raises:
        InputError: If an argument is out of its range, labels are asked for that are not there, or examples
            outside [0, 1] are to be binarized.
    """
    batch_size = whole_number("batch_size", batch_size, 1)
    skip_batches = whole_number("skip_batches", skip_batches, 0)
    if num_epochs is not None:
        num_epochs = whole_number("num_epochs", num_epochs, 1)
    if shuffle_seed is not None:
        shuffle_seed = whole_number("shuffle_seed", shuffle_seed, 0)
    if drop_remainder and batch_size > split.num_examples:
        raise InputError(
            f"batch_size must be at most the {split.num_examples} examples of the split, or drop_remainder would "
            f"leave no batch: make it smaller. Received: batch_size={batch_size}."
        )
    if with_labels and not split.has_labels:
        raise InputError("with_labels needs a split with labels: this one has none, so leave with_labels out.")
    if with_labels and with_numbers:
        raise InputError("with_labels and with_numbers exclude each other: leave one out.")
    worker, workers = share
    if not (0 <= worker < workers <= batch_size):
        raise InputError(
            "share must be the number of a worker and of all, which are no more than batch_size examples. "
            f"Received: share={share}, batch_size={batch_size}."
        )
    _check_binarize(split, binarize)

    order: dict[str, Any] = {
        "shuffle_seed": shuffle_seed, "num_epochs": num_epochs, "skip_batches": skip_batches,
        "drop_remainder": drop_remainder, "with_labels": with_labels, "share": share,
    }  # fmt: skip
    if isinstance(split, ShardedSplit):
        batches = shard_batches.numbered(split, batch_size, **order)
    else:
        batches = _numbered(split, batch_size, **order)

    @tf.autograph.experimental.do_not_convert
    def finished(found):
        batch = found["x"]
        if binarize != "none":
            batch = tf.cast(batch, tf.float32) / (255.0 if batch.dtype == tf.uint8 else 1.0)
        if binarize == "threshold":
            batch = tf.cast(batch >= 0.5, tf.float32)
        elif binarize == "sample":
            seed = tf.stack([tf.constant(shuffle_seed or 0, tf.int64), found["number"]])
            # Of the whole batch, however it is shared. The draw is in [0, 1), so a pixel of 1 is always on and a
            # pixel of 0 never.
            size = found["size"]
            drawn = tf.random.stateless_uniform(tf.concat([[size], tf.shape(batch, tf.int64)[1:]], axis=0), seed)
            begin, end = shard_batches.bounds(share, size)
            batch = tf.cast(drawn[begin:end] < batch, tf.float32)
        if with_numbers:
            return batch, found["rows"]
        return (batch, found["label"]) if with_labels else batch

    return _ready(batches.map(finished))


def rows_of(*arrays: np.ndarray) -> Callable[..., Any]:
    """What turns batches of (examples, numbers) into batches of the examples and their rows of arrays.

    Args:
        *arrays: arrays (N, ...).

    Returns:
        Function for `tf.data.Dataset.map`, of what `to_batches` yields with `with_numbers`.
    """
    return tf.autograph.experimental.do_not_convert(
        lambda examples, numbers: (examples, *(tf.gather(rows, numbers) for rows in arrays))
    )


def _numbered(
    split, batch_size, *, shuffle_seed, num_epochs, skip_batches, drop_remainder, with_labels, share
):  # fmt: skip
    """Batches of a split in memory; see `shards.batches.numbered`."""
    examples = _as_tensor(split.examples)
    with tf.device("CPU:0"):
        labels = tf.convert_to_tensor(split.labels) if with_labels else None
    indices = tf.data.Dataset.range(split.num_examples)
    if shuffle_seed is not None:
        indices = _shuffled(indices, split.num_examples, shuffle_seed)
    orders = indices.batch(batch_size, drop_remainder=drop_remainder).repeat(num_epochs)

    @tf.autograph.experimental.do_not_convert
    def gather(number, rows):
        size = tf.size(rows, tf.int64)
        begin, end = shard_batches.bounds(share, size)
        rows = rows[begin:end]
        found = {"number": number, "size": size, "rows": rows, "x": tf.gather(examples, rows)}
        return {**found, "label": tf.gather(labels, rows)} if with_labels else found

    return orders.enumerate().skip(skip_batches).map(gather)


def _shuffled(indices, count, seed):
    """`indices.shuffle(count, seed)` as it is where no global seed is set, which would change its order."""
    found = tf.raw_ops.ShuffleDatasetV3(
        input_dataset=tf.data.experimental.to_variant(indices), buffer_size=count, seed=_NO_GLOBAL_SEED,
        seed2=seed % (2**31 - 1), seed_generator=tf.raw_ops.DummySeedGenerator(), output_types=[tf.int64],
        output_shapes=[[]], reshuffle_each_iteration=True,
    )  # fmt: skip
    return tf.data.experimental.from_variant(found, indices.element_spec)


def array_batches(array: np.ndarray, batch_size: int) -> tf.data.Dataset:
    """Makes batches of an array as it is and in its order, for one pass.

    Args:
        array: `(N, ...)`, N >= 1.
        batch_size: Examples a batch.

    Returns:
        A `tf.data.Dataset` of batches `(B, ...)` of the array's dtype.
    """
    with tf.device("CPU:0"):
        return _ready(tf.data.Dataset.from_tensor_slices(array).batch(batch_size))


def _ready(dataset):
    """Prefetched, in the same order under every strategy, and not tuned: the pipelines here are fast as they are.

    The end of every pass over a data set waits for TensorFlow's tuner, which sleeps for up to its whole period:
    seconds, where a pass takes seconds.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    # Dealing a data set out among the workers of a strategy rewrites it, and its seeds with it.
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
    return dataset.prefetch(2).with_options(options)


def _as_tensor(examples):
    """On the CPU (the whole split has no place on an accelerator), and without a copy where that is possible."""
    if examples.flags.writeable and examples.ctypes.data % ALIGNMENT == 0:
        return tf.experimental.dlpack.from_dlpack(examples.__dlpack__())
    with tf.device("CPU:0"):
        return tf.convert_to_tensor(examples)


def _check_binarize(split, binarize):
    if binarize not in _BINARIZE:
        raise InputError(f"binarize must be one of {', '.join(_BINARIZE)}. Received: binarize={binarize!r}.")
    if binarize == "none" or split.dtype == np.uint8:
        return
    low, high = split.extremes
    if low < 0 or high > 1:
        raise InputError(
            f"binarize={binarize!r} needs examples in [0, 1]: scale them or use binarize='none'. Received: "
            f"examples from {low:g} to {high:g}."
        )
