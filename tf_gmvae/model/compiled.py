"""The terms of the ELBO, compiled by XLA, for many components and samples.

They are elementwise work on tensors (M, B, K, D): as single operations, each reads and writes memory once
and keeps its result for the gradient. XLA makes one loop of them, and the gradient computes them again
rather than keep them. Compiling takes a second or two, so the small cases go without.
"""

from typing import Any

import keras
import tensorflow as tf

from tf_gmvae import objective

# M K D from which on it pays: below, XLA's own 100 MiB and seconds outweigh the few per cent of a step that it
# saves. The MNIST networks (D = 200) reach it at K = 30, M = 10 and at K = 250, M = 1.
WORTHWHILE = 50_000


def elbo_terms(*tensors: Any) -> objective.ElboTerms:
    """`objective.elbo_terms`, the same values and gradients within float32 rounding.

    Args:
        *tensors: of `objective.elbo_terms`.

    Returns:
        `objective.ElboTerms` of tensors (B,), nats.
    """
    samples, _, components, dimensions = tensors[5].shape  # of the log-variances
    if samples * components * dimensions < WORTHWHILE:
        return objective.elbo_terms(*tensors)

    @tf.custom_gradient
    def terms(*flat):
        structured = keras.tree.pack_sequence_as(tensors, flat)
        return tuple(_forwards(*structured)), lambda *upstream: _backwards(structured, upstream)

    return objective.ElboTerms(*terms(*keras.tree.flatten(tensors)))


_forwards = tf.function(objective.elbo_terms, jit_compile=True, autograph=False)


@tf.function(jit_compile=True, autograph=False)
def _backwards(tensors, upstream):
    with tf.GradientTape() as tape:
        flat = keras.tree.flatten(tensors)
        tape.watch(flat)
        terms = objective.elbo_terms(*tensors)
    return tape.gradient(list(terms), flat, list(upstream))
