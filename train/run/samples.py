"""Parts of data that may be larger than the memory: a sample of them, or all, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from tf_gmvae.data.shards.split import ShardedSplit
from tf_gmvae.data.split import Split
from tf_gmvae.sampling import drawn

# Examples of a sample, and the bytes that they take at most.
EXAMPLES, BYTES = 60_000, 2**28
# Examples that are in memory at a time where all are looked at.
CHUNK = 16_384


def in_memory(split: Split, seed: int) -> Split:
    """A split as it is if it is in memory, else a sample of it.

    Args:
        split: `Split`.
        seed: of the draw.

    Returns:
        `Split` in memory: of shards at most `EXAMPLES` examples of `BYTES`, in their order; their ids are as in
        `chunks`.
    """
    if not isinstance(split, ShardedSplit):
        return split
    bytes_each = int(np.prod(split.data_shape)) * split.dtype.itemsize
    size = min(split.num_examples, EXAMPLES, max(1, BYTES // bytes_each))
    return _known(split, drawn(split.num_examples, size, seed))


def chunks(split: Split) -> Iterator[Split]:
    """A split in memory as it is, one in shards part by part.

    Args:
        split: `Split`.

    Yields:
        `Split` in memory; those of shards have ids, which are the numbers of their examples where there are no
        others.
    """
    if not isinstance(split, ShardedSplit):
        yield split
        return
    for begin in range(0, split.num_examples, CHUNK):
        numbers = np.arange(begin, min(begin + CHUNK, split.num_examples))
        yield _known(split, numbers)


def _known(split, numbers):
    """Some examples, by their ids or else by their numbers among all."""
    part = split.take(numbers)
    return part if part.ids is not None else replace(part, ids=numbers.astype(str))
