"""A Keras callback that scores a part of the data that is not trained on."""

import keras
import numpy as np
import tensorflow as tf

from tf_gmvae import evaluation, objective


class TestPart(keras.callbacks.Callback):
    """Adds loss, ELBO and terms of a part that is not trained on to an epoch's logs, in one pass, as `val_...`.

    If the part has labels, its scores follow as `test_...`: to watch, never to choose by.

    Args:
        batches: data set of one pass over the examples, in order.
        labels: array (N,), or None.
    """

    __test__ = False  # pytest would take the class for tests

    def __init__(self, batches: tf.data.Dataset, labels: np.ndarray | None = None) -> None:
        super().__init__()
        self.batches, self.labels = batches, labels

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Examines and scores."""
        logs = {} if logs is None else logs
        found = self.model.examine(self.batches)
        means = objective.ElboTerms(*(float(np.mean(term)) for term in found.terms))
        loss = float(objective.training_loss(means, self.model.min_information))
        logs.update({f"val_{name}": value for name, value in means._asdict().items()})
        logs.update(val_loss=loss, val_elbo=means.elbo)
        if self.labels is not None:
            scores = evaluation.scores(found.posterior, self.labels, found.log_posterior)
            logs.update({f"test_{name}": value for name, value in scores.items() if value is not None})
