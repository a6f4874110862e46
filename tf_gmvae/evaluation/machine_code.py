"""UMAP without its half minute of compilation: what Numba makes of functions is kept for the next process."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any


@contextlib.contextmanager
def kept() -> Iterator[None]:
    """What `numba.njit`, `jit` and `vectorize` decorate meanwhile is compiled once on a machine, not per process.

    Numba keeps it beside the source files, or in the user's folder for caches where it may not write there, and
    compiles anew when a file or the processor is another; NUMBA_CACHE_DIR names another folder. Where it may write
    nowhere, nothing is kept, not even what asks for it. What says that it is not to be kept is left as it is.
    """
    import numba

    before = numba.njit, numba.jit, numba.vectorize
    numba.njit, numba.jit, numba.vectorize = (_keeping(decorator) for decorator in before)
    try:
        yield
    finally:
        numba.njit, numba.jit, numba.vectorize = before


def _keeping(decorator: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(decorator)
    def decorate(*arguments: Any, **options: Any) -> Any:
        if arguments and callable(arguments[0]):
            return decorate(*arguments[1:], **options)(arguments[0])
        plain, keeping = (decorator(*arguments, **{**options, "cache": keeps}) for keeps in (False, True))
        if options.get("cache") is False:
            return plain

        def compiled(function: Callable[..., Any]) -> Any:
            try:
                return keeping(function)
            except RuntimeError:  # there is no folder to keep it in
                return plain(function)

        return compiled

    return decorate
