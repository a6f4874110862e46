"""The trainings behind Fig. 2 and 3: five arcs, with and without the minimum information constraint.

Both begin from the same plain VAE, which knows nothing of clusters, with a mixture prior of random weights. From
random weights throughout, the decoder readily learns to ignore x, whatever lambda is.

Both see the arcs through noise of a fixed width. Where the decoder learns its noise at the same time, it narrows
while the arcs are still bent in the latent space; two components fit a bent arc better than one, and they part.
"""

from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from tf_gmvae import GMVAE, data, terminal
from tf_gmvae.optimizer import FusedAdam
from tf_gmvae.start.stages import Pretraining

NUM_COMPONENTS = 10
# lambda in nats. Five arcs told apart come to log 5 = 1.61, all components told apart to log K = 2.30.
MIN_INFORMATION = 1.5
# Factor on the arcs, whose coordinates have variance one: the decoder's unit noise is then a fifth of their
# deviation, three times an arc's thickness.
SCALE = 5
PRETRAINING_STEPS = 1000
# Where a cosine to a tenth of it begins.
LEARNING_RATE = 3e-3
BATCH_SIZE = 200
# Steps between two looks at a training: its beginning takes a few dozen.
INTERVAL = 10
EPOCHS_A_LINE = 20


class Snapshot(NamedTuple):
    """Means of q(x | y), (N, 2), and the components at w = 0: means and log-variances (K, 2)."""

    x: np.ndarray
    means: np.ndarray
    log_vars: np.ndarray


class ArcsTraining(NamedTuple):
    """One training.

    Attributes:
        model: the `GMVAE` at its end.
        min_information: lambda, nats.
        steps: array (T,), steps done at every look.
        z_prior: array (T,), the z-prior term, nats: the mean over the steps since the look before.
        spread: `Snapshot` at the last look before the term reached lambda; None if it was there at once.
    """

    model: GMVAE
    min_information: float
    steps: np.ndarray
    z_prior: np.ndarray
    spread: Snapshot | None


def load(seed: int) -> data.Dataset:
    """The five arcs as these trainings see them.

    Args:
        seed: integer, seed of the draw.

    Returns:
        `data.Dataset`, every coordinate times `SCALE`.
    """
    drawn = data.load("synthetic", seed=seed)
    assert drawn.test is not None
    train_split, test_split = (
        data.Split(split.examples * np.float32(SCALE), split.labels) for split in (drawn.train, drawn.test)
    )
    return data.Dataset(drawn.name, train_split, test_split, drawn.class_names)


def train(dataset: data.Dataset, min_information: float, epochs: int, seed: int) -> ArcsTraining:
    """Trains a GMVAE whose decoder has unit noise.

    Args:
        dataset: `data.Dataset` of `load`; its training part teaches, its test part is looked at.
        min_information: lambda, nats; 0 is the plain ELBO.
        epochs: integer, epochs of the paper's objective.
        seed: integer, seed of weights, noise and order.

    Returns:
        `ArcsTraining`.

    Raises:
        TrainingDivergedError: at the first value that is not finite.
    """
    assert dataset.test is not None
    steps_an_epoch = dataset.train.num_examples // BATCH_SIZE
    model = _model("unit_gaussian", min_information, epochs * steps_an_epoch, seed)
    batches = _batches(dataset, seed)
    pretraining, named = Pretraining(model), f"λ = {min_information:g}"
    with terminal.step(f"{named}: {PRETRAINING_STEPS:,} steps as a plain VAE", PRETRAINING_STEPS) as reached:
        told = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: reached(batch + 1))
        pretraining.fit(batches, steps_per_epoch=PRETRAINING_STEPS, shuffle=False, callbacks=[told], verbose=0)
    looks, intervals = _Looks(dataset.test.examples, steps_an_epoch), epochs * steps_an_epoch // INTERVAL
    with terminal.step(f"{named}: {epochs} epochs of the paper's objective", intervals) as reached:
        told = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: reached(epoch + 1))
        model.fit(batches, steps_per_epoch=INTERVAL, epochs=intervals, callbacks=[looks, told], verbose=0)
    at = INTERVAL * np.arange(1, 1 + len(looks.z_prior))
    return ArcsTraining(model, min_information, at, np.array(looks.z_prior), looks.spread)


