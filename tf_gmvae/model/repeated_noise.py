"""Noise that is the same at every call, also where several threads ask one model."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import tensorflow as tf

if TYPE_CHECKING:
    from tf_gmvae.model.gmvae import GMVAE


def repeated(model: GMVAE, function: Callable[[tf.Tensor], Any]) -> Callable[[tf.Tensor], Any]:
    """A function of one batch after the other, whose noise of evaluation begins anew with the first.

    Other calls, of other threads or of what loads the batches, neither change this noise nor see it.

    Args:
        model: `GMVAE`, from whose `evaluation_sampler` the function draws.
        function: function of a batch.

    Returns:
        The same function, for a single pass over data.
    """
    sampler, reached = model.evaluation_sampler, None
    state = sampler.seed_generator.state
    # Made when it is needed, in one step that no other thread parts: files and copies of a model have none.
    lock = model.__dict__.setdefault("_drawing", threading.RLock())

    def drawn(batch: tf.Tensor) -> Any:
        nonlocal reached
        with lock:
            before = state.value.numpy()
            if reached is None:
                sampler.reset()
            else:
                state.assign(reached)
            try:
                return function(batch)
            finally:
                reached = state.value.numpy()
                state.assign(before)

    return drawn
