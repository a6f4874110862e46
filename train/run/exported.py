"""An exported model, as it is asked for answers about data in files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tf_gmvae import disk
from tf_gmvae.checks import known
from tf_gmvae.data.pipeline import to_batches
from tf_gmvae.data.split import Split
from tf_gmvae.errors import InputError, in_short
from tf_gmvae.hierarchy.tree import Hierarchy
from tf_gmvae.serving.export import RECORD
from tf_gmvae.tables.columns import Columns
from train.run.answers import Answer
from train.run.folder import RunFolder

# Examples that are asked about at a time.
BATCH = 256


def is_of(version: Path, folder: RunFolder) -> bool:
    """Whether an exported version was made of the model that a run has now, and has the names of its clusters.

    Args:
        version: path of the version.
        folder: `RunFolder` of the run.
    """
    record = _record(version)
    if record.get("names") != folder.read_clusters().get("names"):
        return False
    digest = record.get("model_sha256")
    if digest is None:  # of an earlier version
        return version.stat().st_mtime >= folder.model.stat().st_mtime
    return digest == folder.model_digest()


class Exported:
    """A SavedModel of this package.

    Args:
        path: path of a version, such as saved_models/digits/latest.

    Attributes:
        data_shape: tuple, shape of an example.
        num_components: K.
        columns: `Columns` of a model of tables, else None.
        id_column: name of the column by which rows are known, or None where the export does not say.
        image_size: None: an export does not know it.
        skip_broken: False, likewise.
        outlier_below: ELBO, nats, or None where the export does not say.
        names: names of the clusters, or None.
        tree: `Hierarchy` of the clusters, or None where the export does not have it.

    Raises:
        InputError: if it is none, or cannot be read.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not (self.path / "saved_model.pb").is_file():
            raise InputError(f"{path} is no exported model: give a version, such as saved_models/digits/latest.")
        try:
            self._model = tf.saved_model.load(str(self.path))
            signatures = self._model.signatures
            examples = signatures["cluster"].structured_input_signature[1]["examples"]
            self.num_components = int(signatures["cluster"].structured_outputs["posterior"].shape[1])
            signatures["score"]
        except (OSError, ValueError, LookupError, AttributeError, tf.errors.OpError) as error:
            if disk.sentence(error) is not None:
                raise
            reason = in_short(error)
            raise InputError(
                f"{path} cannot be read as an export of this package ({reason}): export it anew."
            ) from None
        self.data_shape = tuple(examples.shape[1:])
        record = _record(self.path)
        self.columns = None if record.get("columns") is None else Columns.from_config(record["columns"])
        self.id_column, self.image_size, self.skip_broken = record.get("id_column"), None, False
        self._uint8_scale, self._binarize = record.get("uint8_scale", 1.0), record.get("binarize", "none")
        self.outlier_below, self.names = record.get("outlier_below"), record.get("names")
        linkage = record.get("linkage")
        self.tree = None if linkage is None else Hierarchy.from_list(linkage)

    def answer(self, split: Split) -> Answer:
        """What the model says of a part of the data.

        Args:
            split: `Split`.

        Returns:
            `Answer`.
        """
        signatures = self._model.signatures
        kind = self._kind(split)
        log_posteriors, elbos = [], []
        for batch in self._batches(split, kind):
            scored = signatures[f"score{kind}"](examples=batch)
            log_posterior = scored.get("log_posterior")
            if log_posterior is None:  # of an earlier version
                log_posterior = tf.math.log(signatures[f"cluster{kind}"](examples=batch)["posterior"])
            log_posteriors.append(log_posterior.numpy())
            elbos.append(scored["elbo"].numpy())
        found = Answer(np.concatenate(log_posteriors), np.concatenate(elbos))
        known(found.log_posterior, split.ids)
        known(found.elbo, split.ids)
        return found

    def codes(self, split: Split) -> np.ndarray:
        """Means of q(x | y).

        Args:
            split: `Split`, at most some hundred examples.

        Returns:
            Float32 array (N, D).
        """
        kind = self._kind(split)
        embed = self._model.signatures[f"embed{kind}"]
        return np.concatenate([embed(examples=batch)["x"].numpy() for batch in self._batches(split, kind)])

    def _kind(self, split):
        shades = split.examples.dtype == np.uint8 and "cluster_uint8" in self._model.signatures
        return "_uint8" if shades and self._binarize == "none" else ""

    def _batches(self, split, kind):
        """Examples on the scale that the model was trained on, tensors."""
        if self._binarize != "none":  # a pipeline costs more than an answer: train.score asks often, of few rows
            yield from to_batches(split, BATCH, binarize=self._binarize)
            return
        for begin in range(0, split.num_examples, BATCH):
            part = split.examples[begin : begin + BATCH]
            if not kind:
                scale = self._uint8_scale if part.dtype == np.uint8 else 1.0
                part = part.astype("float32") / np.float32(scale)
            yield tf.constant(part)


def _record(version: Path) -> dict[str, Any]:
    path = version / RECORD
    if not path.is_file():  # of an earlier version
        return {}
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path} is damaged ({error}): export the model anew.") from None