def learn_noise(training: ArcsTraining, dataset: data.Dataset, epochs: int) -> GMVAE:
    """The model of a training with a decoder that learns its noise, as the paper's does.

    The mixture prior is held as the training left it, or its components would part again; all else learns by the
    same objective.

    Args:
        training: `ArcsTraining`.
        dataset: `data.Dataset` it was trained on.
        epochs: integer, epochs of this training.

    Returns:
        `GMVAE` with a "gaussian" likelihood.

    Raises:
        TrainingDivergedError: at the first value that is not finite.
    """
    source = training.model
    steps_an_epoch = dataset.train.num_examples // BATCH_SIZE
    model = _model("gaussian", training.min_information, epochs * steps_an_epoch, source.seed, hold_prior=True)
    for name in ("encoder", "x_head", "w_head", "prior_head"):
        getattr(model, name).set_weights(getattr(source, name).get_weights())
    *hidden, kernel, bias = source.decoder.get_weights()
    # Log-variances begin at 0: the noise it had.
    doubled = [np.concatenate([weight, np.zeros_like(weight)], axis=-1) for weight in (kernel, bias)]
    model.decoder.set_weights([*hidden, *doubled])
    batches = _batches(dataset, source.seed)
    with terminal.step(
        f"λ = {training.min_information:g}: {epochs} epochs in which the decoder learns its noise", epochs
    ) as reached:
        told = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: reached(epoch + 1))
        model.fit(batches, steps_per_epoch=steps_an_epoch, epochs=epochs, callbacks=[told], verbose=0)
    return model


def _model(likelihood, min_information, steps, seed, hold_prior=False):
    model = GMVAE.from_preset(
        "synthetic",
        num_components=NUM_COMPONENTS,
        min_information=min_information,
        likelihood=likelihood,
        seed=seed,
    )
    model.prior_head.trainable = not hold_prior
    rate = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps, alpha=0.1)
    model.compile(FusedAdam(rate, epsilon=1e-8))
    return model


def _batches(dataset, seed):
    return data.to_batches(dataset.train, BATCH_SIZE, shuffle_seed=seed, num_epochs=None, drop_remainder=True)


def snapshot(model: GMVAE, examples: np.ndarray) -> Snapshot:
    """The latent space of a model as it is.

    Args:
        model: `GMVAE`.
        examples: array (N, 2).

    Returns:
        `Snapshot`.
    """
    means, log_vars = (stream.numpy()[0] for stream in model.mixture_prior(tf.zeros((1, model.style_dim))))
    return Snapshot(model.embed(examples).x, means, log_vars)


class _Looks(keras.callbacks.Callback):
    """Keeps the z-prior term, and the latent space as long as that is below lambda; prints now and then."""

    def __init__(self, examples: np.ndarray, steps_an_epoch: int) -> None:
        super().__init__()
        self.examples, self.steps_an_epoch = examples, steps_an_epoch
        self.z_prior: list[float] = []
        self.spread: Snapshot | None = None
        self.reached = False

    def on_epoch_end(self, epoch, logs=None):
        """Looks; an epoch of Keras is an interval here."""
        min_information = self.model.min_information
        self.z_prior.append(logs["z_prior"])
        self.reached |= logs["z_prior"] >= min_information
        if not self.reached:
            self.spread = snapshot(self.model, self.examples)
        epochs, rest = divmod((epoch + 1) * INTERVAL, self.steps_an_epoch)
        if rest == 0 and epochs % EPOCHS_A_LINE == 0:
            terminal.say(
                f"λ = {min_information:g}: epoch {epochs}, ELBO {logs['elbo']:.3f} nats, z-prior "
                f"{logs['z_prior']:.3f} nats"
            )
