"""All that is measured of a trained run, as three commands have it."""

from __future__ import annotations

from typing import Any, NamedTuple

from tf_gmvae import terminal
from tf_gmvae.hierarchy.tree import Hierarchy
from tf_gmvae.model.answers import Examination
from train.run import floors, groups, scoring
from train.run.run import Run


class Appraisal(NamedTuple):
    """What `appraise` finds.

    Attributes:
        examination: what the model answers about the examples that are scored.
        metrics: dict that JSON can hold, of `metrics.json`.
        tree: `Hierarchy` of the clusters.
    """

    examination: Examination
    metrics: dict[str, Any]
    tree: Hierarchy


def appraise(run: Run, cut: int | None = None, compute_floors: bool = True) -> Appraisal:
    """Asks the model of a run about all examples, and scores what it answers, its tree and the simple methods.

    Args:
        run: `Run`, trained.
        cut: integer, groups into which the tree is cut. Default None, no cut.
        compute_floors: whether scores of the simple methods that are not stored are computed. Default True.

    Returns:
        `Appraisal`; nothing is written.
    """
    with terminal.step("Scoring"):
        examination = scoring.examine(run)
        metrics = scoring.score(run, examination)
        tree = groups.tree_of(run)
    metrics["hierarchy"] = groups.scores(tree, examination.posterior, run.scored.labels, cut)
    metrics["floors"] = floors.beside(run, examination.posterior, compute_floors)
    return Appraisal(examination, metrics, tree)
