"""The replicas of a distribution strategy, of which Keras knows nothing."""

import tensorflow as tf


def num_replicas() -> int:
    """Number of replicas in step with this one; 1 outside any distribution strategy."""
    context = tf.distribute.get_replica_context()
    return 1 if context is None else context.num_replicas_in_sync


def replica_number() -> int | tf.Tensor:
    """Which of `num_replicas` this one is, from 0 on: an integer, or a tensor where the graph serves several."""
    return tf.distribute.get_replica_context().replica_id_in_sync_group
