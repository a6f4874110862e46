"""How many threads the libraries beneath NumPy and scikit-learn take."""

from __future__ import annotations

import contextlib
import functools


@functools.cache
def _pools():
    """The pools of threads, found once: to look through all libraries of a process takes milliseconds."""
    import sklearn.mixture  # noqa: F401  loads every one of them
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def limited(most: int | None = 1) -> contextlib.AbstractContextManager:
    """Limits the threads that matrix products and loops of scikit-learn take.

    Small matrices are the work of one: beside other work, two threads wait for each other twenty times as long as
    they compute.

    Args:
        most: integer, the threads of each library, or None for as many as there are. Default 1.

    Returns:
        Context manager, within which the limit holds.
    """
    return _pools().limit(limits=most)
