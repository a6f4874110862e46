"""The trainings behind Fig. 2 and 3: five arcs, with and without the minimum information constraint.

Both begin from the same plain VAE, which knows nothing of clusters, with a mixture prior of random weights. From a
wholly random start the decoder may learn to ignore x, whatever lambda is, and there is then nothing to cluster.
"""

from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from tf_gmvae import GMVAE, data
from tf_gmvae.callbacks import StopOnNonFinite
from tf_gmvae.optimizer import FusedAdam
from tf_gmvae.warm_up import Pretraining

NUM_COMPONENTS = 10
# lambda, in nats, of log K = 2.30.
MIN_INFORMATION = 1.0
PRETRAINING_STEPS = 1000
# Where a cosine down to 0 begins.
LEARNING_RATE = 3e-3
BATCH_SIZE = 200
# Steps between two looks at a training: its beginning takes a few dozen.
INTERVAL = 10
EPOCHS_A_LINE = 25


class Snapshot(NamedTuple):
    """Means of q(x | y), (N, 2), and the components at w = 0: means and log-variances (K, 2)."""

    x: Any
    means: Any
    log_vars: Any


class Training(NamedTuple):
    """One training.

    Attributes:
        model: the `GMVAE` at its end.
        min_information: lambda, nats.
        steps: array (T,), steps done at every look.
        z_prior: array (T,), the z-prior term, nats: the mean over the steps since the look before.
        spread: `Snapshot` at the last look before the term reached lambda; None if it was there at once.
    """

    model: Any
    min_information: float
    steps: Any
    z_prior: Any
    spread: Any


def train(dataset, min_information, epochs, seed):
    """Trains a GMVAE on two-dimensional points.

    Args:
        dataset: `data.Dataset`; its training part teaches, its test part is looked at.
        min_information: lambda, nats; 0 is the plain ELBO.
        epochs: of the paper's objective.
        seed: of weights, noise and order.

    Returns:
        `Training`.

    Raises:
        TrainingDivergedError: at the first value that is not finite.
    """
    steps_an_epoch = dataset.train.num_examples // BATCH_SIZE
    steps = epochs * steps_an_epoch
    model = GMVAE.from_preset(
        "synthetic", num_components=NUM_COMPONENTS, min_information=min_information, seed=seed
    )
    model.compile(FusedAdam(keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps), epsilon=1e-8))
    batches = data.to_batches(dataset.train, BATCH_SIZE, shuffle_seed=seed, num_epochs=None, drop_remainder=True)
    print(f"λ = {min_information:g}: {PRETRAINING_STEPS:,} steps as a plain VAE ...", flush=True)
    Pretraining(model).fit(
        batches, steps_per_epoch=PRETRAINING_STEPS, shuffle=False, callbacks=[StopOnNonFinite()], verbose=0
    )
    looks = _Looks(dataset.test.examples, steps_an_epoch)
    model.fit(
        batches,
        steps_per_epoch=INTERVAL,
        epochs=steps // INTERVAL,
        callbacks=[StopOnNonFinite(), looks],
        verbose=0,
    )
    at = INTERVAL * np.arange(1, 1 + len(looks.z_prior))
    return Training(model, min_information, at, np.array(looks.z_prior), looks.spread)


def snapshot(model, examples):
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

    def __init__(self, examples, steps_an_epoch):
        super().__init__()
        self.examples, self.steps_an_epoch = examples, steps_an_epoch
        self.z_prior, self.spread, self.reached = [], None, False

    def on_epoch_end(self, epoch, logs=None):
        """Looks; an epoch of Keras is an interval here."""
        min_information = self.model.min_information
        self.z_prior.append(logs["z_prior"])
        self.reached |= logs["z_prior"] >= min_information
        if not self.reached:
            self.spread = snapshot(self.model, self.examples)
        epochs, rest = divmod((epoch + 1) * INTERVAL, self.steps_an_epoch)
        if rest == 0 and epochs % EPOCHS_A_LINE == 0:
            print(
                f"λ = {min_information:g}: epoch {epochs}, ELBO {logs['elbo']:.3f} nats, z-prior "
                f"{logs['z_prior']:.3f} nats",
                flush=True,
            )
