"""How many threads the libraries beneath NumPy and scikit-learn take."""

from __future__ import annotations

import contextlib
import functools
import sys


@functools.lru_cache(maxsize=1)
def _pools(num_modules):
    """The pools of threads of all libraries that have come with so many modules."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def limited(most: int | None = 1) -> contextlib.AbstractContextManager:
    """Limits the threads that matrix products and loops of scikit-learn take.

    Small matrices are the work of one: beside other work, two threads wait for each other twenty times as long as
    they compute. Import what is to be limited before: a library of which nothing is loaded yet has no limit.

    Args:
        most: integer, the threads of each library, or None for as many as there are. Default 1.

    Returns:
        Context manager, within which the limit holds.
    """
    # To look through all libraries of a process takes milliseconds, and most mixtures and k-means fewer.
    return _pools(len(sys.modules)).limit(limits=most)
