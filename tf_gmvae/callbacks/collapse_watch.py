"""A Keras callback that says when clusters collapse."""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tf_gmvae import terminal
from tf_gmvae.evaluation import diagnostics


class CollapseWatch(keras.callbacks.Callback):
    """Looks at some examples' posteriors after every epoch, logs figures, and names a failure when it appears.

    The figures of `diagnostics.summary` join the epoch's logs, so callbacks that come after this one (CSV,
    TensorBoard) record them. A verdict is printed when it is new, with what can be done.

    Args:
        data: array, or data set of one pass, of a few thousand training examples.
        log_dir: path, folder of TensorBoard for the verdicts as text, the components taken and the activity of
            every dimension; None goes without.
        revive: whether components that take none of these examples are set beside the busiest one, which they then
            share. Default False.

    Attributes:
        verdicts: list of the sentences of the last epoch, empty where all is well.

    Example:
        >>> arcs = tf_gmvae.data.load("synthetic").train.examples[:100]
        >>> model = tf_gmvae.GMVAE.from_preset("synthetic", seed=0)
        >>> model.compile()
        >>> history = model.fit(arcs, epochs=1, verbose=0, callbacks=[tf_gmvae.CollapseWatch(arcs)])
          Epoch 1: ...
    """

    def __init__(
        self, data: np.ndarray | tf.data.Dataset, log_dir: str | Path | None = None, revive: bool = False
    ) -> None:
        super().__init__()
        self.data, self.log_dir, self.revive = data, log_dir, revive
        self.verdicts: list[str] = []

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Computes, logs, tells."""
        latents = self.model.latents(self.data)
        posterior = np.exp(latents.log_posterior)
        figures = diagnostics.summary(posterior, latents.x, latents.w)
        logs = {} if logs is None else logs
        logs.update(figures)
        clusters = posterior.argmax(axis=1)
        found = diagnostics.verdicts(
            figures,
            self.model.num_components,
            logs.get("w_prior"),
            np.bincount(clusters, minlength=self.model.num_components),
            self.model.initialized,
        )
        for number, log_posterior in enumerate(latents.levels, start=2):
            of_level = np.exp(log_posterior)
            logs.update({f"level{number}_{name}": v for name, v in diagnostics.level_summary(of_level).items()})
            found += diagnostics.level_verdicts(of_level, number, self.model.initialized)
        for sentence in found:
            # The first words name the failure, the figures in it change.
            if sentence.split(":")[0] not in [told.split(":")[0] for told in self.verdicts]:
                # Keras' own bar stands on its line until its epoch ends.
                new_line = "\n" if self.params.get("verbose") == 1 else ""
                terminal.say((f"{new_line}  Epoch {epoch + 1}: {sentence}", "yellow"), hang=4)
        self.verdicts = found
        if self.log_dir is not None:
            self._write(epoch, clusters, {"x": latents.x, "w": latents.w})
        if self.revive:
            _revive(self.model, clusters, latents.x)

    def _write(self, epoch, clusters, means):
        with tf.summary.create_file_writer(str(self.log_dir)).as_default(step=epoch):
            tf.summary.text("collapse", "\n\n".join(self.verdicts) or "none")
            tf.summary.histogram("usage", clusters, buckets=self.model.num_components)
            for name, values in means.items():
                tf.summary.histogram(f"activity_{name}", diagnostics.activity(values))


def _revive(model, clusters, x_means):
    """Sets each component without examples beside the busiest, along the line on which its examples vary most."""
    clusters = clusters.copy()
    for dead in np.setdiff1d(np.arange(model.num_components), clusters):
        busiest = np.bincount(clusters).argmax()
        members = np.flatnonzero(clusters == busiest)
        residuals = x_means[members] - x_means[members].mean(axis=0)
        _, spread, directions = np.linalg.svd(residuals, full_matrices=False)
        model.prior_head.split_component(busiest, dead, directions[0] * spread[0] / np.sqrt(len(members)))
        model.component_prior.split(busiest, dead)  # with the little weight that it has it would get no example
        # The next one may find another that is busier.
        clusters[members[residuals @ directions[0] > 0]] = dead
