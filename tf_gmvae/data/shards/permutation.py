"""A shuffle of which any part can be computed without the rest: no array of all numbers is held."""

from __future__ import annotations

import numpy as np

_ROUNDS = 6
# Multipliers of Steele, Lea & Flood (2014), "Fast splittable pseudorandom number generators", SplitMix64.
_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


def permuted(positions: np.ndarray, size: int, seed: tuple[int, ...]) -> np.ndarray:
    """Which numbers stand at some positions of a permutation of 0 to `size` - 1.

    A Feistel network (Luby & Rackoff, 1988) permutes the numbers below the next power of four; what it puts beyond
    `size` goes through it again, until it is below (Black & Rogaway, 2002).

    Args:
        positions: `(P,)` int64, each from 0 to `size` - 1.
        size: Integer, at least 1.
        seed: Integers >= 0 that decide the permutation.

    Returns:
        `(P,)` int64.
    """
    keys = np.random.SeedSequence(seed).generate_state(_ROUNDS, np.uint64)
    half_bits = np.uint64(max(1, (max(size - 1, 1).bit_length() + 1) // 2))
    numbers = positions.astype(np.uint64)
    beyond = np.arange(len(numbers))
    while len(beyond):
        numbers[beyond] = _network(numbers[beyond], half_bits, keys)
        beyond = beyond[numbers[beyond] >= size]
    return numbers.astype(np.int64)


def _network(numbers, half_bits, keys):
    mask = (np.uint64(1) << half_bits) - np.uint64(1)
    left, right = numbers >> half_bits, numbers & mask
    for key in keys:
        left, right = right, left ^ (_hashed(right ^ key) & mask)
    return (left << half_bits) | right


def _hashed(values):
    for shift, factor in zip((30, 27), _MIX, strict=True):
        values = (values ^ (values >> np.uint64(shift))) * factor  # modulo 2^64, as arrays of NumPy are
    return values ^ (values >> np.uint64(31))
