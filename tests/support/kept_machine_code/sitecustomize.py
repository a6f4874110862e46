"""Numba keeps on disk what it compiles for UMAP, which otherwise takes every process of the tests half a minute.

Python imports this file at its start where its folder is on the path; NUMBA_CACHE_DIR says where the code is kept.
"""

import functools
import importlib.abc
import importlib.util
import sys


class _BeforeUmap(importlib.abc.MetaPathFinder):
    """Waits for the first import of UMAP or of its neighbour search, so that no other process loads Numba."""

    def find_spec(self, name, path=None, target=None):
        if name not in ("umap", "pynndescent"):
            return None
        sys.meta_path.remove(self)
        import numba

        numba.njit, numba.jit = _kept(numba.njit), _kept(numba.jit)
        return importlib.util.find_spec(name)


def _kept(decorator):
    @functools.wraps(decorator)
    def decorate(*arguments, **options):
        return decorator(*arguments, **{"cache": True, **options})

    return decorate


sys.meta_path.insert(0, _BeforeUmap())
