"""The pretraining of DEC, which VaDE took over: a stack of denoising autoencoders, layer by layer, then as one.

Vincent et al. 2010, and section 3.2 of arXiv 1511.06335. There every layer takes 50,000 steps of stochastic
gradient descent and the whole 100,000, which are hours on two cores; here Adam takes an eighth of the epochs of
the whole for every layer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tf_gmvae import data, terminal
from tf_gmvae.callbacks.epoch_lines import EpochLines
from tf_gmvae.callbacks.non_finite import FIXED_RATE, StopOnNonFinite
from tf_gmvae.data.pipeline import whole_batches
from tf_gmvae.model import replicas
from tf_gmvae.optimizer import FusedAdam

# Epochs of the whole.
EPOCHS = 40
BATCH_SIZE = 256
# Share of the values that a layer must do without.
DROPPED = 0.2


def pretrain(
    encoder: keras.Sequential,
    decoder: keras.Sequential,
    loss: Callable[[tf.Tensor, tf.Tensor], tf.Tensor],
    flat: Callable[[tf.Tensor], tf.Tensor],
    examples: np.ndarray,
    epochs: int = EPOCHS,
    seed: int = 0,
    verbose: Any = "auto",
) -> None:
    """Trains two networks of dense layers to reconstruct.

    Args:
        encoder: `keras.Sequential` of dense layers.
        decoder: `keras.Sequential` of as many, which mirror them.
        loss: function of rows (B, F) and what the decoder makes of them, that returns a tensor (B,).
        flat: function from a batch of examples to rows.
        examples: array (N, ...).
        epochs: integer, epochs of the whole; every layer before it takes an eighth of them. Default 40.
        seed: integer, seed of noise and order. Default 0.
        verbose: 0 is silent; else there is a line an epoch, and a bar on a terminal. Default "auto".

    Raises:
        TrainingDivergedError: at the first value that is not finite.
    """
    say = terminal.say if verbose else lambda text: None
    pairs = list(zip(encoder.layers, reversed(decoder.layers), strict=True))
    for depth, (encoding, decoding) in enumerate(pairs):
        # What the lower layers make of an example is real-valued; only the outermost pair sees the data.
        stage_loss = loss if depth == 0 else _squares
        say(f"Pretraining {depth + 1}/{len(pairs) + 1}: {max(1, epochs // 8)} epochs of layer {depth + 1}.")
        stage = _Reconstruction(encoder.layers[:depth], [encoding], [decoding], stage_loss, flat, seed)
        stage.train(examples, max(1, epochs // 8), verbose)
    say(f"Pretraining {len(pairs) + 1}/{len(pairs) + 1}: {epochs} epochs of all layers together.")
    whole = _Reconstruction([], encoder.layers, decoder.layers, loss, flat, seed, dropped=0.0)
    whole.train(examples, epochs, verbose)


def _squares(rows, made):
    return 0.5 * tf.reduce_sum(tf.square(rows - made), axis=-1)


class _Reconstruction(keras.Model):
    """Training of some layers to bring back their own input, from a spoilt copy of it."""

    def __init__(
        self,
        below: list[keras.Layer],
        encoding: Sequence[keras.Layer],
        decoding: Sequence[keras.Layer],
        loss: Callable[[tf.Tensor, tf.Tensor], tf.Tensor],
        flat: Callable[[tf.Tensor], tf.Tensor],
        seed: int,
        dropped: float = DROPPED,
    ) -> None:
        super().__init__()
        self.below, self.encoding, self.decoding = below, list(encoding), list(decoding)
        self.reconstruction_loss, self.flat, self.seed, self.dropped = loss, flat, seed, dropped
        self.mean_loss = keras.metrics.Mean("reconstruction_loss")
        self.layer_weights = [
            weight for layer in (*self.encoding, *self.decoding) for weight in layer.trainable_weights
        ]
        self.compile(FusedAdam(1e-3), jit_compile=False)
        self.built = True

    def train(self, examples, epochs, verbose):
        split = data.Split(examples)
        batch_size, steps = whole_batches(split.num_examples, BATCH_SIZE)
        batches = data.to_batches(
            split, batch_size, shuffle_seed=self.seed, num_epochs=epochs, drop_remainder=True
        )
        self.fit(
            batches,
            epochs=epochs,
            steps_per_epoch=steps,
            verbose=0,
            shuffle=False,
            callbacks=[StopOnNonFinite(FIXED_RATE), *([EpochLines()] if verbose else [])],
        )

    def train_step(self, data):
        """One step."""
        rows = self.flat(data)
        for layer in self.below:
            rows = layer(rows)

        def loss_and_rest():
            made = rows
            for layer in (*self.encoding, *self.decoding):
                made = layer(self.spoilt(made, layer))
            return tf.reduce_mean(self.reconstruction_loss(rows, made)), ()

        loss, _ = replicas.take_step(self.optimizer, self.layer_weights, loss_and_rest)
        self.mean_loss.update_state(loss)
        return {"reconstruction_loss": self.mean_loss.result()}

    def spoilt(self, values, layer):
        """The values, a share of them gone."""
        if not self.dropped:
            return values
        step = 2 * tf.cast(self.optimizer.iterations, tf.int64) + (0 if layer in self.encoding else 1)
        seed = tf.stack([tf.constant(self.seed, tf.int64), step])
        return tf.nn.experimental.stateless_dropout(values, self.dropped, seed)

    @property
    def metrics(self):
        """The running mean of the loss."""
        return [self.mean_loss]
