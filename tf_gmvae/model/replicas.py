"""Steps and means of a batch that are the same however many replicas share the batch."""

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import tensorflow as tf

from layers.replicas import num_replicas
from tf_gmvae.checks import check_sizes
from tf_gmvae.errors import InputError
from tf_gmvae.model.part import Part


class KeepsOrder(Part):
    """Keras models that are built before they train, and see their data in one order under any strategy."""

    # Of the array that `fit` was given last: examples, batch size, and how far its order is ahead of the steps.
    # None where nothing is known: steps that were taken are then believed to be on the array that comes.
    last_arrays: tuple[int, int, int] | None = None
    # Counts the batches while `fit` trains on an array, an `in_memory.Counted`.
    batches_seen: Any = None

    def make_train_function(self, force: bool = False) -> Callable:
        """See `keras.Model.make_train_function`.

        Keras reduces what a step returns across the workers, value for value, and fails on scalars. Here a step
        returns the same on all replicas, so that there is nothing to reduce.
        """
        strategy = self.distribute_strategy
        if not self._is_one_of_workers():
            return super().make_train_function(force)
        if self.train_function is None or force:

            def first(result):
                return strategy.experimental_local_results(result)[0]

            def step(iterator):
                return keras.tree.map_structure(first, strategy.run(self.train_step, args=(next(iterator),)))

            self.train_function: Callable | None = tf.function(step, reduce_retracing=True, autograph=False)
        return self.train_function

    def _is_one_of_workers(self):
        return isinstance(self.distribute_strategy, tf.distribute.MultiWorkerMirroredStrategy)

    def _maybe_symbolic_build(self, *args: Any, **kwargs: Any) -> None:
        # Under a strategy alone, Keras takes a first batch to build by, and with it the order of what follows.
        if not self.built:
            super()._maybe_symbolic_build(*args, **kwargs)


def in_scope(build: Callable[[Any, tuple[int | None, ...]], None]) -> Callable[..., None]:
    """A `build` whose variables are of the strategy that the model was made under, wherever it is called.

    Args:
        build: method of a Keras model, which takes an input shape.

    Returns:
        Method with the same argument.
    """

    @functools.wraps(build)
    def within(model, input_shape):
        strategy = model.distribute_strategy
        if strategy is tf.distribute.get_strategy():
            return build(model, input_shape)
        with strategy.scope():
            return build(model, input_shape)

    return within


def check_steps(model: keras.Model, optimizer: keras.Optimizer | str, steps_per_execution: int | None) -> None:
    """Refuses what is no number of steps, and what TensorFlow cannot do where several replicas take them together.

    Args:
        model: Keras model, of one replica or more.
        optimizer: Keras optimizer, or its name.
        steps_per_execution: integer or None, as `keras.Model.compile` takes it.

    Raises:
        InputError: if it is neither, or if several replicas are to take several steps at once, or to gather their
            gradients over several.
    """
    check_sizes(steps_per_execution=steps_per_execution)
    if model.distribute_strategy.num_replicas_in_sync == 1:
        return
    accumulated = getattr(optimizer, "gradient_accumulation_steps", None)
    several = {"steps_per_execution": steps_per_execution, "gradient_accumulation_steps": accumulated}
    for name, value in several.items():
        if value not in (None, 1):
            raise InputError(
                f"Several devices take one step after the other. Received: {name}={value!r}: leave it out, or "
                "train on one device."
            )


def once_there(data: Any) -> contextlib.AbstractContextManager[None]:
    """Has all that is computed within it wait for a batch.

    Where data of unknown length have ended, Keras takes one more step, which fails for want of a batch. What needs
    none would be done all the same: steps would be counted, and noise drawn, that no example has seen.

    Args:
        data: what the data set yields.

    Returns:
        Context manager.
    """
    return tf.control_dependencies([part for part in keras.tree.flatten(data) if tf.is_tensor(part)])


