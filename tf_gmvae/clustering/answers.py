"""What a fitted model says of examples, the same of each one whatever others come with it.

Sums of float32 differ in their last digits with the shape of the batch, so batches have one shape, the last one
filled up. Nothing is traced: a search for parameters asks many models, each of them once or twice.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from tf_gmvae import inputs
from tf_gmvae.model import shared_noise
from tf_gmvae.model.gmvae import GMVAE

# Rows, and images, of a batch.
ROWS, IMAGES = 256, 32
# Samples of the latents by which an ELBO is estimated.
SCORE_SAMPLES = 16


def posterior(model: GMVAE, examples: np.ndarray) -> np.ndarray:
    """p(z | y) at the means of x and w.

    Args:
        model: `GMVAE`.
        examples: array (N, ...).

    Returns:
        Float32 array (N, K), rows sum to one.
    """

    def of_batch(batch):
        return tf.exp(model.log_responsibilities(model.encode(batch)))

    return _over_batches(model, examples, of_batch)


def means(model: GMVAE, examples: np.ndarray) -> np.ndarray:
    """Means of q(x | y).

    Args:
        model: `GMVAE`.
        examples: array (N, ...).

    Returns:
        Float32 array (N, D).
    """
    return _over_batches(model, examples, lambda batch: model.encode(batch).x_mean)


def elbos(model: GMVAE, examples: np.ndarray) -> np.ndarray:
    """The evidence lower bound of every example, from 16 samples of the latents whose noise all examples share.

    Args:
        model: `GMVAE`.
        examples: array (N, ...).

    Returns:
        Float32 array (N,), nats.
    """

    def of_batch(batch):
        return model.terms(model.sampled(batch, sampler=shared_noise.sampler(model, SCORE_SAMPLES)))[0].elbo

    return _over_batches(model, examples, of_batch)


def _over_batches(model: GMVAE, examples: np.ndarray, of_batch: Callable[[tf.Tensor], tf.Tensor]) -> np.ndarray:
    if not len(examples):
        raise inputs.no_example()
    inputs.check_data(examples, model)
    size = ROWS if examples.ndim == 2 else IMAGES
    found = []
    for begin in range(0, len(examples), size):
        part = examples[begin : begin + size]
        filled = np.concatenate([part, np.repeat(part[-1:], size - len(part), axis=0)])
        found.append(of_batch(model.examples(filled)).numpy()[: len(part)])
    return np.concatenate(found)
