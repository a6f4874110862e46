"""A run's model, as it is asked for answers about other data."""

from __future__ import annotations

from tf_gmvae import data
from tf_gmvae.data.split import Split
from train.run.answers import Answer
from train.run.folder import RunFolder
from train.run.run import EVALUATION_BATCH
from train.run.saved import load_model


class Trained:
    """The model of a run, with what it says of its clusters.

    Args:
        folder: `RunFolder`.

    Attributes:
        data_shape: tuple, shape of an example.
        num_components: K.
        columns: `Columns` of a model of tables, else None.
        id_column: name of the run's column of ids, or None.
        image_size: side in pixels to which the run's images were resized, or None.
        skip_broken: whether the run left out images that cannot be read.
        outlier_below: ELBO, nats, or None of a run of an earlier version.
        names: names of the clusters, or None.
        tree: `Hierarchy` of the clusters, or None of a run of an earlier version.

    Raises:
        InputError: if the run has no model, or it cannot be read.
    """

    def __init__(self, folder: RunFolder) -> None:
        settings = folder.read_settings()
        self._model, self._binarize = load_model(folder), settings.binarize
        record = folder.read_clusters()
        self.data_shape, self.num_components = tuple(self._model.data_shape), self._model.num_components
        self.columns = getattr(self._model.likelihood, "columns", None)
        self.id_column, self.skip_broken = settings.id_column, settings.skip_broken
        self.image_size = settings.image_size if isinstance(settings.image_size, int) else None
        self.outlier_below, self.names = record.get("outlier_below"), record.get("names")
        self.tree = folder.read_tree()

    def answer(self, split: Split) -> Answer:
        """What the model says of a part of the data.

        Args:
            split: `Split`.

        Returns:
            `Answer`.
        """
        batches = data.to_batches(split, EVALUATION_BATCH, binarize=self._binarize)
        return Answer.of(self._model, batches)