def take_step(
    optimizer: keras.Optimizer,
    weights: Sequence[keras.Variable],
    loss_and_rest: Callable[[], tuple[tf.Tensor, Any]],
) -> tuple[tf.Tensor, Any]:
    """One step of an optimizer, the same however many replicas share the batch, and at any precision.

    Args:
        optimizer: Keras optimizer.
        weights: list of variables, of which those that are `trainable` move.
        loss_and_rest: function without arguments that computes a pair, the loss first, which is that of the whole
            batch on every replica.

    Returns:
        What `loss_and_rest` returned.
    """
    weights = [weight for weight in weights if weight.trainable]
    with tf.GradientTape() as tape:
        loss, rest = loss_and_rest()
        # Gradients of the replicas are summed, and in half precision loss and gradients are scaled.
        objective_value = optimizer.scale_loss(loss / num_replicas())
    gradients = tape.gradient(objective_value, weights)
    if num_replicas() == 1:
        optimizer.apply(gradients, weights)
    else:
        with _takes_sums(optimizer):
            optimizer.apply(_summed(gradients), weights)
    return loss, rest


def _summed(gradients):
    """Gradients over all replicas; None stays where a weight has none."""
    known = [gradient for gradient in gradients if gradient is not None]
    sums = iter(tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, known))
    return [None if gradient is None else next(sums) for gradient in gradients]


@contextlib.contextmanager
def _takes_sums(optimizer: keras.Optimizer) -> Iterator[None]:
    """Keras sums gradients after it has clipped them, and looked whether they are finite, replica by replica.

    So the steps of two replicas would be others than those of one, and in half precision one that overflows would
    spoil the weights of all. Here they are summed before, and what Keras sums are sums.
    """
    inner = vars(getattr(optimizer, "inner_optimizer", optimizer))
    inner["_all_reduce_sum_gradients"] = list
    try:
        yield
    finally:
        inner.pop("_all_reduce_sum_gradients", None)  # the other replicas are through with it as well


def penalties(model: keras.Model, batch_size: tf.Tensor) -> tf.Tensor | float:
    """What the layers of a model add to its loss: regularisers of weights and activities, and `add_loss`.

    It is asked for before replicas wait for each other: their networks are one object, which holds those of the
    replica that came last.

    Args:
        model: Keras model that has just been called.
        batch_size: scalar tensor, how many examples of this replica it was called on.

    Returns:
        Float32 scalar, the same on all replicas: the mean of theirs, each for its examples, where it depends on
        these.
    """
    losses = [tf.cast(loss, "float32") for loss in model.losses]
    if not losses:
        return 0.0
    # Keras lists those of weights, which all replicas have, last.
    of_weights = sum(getattr(weight, "regularizer", None) is not None for weight in model.trainable_weights)
    own, shared = losses[: len(losses) - of_weights], losses[len(losses) - of_weights :]
    if own and num_replicas() > 1:
        context = tf.distribute.get_replica_context()
        size = tf.cast(batch_size, "float32")
        # A replica without examples may have the mean of none, NaN.
        total = tf.where(size > 0, size * tf.add_n(own), 0.0)
        sums = context.all_reduce(tf.distribute.ReduceOp.SUM, tf.stack([total, size]))
        own = [sums[0] / sums[1]]
    return tf.add_n([*own, *shared])


def batch_means(values: Any) -> Any:
    """Means over the whole batch, also where replicas hold (perhaps unequal) parts of it.

    The sums cross the replicas before the division, so every replica returns the same means, and the
    minimum information constraint (Eq. 7), which is not linear, sees the whole batch.

    Args:
        values: structure of tensors (B,), B the examples of this replica.

    Returns:
        The same structure of scalar tensors. Gradients of a loss built on them and divided by
        `num_replicas()` add up over the replicas to those of one device.
    """
    if num_replicas() == 1:
        return keras.tree.map_structure(tf.reduce_mean, values)
    stacked = tf.stack(keras.tree.flatten(values))
    sums = tf.concat([tf.reduce_sum(stacked, axis=1), tf.cast(tf.shape(stacked)[1:], stacked.dtype)], axis=0)
    sums = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, sums)
    return keras.tree.pack_sequence_as(values, tf.unstack(sums[:-1] / sums[-1]))


def running_mean(name: str) -> keras.metrics.Mean:
    """The mean of what an epoch has had so far, as it is logged.

    Args:
        name: text.

    Returns:
        `keras.metrics.Mean` in float32, or in float64 where that is Keras' `floatx`: in half precision a sum of
        some hundred numbers no longer grows.
    """
    return keras.metrics.Mean(name, dtype="float64" if keras.config.floatx() == "float64" else "float32")
