"""What the simple methods make of the data of a run, and how its clusters stand beside theirs."""

from __future__ import annotations

from typing import Any

import numpy as np

from tf_gmvae import terminal
from tf_gmvae.errors import InputError
from tf_gmvae.evaluation.floors import Floors
from train.run.run import Run

# Of the flag of the commands that compute them.
HELP = "Score k-means, Gaussian mixtures and UMAP + mixture on the same data; without it, what is stored is shown."


def beside(run: Run, posterior: np.ndarray, compute: bool = True) -> dict[str, Any] | None:
    """Scores of the simple methods; without labels, how far the run agrees with k-means.

    Scores that the run has stored are taken again, if data, K, seed and version of this package are the same.

    Args:
        run: `Run`.
        posterior: array (N, K), of the examples that are scored.
        compute: whether what is not stored is computed. Default True.

    Returns:
        Dict that JSON can hold, "floors" of `metrics.json`: of data with labels that of `Floors.compute`, else
        "agreement" with k-means, an adjusted Rand index. None, if there is nothing to tell.
    """
    stored = _stored(run.folder)
    if not (compute or stored):
        return None
    labels, settings = run.scored.labels, run.settings
    features = run.model.likelihood.features()
    floors = Floors(
        run.fitted.examples, run.scored.examples, settings.num_components, settings.seed,
        None if features is None else lambda rows: features(rows).numpy(),
    )  # fmt: skip
    if labels is None:
        # Of the clusters as they are now, and quick.
        agreement = floors.agreement(posterior.argmax(axis=1))
        return None if agreement is None else {"agreement": agreement}
    if stored and stored.get("of") == floors.of(labels):
        return stored
    if not (compute and floors.methods):
        return None
    with terminal.step("k-means, mixtures and UMAP on the same data, to compare with"):
        return floors.compute(labels)


def _stored(folder):
    """Those of `metrics.json`, if it can be read."""
    try:
        return (folder.read_metrics() or {}).get("floors")
    except InputError:
        return None  # it is about to be written anew
