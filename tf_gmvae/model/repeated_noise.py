"""Noise that is the same at every call, also where several threads ask one model."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tf_gmvae.model.gmvae import GMVAE


def alone(model: GMVAE) -> threading.RLock:
    """The lock that a thread holds while it draws from the `evaluation_sampler` of a model.

    Args:
        model: `GMVAE`.
    """
    # Made when it is needed, in one step that no other thread parts: files and copies of a model have none.
    return model.__dict__.setdefault("_drawing", threading.RLock())


@contextlib.contextmanager
def repeated(model: GMVAE) -> Iterator[None]:
    """While the noise of evaluation is drawn from its beginning, and by this thread alone.

    Args:
        model: `GMVAE`.
    """
    with alone(model):
        model.evaluation_sampler.reset()
        yield
