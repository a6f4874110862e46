"""Samples: of numbers, and of a stream whose length nobody knows."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np


def drawn(num_examples: int, size: int, seed: int | np.random.Generator) -> np.ndarray:
    """Draws numbers of examples, with equal chances.

    Args:
        num_examples: Of all.
        size: Of those that are drawn, at most; all are, if there are no more.
        seed: Integer; the same seed gives the same numbers. Or a NumPy generator, which is drawn from.

    Returns:
        Int64 array, ascending.
    """
    found = np.random.default_rng(seed).choice(num_examples, min(size, num_examples), replace=False)
    found.sort()
    return found


def reservoir(batches: Iterable[np.ndarray], size: int, seed: int) -> tuple[np.ndarray, np.ndarray] | None:
    """Draws examples from a stream in one pass, each with the same chance wherever it stands (Vitter 1985, R).

    Args:
        batches: Iterable of arrays `(B, ...)` of one dtype and of the same shape but for B.
        size: Examples to draw, at most.
        seed: Integer; the same seed and stream give the same sample.

    Returns:
        Pair of the examples, an array `(S, ...)` in the order of the stream, and their numbers in it, int64
        `(S,)`. A stream of no more than `size` examples is returned whole; one of no example as None.
    """
    rng = np.random.default_rng(seed)
    kept, numbers, seen = [], [], 0
    held = None
    for batch in map(np.asarray, batches):
        positions = np.arange(seen, seen + len(batch))
        filling = positions < size
        if filling.any():
            kept.append(batch[filling])
            numbers.append(positions[filling])
        if not filling.all():
            if held is None:
                held, where = np.concatenate(kept), np.concatenate(numbers)
            late = np.flatnonzero(~filling)
            # Number n, counted from 0, takes a place among the first `size` of n + 1; of two that take the same
            # place the later stays, as NumPy assigns in order.
            places = rng.integers(0, positions[late] + 1)
            taken = late[places < size]
            places = places[places < size]
            held[places], where[places] = batch[taken], positions[taken]
        seen += len(batch)
    if not seen:
        return None
    if held is None:
        return np.concatenate(kept), np.concatenate(numbers)
    order = np.argsort(where)
    return held[order], where[order]
