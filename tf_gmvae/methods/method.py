"""What all methods have in common: their data, their training loop, their noise, and how they are saved."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from layers import keras_private
from tf_gmvae import checks, data, inputs, likelihoods
from tf_gmvae.callbacks.non_finite import FIXED_RATE, StopOnNonFinite
from tf_gmvae.data.pipeline import whole_batches
from tf_gmvae.errors import InputError
from tf_gmvae.methods.answers import Answers
from tf_gmvae.methods.keras_ways import KerasWays
from tf_gmvae.methods.reading import split_of
from tf_gmvae.model import in_memory


class ClusteringMethod(Answers, KerasWays, keras.Model):
    """A method that puts examples into clusters; subclasses say by what networks and objective.

    A subclass builds its networks and optimizers in its constructor, names the values that it logs in `LOGGED`,
    and defines `step`, `log_assignments` and `embed`; `prepare`, if it needs something before the first step.

    Args:
        data_shape: tuple, shape of one example: (H, W, C) for images in [0, 1] or of uint8, (F,) for vectors,
            which should be standardised.
        num_components: K, clusters. Default 10.
        seed: integer, seed of weights, noise and the order of the data. Default 0.
        **kwargs: of `keras.Model`.

    Attributes:
        TITLE: text, what the method is called in a sentence: found by ...
        TABLE_K: tuple of integers, the K of its rows in Table 1 where the caller names none.
        EPOCHS: integer, epochs of `fit` where the caller names none.
        BATCH_SIZE: integer, examples of a step.
        LOGGED: tuple of texts, what `step` returns, in its order.

    Raises:
        InputError: if an argument is out of its range.
    """

    TITLE = ""
    TABLE_K: tuple[int, ...] = (10,)
    EPOCHS = 100
    BATCH_SIZE = 100
    LOGGED: tuple[str, ...] = ("loss",)

    def __init__(self, data_shape: Sequence[int], num_components: int = 10, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if (policy := self.dtype_policy.name) != "float32":
            raise InputError(f"The methods compute in float32, not in {policy}: leave it out, or set that policy.")
        if not np.iterable(data_shape) or not tuple(data_shape):
            raise InputError(
                f"`data_shape` must be that of one example, such as (28, 28, 1) or (4,). Received: {data_shape!r}"
            )
        self.data_shape = checks.whole_numbers("data_shape", data_shape)
        self.num_components = checks.whole_number("num_components", num_components, 1)
        self.seed = checks.whole_number("seed", seed, 0)
        self.num_values = math.prod(self.data_shape)
        # Images are grey values, which are probabilities; anything else is taken for standardised real values.
        self.likelihood = likelihoods.get("bernoulli" if len(self.data_shape) == 3 else "unit_gaussian")
        self.is_prepared = self.add_weight(shape=(), dtype="bool", trainable=False, initializer="zeros")
        self.trackers = [keras.metrics.Mean(name) for name in self.LOGGED]

    def finish(self, optimizer: keras.Optimizer, weights: Sequence[keras.Variable]) -> None:
        """To be called at the end of a constructor: the method is built, and its optimizer has its state.

        Args:
            optimizer: Keras optimizer that `fit` counts its steps by; others are attributes of the subclass.
            weights: list of the variables that it trains.
        """
        self.built = True  # all weights are there
        keras.Model.compile(self, optimizer, jit_compile=False)
        optimizer.build(weights)

    def prepare(self, examples: np.ndarray, verbose: Any = "auto") -> None:
        """What comes before the first step of the objective; here, nothing. `fit` calls it where it is due.

        Args:
            examples: array (N, ...), the training examples.
            verbose: 0 is silent; else there is a line an epoch. Default "auto".
        """
        self.is_prepared.assign(True)

    def fit(
        self,
        x: ArrayLike | data.Split,
        epochs: int | None = None,
        initial_epoch: int = 0,
        callbacks: Sequence[keras.callbacks.Callback] | keras.callbacks.Callback | None = None,
        verbose: Any = "auto",
        **others: Any,
    ) -> keras.callbacks.History:
        """Prepares the method, where that was not done before, and trains it.

        Args:
            x: array (N, ...) of examples or `data.Split`; labels of a split are not used.
            epochs: integer, epoch at which to stop. Default None: the `EPOCHS` of the method.
            initial_epoch: integer, epochs that were trained before: with the model that they left, training goes
                on as if it had not been interrupted. Default 0.
            callbacks: list of Keras callbacks, or one; what `BackupAndRestore` has kept goes on as if it had not
                been interrupted, too. Default None.
            verbose: of `keras.Model.fit`. Default "auto".
            **others: refused: what else `keras.Model.fit` takes is the affair of the method.

        Returns:
            `keras.callbacks.History`.

        Raises:
            InputError: if the examples are of another shape, too few, or not finite.
            TrainingDivergedError: at the first value that is not finite.
        """
        if others:
            raise InputError(
                f"{type(self).__name__} takes no {next(iter(others))}: its fit has x, epochs, "
                "initial_epoch, callbacks and verbose; batch size and order are its own."
            )
        split = self.checked(x)
        given = keras.tree.flatten(callbacks) if callbacks else []
        in_memory.put_back(self, given)
        initial_epoch = keras_private.first_epoch(self) or initial_epoch
        if not bool(self.is_prepared.numpy()):
            self.prepare(split.examples, verbose)
        batch_size, steps = self.epoch_shape(split.num_examples)
        # The number of an example goes along with it, for methods that keep something for every example.
        batches = data.to_batches(
            split, batch_size, shuffle_seed=self.seed, num_epochs=None, skip_batches=initial_epoch * steps,
            drop_remainder=True, with_numbers=True,
        )  # fmt: skip
        return super().fit(
            batches,
            steps_per_epoch=steps,
            initial_epoch=initial_epoch,
            epochs=self.EPOCHS if epochs is None else epochs,
            shuffle=False,  # the batches are shuffled
            callbacks=[StopOnNonFinite(FIXED_RATE), *self.own_callbacks(split, initial_epoch), *given],
            verbose=verbose,
        )

    def epoch_shape(self, num_examples: int) -> tuple[int, int]:
        """Batch size and steps of an epoch, see `data.pipeline.whole_batches`.

        Args:
            num_examples: integer, N.
        """
        return whole_batches(num_examples, self.BATCH_SIZE)

    @property
    def has_ended(self) -> bool:
        """Whether training has come to its own end, so that more epochs would change nothing; here, never."""
        return False

    def checked(self, examples: ArrayLike | data.Split) -> data.Split:
        """Examples that the method can be trained on.

        Args:
            examples: array (N, ...) or `data.Split`.

        Returns:
            `data.Split`.

        Raises:
            InputError: if they are not.
        """
        split = split_of(examples, self)
        if split.num_examples < self.num_components:
            raise InputError(
                f"{self.num_components} clusters need at least as many examples: give more of them, or a smaller "
                f"num_components. Received: {split.num_examples} examples."
            )
        return split

    def own_callbacks(self, split: data.Split, initial_epoch: int) -> list[keras.callbacks.Callback]:
        """Callbacks that the method itself needs in `fit`; here, none.

        Args:
            split: `data.Split` that is trained on.
            initial_epoch: integer, epochs that were trained before.
        """
        return []

    def flat(self, examples: tf.Tensor) -> tf.Tensor:
        """Examples as rows of float32 values.

        Args:
            examples: tensor (B, ...), uint8 or floats.

        Returns:
            Tensor (B, F); uint8 divided by 255.
        """
        values = inputs.on_model_scale(tf.convert_to_tensor(examples), self.likelihood)
        if values.shape.rank is not None:
            checks.check_shape(values.shape, self.data_shape)
        # After batches of several shapes tf.function forgets the sizes, and rows would be cut anew.
        values = tf.ensure_shape(values, (None, *self.data_shape))
        return tf.reshape(values, (-1, self.num_values))

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        """One `step`, whose values are averaged over the epoch."""
        examples, rows = data
        values = self.step(self.flat(examples), rows)
        for tracker, value in zip(self.trackers, values, strict=True):
            tracker.update_state(value)
        return {tracker.name: tracker.result() for tracker in self.trackers}

    def step(self, values: tf.Tensor, rows: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """One step of all optimizers.

        Args:
            values: tensor (B, F), the examples.
            rows: tensor (B,), their numbers among the training examples.

        Returns:
            Tuple of scalar tensors, as named in `LOGGED`.
        """
        raise NotImplementedError

    def log_assignments(self, values: tf.Tensor) -> tf.Tensor:
        """Logarithm of the soft assignments, without noise.

        Args:
            values: tensor (B, F).

        Returns:
            Tensor (B, K); exp of it sums to one over the last axis.
        """
        raise NotImplementedError

    def embed(self, values: tf.Tensor) -> tf.Tensor:
        """Codes of examples: what the assignments are made from, without noise.

        Args:
            values: tensor (B, F).

        Returns:
            Tensor (B, D).
        """
        raise NotImplementedError

    def noise(self, shape: Sequence[Any], stream: int) -> tf.Tensor:
        """Standard normal noise of a step, the same where a training goes on as in one without a break.

        Args:
            shape: shape of the tensor.
            stream: integer, another for every draw within a step.

        Returns:
            Tensor.
        """
        return tf.random.stateless_normal(shape, self.step_seed(stream))

    def step_seed(self, stream: int) -> tf.Tensor:
        """Seed of TensorFlow's stateless functions, another for every step and stream.

        Args:
            stream: integer.
        """
        step = tf.cast(self.optimizer.iterations, tf.int64)
        return tf.stack([tf.constant(self.seed, tf.int64), 1000 * step + stream])

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """Running means of what `step` returns."""
        return self.trackers
