"""The terms of the ELBO, and what is held on to beside them, compiled by XLA, for many components and samples.

They are elementwise work on tensors (M, B, K, D): as single operations, each reads and writes memory once
and keeps its result for the gradient. XLA makes one loop of them, and the gradient computes them again
rather than keep them. Compiling takes a second or two, so the small cases go without.
"""

import functools
import inspect
from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import keras
import tensorflow as tf

from tf_gmvae import objective

# M K D from which on it pays: below, XLA's own 100 MiB and seconds outweigh the few per cent of a step that it
# saves. The MNIST networks (D = 200) reach it at K = 30, M = 10 and at K = 250, M = 1.
WORTHWHILE = 50_000

Arguments = ParamSpec("Arguments")
Terms = TypeVar("Terms")


def _where_worthwhile(function: Callable[Arguments, Terms]) -> Callable[Arguments, Terms]:
    """The same values and gradients within float32 rounding; `means` (M, B, K, D) are one of the arguments."""
    signature, plain = inspect.signature(function), cast(Callable[..., Terms], function)

    @functools.wraps(function)
    def chosen(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Terms:
        arguments = signature.bind(*args, **kwargs).arguments
        # Uniform weights are None, of which a custom gradient knows nothing.
        tensors = {name: value for name, value in arguments.items() if value is not None}
        samples, _, components, dimensions = tensors["means"].shape
        if samples * components * dimensions < WORTHWHILE:
            return plain(**tensors)

        @tf.custom_gradient
        def terms(*flat):
            packed = keras.tree.pack_sequence_as(tensors, flat)
            return _forwards(plain, packed), lambda *upstream: _backwards(plain, packed, upstream)

        return terms(*keras.tree.flatten(tensors))

    del chosen.__wrapped__  # which autograph would call instead
    return chosen


@tf.function(jit_compile=True, autograph=False)
def _forwards(function, tensors):
    return function(**tensors)


@tf.function(jit_compile=True, autograph=False)
def _backwards(function, tensors, upstream):
    with tf.GradientTape() as tape:
        flat = keras.tree.flatten(tensors)
        tape.watch(flat)
        terms = keras.tree.flatten(function(**tensors))
    return tape.gradient(terms, flat, list(upstream))


elbo_terms = _where_worthwhile(objective.elbo_terms)
held_terms = _where_worthwhile(objective.held_terms)
