"""How a GMVAE is trained and evaluated by Keras."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from layers import keras_private
from layers.replicas import num_replicas
from tf_gmvae import inputs, objective
from tf_gmvae.callbacks.non_finite import guarded
from tf_gmvae.checks import check_sizes, checked_min_information
from tf_gmvae.data.pipeline import array_batches
from tf_gmvae.data.shards.split import ShardedSplit
from tf_gmvae.errors import InputError
from tf_gmvae.inputs import Data
from tf_gmvae.model import compiled, in_memory, own_networks, replicas
from tf_gmvae.model.compiling import Compiling
from tf_gmvae.model.on_batches import OnBatches, known_parts
from tf_gmvae.start.descriptors import is_image

# Examples that `predict` computes together, whatever the batch size.
PREDICT_PART = 64
# What `fit`, `evaluate` and `predict` count beside the batch size.
_COUNTED = ("steps_per_epoch", "validation_steps", "validation_batch_size", "steps")


class Training(Compiling, OnBatches):
    """The methods of `GMVAE` behind `compile`, `fit`, `evaluate` and `predict`."""

    def training_loss(self, data: Any, training: bool) -> tuple[tf.Tensor, tuple[Any, Any]]:
        """The objective, which `train_step` and `test_step` call: the hook for a subclass with another one.

        With an override, as `loss, found = super().training_loss(data, training); return loss + own, found`, `fit`
        and `evaluate` go by it. Scores are of the ELBO still, and `initialize` has objectives of its own.

        Args:
            data: what the data set yields.
            training: whether it is a step of `fit`.

        Returns:
            Pair of the loss, a scalar that is the same on all replicas, and of what becomes metrics: a pair of the
            terms (B,) of the examples of this replica, as `terms` returns them, and of their means over all.
        """
        keras_private.drop_losses(self)  # those of the last batch
        if training and self.hold:
            terms, cross_entropy = self._held_terms(data)
        else:
            sampled = self.sampled(self.examples(data), training)
            terms = self.terms(sampled, compiled.elbo_terms if training else objective.elbo_terms)
            cross_entropy = ()  # to nothing
        penalties = replicas.penalties(self, tf.shape(terms[0].elbo)[0])
        means, held = replicas.batch_means((terms, cross_entropy))
        loss = objective.training_loss(means[0], self._lambda) + penalties
        if training and self.hold:
            loss += self.hold * held
        return loss, (terms, means)

    def _held_terms(self, data):
        """Terms of views of the examples, and the cross-entropy (B,) of their components to the given ones."""
        values, assignments = inputs.without_weights(data)
        sizes = self._checked_sizes(assignments)
        examples = self.examples(values)
        if is_image(self.data_shape):
            examples = self.view(examples)
        sampled = self.sampled(examples, training=True)
        given = tf.split(tf.cast(assignments, "float32"), sizes, axis=1)
        terms, cross_entropies = self.terms_at_given(sampled, given, compiled.held_terms)
        return terms, tf.add_n(cross_entropies)

    def _checked_sizes(self, assignments):
        """Numbers of the components of all levels, which assignments must have side by side."""
        shape = None if assignments is None else tuple(np.shape(assignments))
        sizes = [self.num_components, *(level.num_components for level in self.style_prior.levels())]
        if shape is None or len(shape) != 2 or shape[1] != sum(sizes):
            made_by = "predict returns them" if len(sizes) == 1 else "predict_levels returns them, side by side"
            raise InputError(
                f"With hold={self.hold:g}, fit takes (examples, assignments), and assignments of shape (N, "
                f"{sum(sizes)}), as {made_by}. Received: "
                + ("examples alone." if shape is None else f"assignments of shape {shape}.")
            )
        return sizes

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        """One step of the optimizer; returns the running means of loss, ELBO and terms."""
        self._check_hooks()
        with replicas.once_there(data):
            loss, found = replicas.take_step(
                self.optimizer, self.trainable_weights, lambda: self._own_loss(data, training=True)
            )
        return self._track(loss, *found)

    def test_step(self, data: Any) -> dict[str, tf.Tensor]:
        """The same terms without training."""
        if type(self).train_step is Training.train_step:  # one of a subclass may have its use for a hook
            self._check_hooks()
        loss, found = self._own_loss(data, training=False)
        return self._track(loss, *found)

    def call(self, examples: tf.Tensor, training: bool = False) -> tf.Tensor:
        """The posterior over components at the means of x and w, without noise.

        Args:
            examples: tensor (B, ...).
            training: as in `encode`. Default False.

        Returns:
            p(z | y), float32 tensor (B, K) (Eq. 3).
        """
        encoding = self.encode(self.examples(examples), training)
        return tf.exp(self.log_responsibilities(encoding))

    def predict_step(self, data: Any) -> Any:
        """What `call` returns for one batch: the posterior p(z | y), (B, K)."""
        examples, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        if self.jit_compile or type(self).call is not Training.call:  # a subclass may return anything
            return self(examples, training=False)
        # The maps of a part stay in the processor's cache, and parts run side by side.
        num_parts = tf.maximum(1, (tf.shape(examples)[0] + PREDICT_PART - 1) // PREDICT_PART)
        parts = tf.TensorArray("float32", num_parts, infer_shape=False, element_shape=(None, self.num_components))

        def one_part(index, parts):
            part = examples[index * PREDICT_PART : (index + 1) * PREDICT_PART]
            return index + 1, parts.write(index, self(part, training=False))

        return tf.while_loop(lambda index, _: index < num_parts, one_part, (0, parts))[1].concat()

    @property
    def min_information(self) -> float:
        """lambda of Eq. 7, nats, a float."""
        return self._min_information

    @min_information.setter
    def min_information(self, nats: float) -> None:
        self._min_information = checked_min_information(nats, self.component_prior.most_kl)
        self._lambda.assign(self._min_information)

    def _track(self, loss, terms, means):
        batch_size = tf.shape(terms[0].elbo)[0]
        self.trackers[0].update_state(loss, sample_weight=batch_size)
        shared = num_replicas() > 1
        kept = means if shared else terms  # of the whole batch, so that all replicas say the same
        found = (kept[0].elbo, *keras.tree.flatten(kept))
        for tracker, values in zip(self.trackers[1:], found, strict=True):
            tracker.update_state(values, sample_weight=batch_size if shared else None)
        return {tracker.name: tracker.result() for tracker in self.trackers}

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """Running means of the loss, the true ELBO (never the constrained one), its terms, and those of levels.

        Metrics of a subclass follow. Callbacks that watch one other than the loss are told what is better, as by
        `keras.callbacks.EarlyStopping("val_elbo", mode="max")`.
        """
        known = {id(tracker) for tracker in self.trackers}
        return [*self.trackers, *(each for each in keras.Layer.metrics.fget(self) if id(each) not in known)]

    def fit(
        self,
        x: Data | None = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: int | str = "auto",
        callbacks: Sequence[keras.callbacks.Callback] | keras.callbacks.CallbackList | None = None,
        validation_split: float = 0.0,
        validation_data: Data | None = None,
        shuffle: bool = True,
        class_weight: None = None,
        sample_weight: None = None,
        **kwargs: Any,
    ) -> keras.callbacks.History:
        """See `keras.Model.fit`. Training stops by itself at the first loss that is not finite.

        Args:
            x: examples: an array (N, ...), a `data.Split`, or what Keras takes: data sets yield examples, or
                (examples, labels); with `hold`, (examples, assignments). Default None.
            y: with `hold`, the assignments that stand beside an array or a split: array (N, K) whose rows sum to
                one, as `predict` gives it. Without, labels, which are ignored. Default None.
            batch_size: as in Keras, as are all that follow. Default None.
            epochs: integer. Default 1.
            verbose: "auto", 0, 1 or 2. Default "auto".
            callbacks: list. Default None.
            validation_split: float. Default 0.
            validation_data: as `x`, or (examples, labels). Default None.
            shuffle: whether arrays and splits are shuffled, by the seed of the model where it has one; data sets
                shuffle themselves. Default True.
            class_weight: refused. Default None.
            sample_weight: refused. Default None.
            **kwargs: further arguments of Keras.

        Returns:
            `keras.callbacks.History`.

        Raises:
            InputError: on bad values, weights of examples, data without an end where no number of steps is given,
                or a size of batches or number of steps that is no integer >= 1.
            TrainingDivergedError: at the first loss or term that is NaN or infinite.
        """
        _check_sizes(batch_size, kwargs)
        size, shards = batch_size or 32, x if isinstance(x, ShardedSplit) else None
        x = self._checked(x, class_weight=class_weight, sample_weight=sample_weight)
        stored: Any = x if shards is None else shards
        if self.hold and isinstance(stored, np.ndarray | ShardedSplit):
            self._checked_sizes(y)  # of all examples, before a batch is
        inputs.check_ends(x, kwargs.get("steps_per_epoch"))
        if validation_data is not None:
            read_at_once = kwargs.get("validation_batch_size") or size
            validation_data = self._checked(in_memory.examples_alone(validation_data), read_at_once)
            inputs.check_ends(validation_data, kwargs.get("validation_steps"))
        callbacks = guarded(callbacks)
        is_seeded, begun, steps = shuffle and self._orders(stored), 0, kwargs.get("steps_per_epoch")
        if is_seeded:
            if validation_split and validation_data is None and shards is None:
                stored, validation_data = in_memory.held_out(stored, validation_split)
                y, validation_split = y if y is None else y[: len(stored)], 0.0
            begun = in_memory.num_begun(self, callbacks, stored, size, steps)
            self.batches_seen = in_memory.Counted(begun)
            callbacks = [self.batches_seen, *callbacks]
        else:
            # What a `BackupAndRestore` has put back before is no matter of this fit.
            self.last_arrays = in_memory.OTHER_DATA
            keras_private.forget_first_epoch(self)
        if is_seeded or shards is not None:
            seed = in_memory.seed_of_order(self.seed) if shuffle else None
            x, whole = in_memory.seeded_batches(stored, y if self.hold else None, size, seed, begun)
            kwargs = {"validation_batch_size": batch_size, **kwargs, "steps_per_epoch": steps or whole}
            y, batch_size = None, None
        # Shuffling is a data set's own affair, and Keras warns that it will not do it.
        shuffle = shuffle and not isinstance(x, tf.data.Dataset | tf.distribute.DistributedDataset)
        with inputs.readable_errors(), own_networks.built_in_time(self), in_memory.recorded(self):
            history = super().fit(
                x, y, batch_size, epochs, verbose, callbacks, validation_split, validation_data, shuffle, **kwargs
            )
        if history.epoch and all(name.startswith("val_") for name in history.history):  # no batch came
            raise inputs.no_example()
        return history

    def _orders(self, data):
        """Whether the order of data follows from the seed: workers deal arrays out among themselves."""
        is_whole = isinstance(data, np.ndarray) and not self._is_one_of_workers()
        return self.seed is not None and self.compiled and (is_whole or isinstance(data, ShardedSplit))

    def evaluate(
        self,
        x: Data | None = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        sample_weight: None = None,
        **kwargs: Any,
    ) -> Any:
        """See `keras.Model.evaluate`, and `fit` for the data; draws the same noise every time, in one thread."""
        _check_sizes(batch_size, kwargs)
        y = None if isinstance(x, ShardedSplit) else y  # labels, for which Keras would ask in the data set
        x = self._checked(x, batch_size or 32, sample_weight=sample_weight)
        inputs.check_ends(x, kwargs.get("steps"))
        self.evaluation_sampler.reset()
        with inputs.readable_errors():
            found = super().evaluate(x, y, batch_size, verbose, **kwargs)
        if isinstance(found, dict | list) and not found:  # no batch came
            raise inputs.no_example()
        return found

    def predict(
        self, x: Data, batch_size: int | None = None, verbose: int | str = "auto", **kwargs: Any
    ) -> np.ndarray:
        """See `keras.Model.predict`, and `fit` for the data: the posterior p(z | y), array (N, K)."""
        _check_sizes(batch_size, kwargs)
        x = self._checked(x, batch_size)
        inputs.check_ends(x, kwargs.get("steps"))
        if isinstance(x, np.ndarray):
            x, batch_size = array_batches(x, batch_size or 32), None
        with inputs.readable_errors():
            try:
                return known_parts(super().predict(x, batch_size, verbose, **kwargs))
            except UnboundLocalError:  # Keras' answer to a data set that turns out to be empty
                raise inputs.no_example() from None

    def _checked(self, x, batch_size=None, **weights):
        """The data in a form that Keras takes, checked; a model that waited for their shape is built."""
        for name, value in weights.items():
            if value is not None:
                raise inputs.no_weights(name)
        x = inputs.readable(x, self.likelihood, batch_size=batch_size)
        if not self.built and hasattr(x, "__next__") and (first := next(x, None)) is not None:
            self.build(np.shape(first[0]))
            x = (batch for batch in itertools.chain([first], x))  # Keras takes no other iterator than this
        inputs.check_data(x, self)
        return x


def _check_sizes(batch_size, options):
    check_sizes(batch_size=batch_size, **{name: options[name] for name in _COUNTED if name in options})
