"""How a GMVAE is trained and evaluated by Keras."""

import keras
import numpy as np
import tensorflow as tf

from tf_gmvae import inputs, objective, replicas
from tf_gmvae.data.pipeline import array_batches
from tf_gmvae.errors import InputError
from tf_gmvae.optimizer import FusedAdam

# Examples that `predict` computes together, whatever the batch size.
PREDICT_PART = 64


class Training:
    """The methods of `GMVAE` behind `compile`, `fit`, `evaluate` and `predict`."""

    def training_loss(self, data, training):
        """Loss and terms of one batch: the path that training and evaluation share.

        Args:
            data: what the data set yields.
            training: whether to train.

        Returns:
            Pair of the loss, a scalar that is the same on all replicas, and `objective.ElboTerms` (B,).
        """
        terms = self.elbo_terms(self.examples(data), training)
        loss = objective.training_loss(replicas.batch_means(terms), self.min_information)
        if self.losses:  # regularisers of the user's networks
            loss += tf.add_n([tf.cast(extra, loss.dtype) for extra in self.losses])
        return loss, terms

    def train_step(self, data):
        """One step of the optimizer; returns the running means of loss, ELBO and terms."""
        with tf.GradientTape() as tape:
            loss, terms = self.training_loss(data, training=True)
            # Every replica holds the loss of the whole batch, and the optimizer sums their gradients.
            objective_value = self.optimizer.scale_loss(loss / replicas.num_replicas())
        gradients = tape.gradient(objective_value, self.trainable_weights)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_weights, strict=True))
        return self._track(loss, terms)

    def test_step(self, data):
        """The same terms without training."""
        return self._track(*self.training_loss(data, training=False))

    def predict_step(self, data):
        """The posterior p(z | y) of one batch, (B, K)."""
        examples, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        if self.jit_compile:
            return self(examples, training=False)
        # The maps of a part stay in the processor's cache, and parts run side by side.
        num_parts = (tf.shape(examples)[0] + PREDICT_PART - 1) // PREDICT_PART
        parts = tf.TensorArray("float32", num_parts, infer_shape=False, element_shape=(None, self.num_components))

        def one_part(index, parts):
            part = examples[index * PREDICT_PART : (index + 1) * PREDICT_PART]
            return index + 1, parts.write(index, self(part, training=False))

        return tf.while_loop(lambda index, _: index < num_parts, one_part, (0, parts))[1].concat()

    def _track(self, loss, terms):
        batch_size = tf.shape(terms.elbo)[0]
        self.trackers[0].update_state(loss, sample_weight=batch_size)
        for tracker, values in zip(self.trackers[1:], (terms.elbo, *terms), strict=True):
            tracker.update_state(values)
        return {tracker.name: tracker.result() for tracker in self.trackers}

    @property
    def metrics(self):
        """Running means of the loss, the true ELBO (never the constrained one) and its four terms."""
        return self.trackers

    def compile(self, optimizer=None, *, jit_compile="auto", **kwargs):
        """Prepares the model for `fit`.

        Args:
            optimizer: Keras optimizer; None is the paper's, Adam at 1e-4 with epsilon 1e-8.
            jit_compile: whether XLA compiles the step. "auto" does so where there is a GPU: on CPUs XLA's
                convolutions are slower than TensorFlow's own.
            **kwargs: of `keras.Model.compile`.

        Raises:
            InputError: on a loss or metrics, which would never be computed: the objective is the model's own.
        """
        refused = [name for name in ("loss", "metrics", "weighted_metrics") if kwargs.get(name)]
        if refused:
            raise InputError(f"GMVAE computes its own loss and metrics: call compile without {refused[0]}.")
        if jit_compile == "auto":
            jit_compile = bool(tf.config.list_physical_devices("GPU"))
        super().compile(
            FusedAdam(1e-4, epsilon=1e-8) if optimizer is None else optimizer,
            jit_compile=jit_compile,
            **kwargs,
        )
        # Variables that come into being while TensorFlow traces the step make it trace the step twice.
        if self.built:
            self.optimizer.build(self.trainable_variables)

    def compile_from_config(self, config):
        """Compiles a loaded model as it was compiled when saved."""
        self.compile(**keras.saving.deserialize_keras_object(config))

    def fit(self, x=None, *args, **kwargs):
        """See `keras.Model.fit`; bad values raise an `InputError`."""
        if isinstance(x, tf.data.Dataset):
            # Shuffling is the data set's own affair, and Keras warns that it will not do it.
            kwargs.setdefault("shuffle", False)
        return self._checked(super().fit, x, *args, **kwargs)

    def evaluate(self, x=None, *args, **kwargs):
        """See `keras.Model.evaluate`; draws the same noise every time."""
        self.evaluation_sampler.reset()
        return self._checked(super().evaluate, x, *args, **kwargs)

    def predict(self, x, batch_size=None, **kwargs):
        """See `keras.Model.predict`: the posterior p(z | y), array (N, K)."""
        inputs.check_data(x, self)
        if isinstance(x, np.ndarray) and len(x):
            x, batch_size = array_batches(x, batch_size or 32), None
        return self._checked(super().predict, x, batch_size=batch_size, **kwargs)

    def _checked(self, method, x, *args, **kwargs):
        inputs.check_data(x, self)
        with inputs.readable_errors():
            return method(x, *args, **kwargs)
