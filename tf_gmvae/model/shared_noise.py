"""Noise that all examples share, so that an estimate of one depends on no other, nor on the batch or the call."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

if TYPE_CHECKING:
    from tf_gmvae.model.gmvae import GMVAE


def sampler(model: GMVAE, num_samples: int | None = None) -> Callable[..., tf.Tensor]:
    """What `sampled` of a model takes as its sampler, for one call: noise by NumPy's generator of seed 0.

    Args:
        model: `GMVAE`.
        num_samples: M. Default None: that of the model.

    Returns:
        Function of a mean (B, dim), a log-variance (B, dim) and `num_samples`, which it has no use for, to samples
        (M, B, dim): of x, of w and of the styles of deeper levels, in this order.
    """
    rng = np.random.default_rng(0)
    shape = (model.num_samples if num_samples is None else num_samples, 1)
    sizes = (model.latent_dim, model.style_dim, *model.style_prior.dims)
    noises = iter([rng.standard_normal((*shape, size)).astype("float32") for size in sizes])

    def shared(mean, log_var, num_samples=None):
        return mean + tf.exp(0.5 * log_var) * next(noises)

    return shared
