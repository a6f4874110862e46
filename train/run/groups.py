"""The tree of a run's components, and the groups that it is cut into."""

from __future__ import annotations

from typing import Any

import numpy as np
from absl import flags

from tf_gmvae import evaluation
from tf_gmvae.errors import InputError
from tf_gmvae.evaluation.hierarchies import dendrogram_purity
from tf_gmvae.hierarchy.joining import MOST
from tf_gmvae.hierarchy.tree import Hierarchy
from tf_gmvae.sampling import drawn
from train.run.folder import RunFolder
from train.run.run import Run


def define() -> None:
    """Defines the flag of commands that cut it."""
    flags.DEFINE_integer(
        "cut",
        None,
        "Groups of clusters to cut the tree into: scores of them, and a column `group` of every example.",
        1,
    )


def checked(cut: int | None, num_components: int) -> None:
    """Checks, before any work, that the tree can be cut so.

    Args:
        cut: integer, groups, or None.
        num_components: K.

    Raises:
        InputError: if there are fewer components.
    """
    if cut is not None and cut > num_components:
        raise InputError(
            f"--cut={cut} asks for more groups than there are clusters, {num_components}: give a smaller number."
        )


def chosen(cut: int | None, folder: RunFolder) -> int | None:
    """The number of groups to cut into: as before, where none is asked for.

    Args:
        cut: integer, groups, or None.
        folder: `RunFolder`, whose scores may be damaged: they are about to be written anew.

    Returns:
        Integer, or None where there is no cut.
    """
    if cut is not None:
        return cut
    try:
        metrics: Any = folder.read_metrics()
        groups = metrics["hierarchy"]["cut"]["groups"]
        return groups if groups in range(1, metrics["num_components"] + 1) else None
    except (InputError, LookupError, TypeError):
        return None


def tree_of(run: Run) -> Hierarchy:
    """The tree of a trained model, of training examples.

    Args:
        run: `Run`.

    Returns:
        `Hierarchy`.
    """
    split = run.fitted
    return run.model.hierarchy(run.batches(split.take(drawn(split.num_examples, MOST, run.settings.seed))))


def known_of(folder: RunFolder) -> dict[str, Any]:
    """What is known of a run and its clusters, for an export.

    Args:
        folder: `RunFolder`.

    Returns:
        Dict that JSON can hold: that of `RunFolder.read_clusters`, the linkage of the tree, if there is one,
        what the run did to images, the name of its column of ids, and the digest of its model.
    """
    tree = folder.read_tree()
    linkage = {} if tree is None else {"linkage": tree.linkage.tolist()}
    settings, digest = folder.read_settings(), folder.model_digest()
    own = {"binarize": settings.binarize, "id_column": settings.id_column, "model_sha256": digest}
    return {**folder.read_clusters(), **linkage, **own}


def scores(tree: Hierarchy, posterior: np.ndarray, labels: np.ndarray | None, cut: int | None) -> dict[str, Any]:
    """What is measured of it.

    Args:
        tree: `Hierarchy`.
        posterior: array (N, K), of the examples that are scored.
        labels: array (N,), or None.
        cut: integer, groups, or None.

    Returns:
        Dict that JSON can hold: dendrogram_purity and leaf_purity, None without labels; `cut`, the number of
        groups and their scores, where there is a cut.
    """
    clusters = posterior.argmax(axis=1)
    found: dict[str, Any] = {
        "dendrogram_purity": None if labels is None else dendrogram_purity(tree.linkage, clusters, labels),
        "leaf_purity": None if labels is None else evaluation.majority_accuracy(posterior, labels),
    }
    if cut is not None:
        grouped = tree.cut(cut, posterior)
        found["cut"] = {
            "groups": cut,
            "examples_a_group": np.bincount(grouped.argmax(axis=1), minlength=cut).tolist(),
            **evaluation.scores(grouped, labels),
        }
    return found
