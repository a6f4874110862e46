"""Refusals within the graph: the sentence that a client gets with the status INVALID_ARGUMENT."""

import tensorflow as tf

from tf_gmvae.errors import MARK


def require(good: tf.Tensor, *parts: str | tf.Tensor) -> tf.Operation:
    """An operation that fails with a sentence unless a condition holds.

    Args:
        good: boolean tensor ().
        *parts: texts or string tensors (), which make the sentence in this order.

    Returns:
        The operation, for `tf.control_dependencies`.
    """
    return tf.debugging.Assert(good, [tf.strings.join([MARK, *parts])])
