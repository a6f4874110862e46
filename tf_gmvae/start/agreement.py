"""Which clustering to believe, without a label: the one that is found again.

Methods differ in what they take for a cluster, and none is right for all data. One that fits finds the same
clusters again in other samples of the data; one that does not finds others each time (Ben-Hur, Elisseeff and Guyon
2002; von Luxburg 2010). So each method is tried on samples. Among Gaussians that are nearly as stable as each
other, the data themselves decide by their likelihood; beside a map, whose likelihood says nothing of the data,
they vote. Of columns of few values the most stable Gaussians count alone. Clusters with gaps between them, where
those of the others have none, need no vote. NumPy arrays throughout.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from tf_gmvae import terminal, threads
from tf_gmvae.evaluation.neighbourhoods import LEAST_POINTS
from tf_gmvae.sampling import drawn
from tf_gmvae.start import islands, known
from tf_gmvae.start.candidates import Candidate
from tf_gmvae.start.resampling import ABSENT, SAMPLES, SHARE, pairwise_agreement
from tf_gmvae.terminal import Step

# Rows that samples are drawn from at most.
MOST_ROWS = 1_500
# By how much a method may be less stable than another, and still have its say: as an estimate from so few samples
# goes, among Gaussians by their criterion, and beside a map.
NEARLY, AS_GOOD = 0.1, 0.05
# How stable clusters with gaps between them are, and those of a map that part few neighbours.
FOUND_AGAIN, MOSTLY_FOUND_AGAIN = 0.95, 2 / 3
# Different values of a column that are few, and the share of such columns from which on a table is one of answers.
FEW_VALUES, REPEATED_SHARE = 10, 0.25
# Standard deviations by which a method must fit known examples better, to be believed for them.
SURE = 2.0
# Where every cluster has its known examples.
DISCRIMINANTS = "linear discriminants of the known examples"


def soft_labels(
    points: np.ndarray,
    num_components: int,
    seed: int,
    candidates: Mapping[str, Candidate],
    say: Callable[[str], object],
    step: Step = terminal.step,
) -> np.ndarray:
    """Clusters on which the stable methods agree.

    Args:
        points: array (N, F).
        num_components: K, at most N.
        seed: integer; the same seed gives the same labels.
        candidates: dict of methods by name, see `candidates.for_rows`.
        say: function that shows a line of progress.
        step: what shows how far long steps have come. Default `terminal.step`.

    Returns:
        Array (N, K), rows sum to one.
    """
    repeats = mostly_repeated(points)
    if repeats:
        candidates = {name: method for name, method in candidates.items() if name != "map"}
    stabilities = {}
    with step("  Which clusters are found again in samples", len(candidates)) as reached:
        for number, (name, method) in enumerate(candidates.items(), start=1):
            stabilities[name] = stability(points, num_components, seed, method)
            reached(number)
    say(
        "  Found again in samples: "
        + ", ".join(f"{name} {value:.2f}" for name, value in stabilities.items())
        + "."
    )
    of_values = {name: value for name, value in stabilities.items() if name != "map"}
    gaussians = _as_stable(of_values, 0.0 if repeats else NEARLY)
    found = {name: candidates[name](points, num_components, seed) for name in gaussians}
    likeliest = min(found, key=lambda name: found[name].bic or 0.0)
    voters = _as_stable({name: stabilities[name] for name in (likeliest, "map") if name in stabilities}, AS_GOOD)
    if "map" in voters:
        found["map"] = candidates["map"](points, num_components, seed)
    best = max(voters, key=lambda name: stabilities[name])
    labels = vote({name: found[name].posterior for name in voters}, stabilities, best)
    separate = None if repeats else _islands(points, num_components, seed, labels.argmax(axis=1))
    if separate is not None:
        say("  Clusters by the gaps between them.")
        return separate
    if "map" not in voters and stabilities.get("map", 0.0) >= MOSTLY_FOUND_AGAIN:
        at_home = _at_home(points, num_components, seed, candidates["map"], labels.argmax(axis=1))
        if at_home is not None:
            say("  Clusters by map, where neighbours are together.")
            return at_home
    say(f"  Clusters by {' and '.join(voters)}.")
    return labels


def _islands(points, num_components, seed, others):
    """Clusters with gaps between them that are found again in samples, or None."""
    if len(points) < LEAST_POINTS:
        return None
    among = drawn(len(points), MOST_ROWS, seed)
    clusters = islands.found(points[among], num_components, seed).posterior.argmax(axis=1)
    if not islands.are_islands(points[among], clusters, others[among]):
        return None
    if stability(points, num_components, seed, islands.found) < FOUND_AGAIN:
        return None
    return islands.found(points, num_components, seed).posterior


def _at_home(points, num_components, seed, method, others):
    """Clusters of a method which part far fewer neighbours than others do, or None."""
    among = drawn(len(points), MOST_ROWS, seed)
    clusters = method(points[among], num_components, seed).posterior.argmax(axis=1)
    if not islands.parts_fewer(points[among], clusters, others[among]):
        return None
    return method(points, num_components, seed).posterior


def mostly_repeated(points: np.ndarray) -> bool:
    """Whether many columns hold the same few values again and again, as answers and grades do.

    A density has no bound at such a value, so likelihoods tell nothing; and on a map, rows that are equal in them
    are islands. Then only what is found again counts.

    Args:
        points: array (N, F).
    """
    different = np.array([len(np.unique(column)) for column in points.T])
    return bool(np.mean(different <= FEW_VALUES) >= REPEATED_SHARE)


def with_known(
    labels: np.ndarray,
    points: np.ndarray,
    seed: int,
    candidates: Mapping[str, Candidate],
    classes: np.ndarray,
    say: Callable[[str], object],
) -> np.ndarray:
    """Clusters that go with known examples: those that were found, unless a method surely fits these better.

    Of a handful of known examples one more or less in its place says little, so a method is believed for them only
    if it has more right than the clusters that were found beyond the chance of a fair coin (McNemar 1947).

    Args:
        labels: array (N, K), answer of `soft_labels`.
        points: array (N, F).
        seed: integer.
        candidates: dict of methods by name.
        classes: integer array (N,), known classes, -1 where unknown.
        say: function that shows a line of progress.

    Returns:
        Array (N, K), rows sum to one.
    """
    num_components = labels.shape[1]
    had = known.right(labels.argmax(axis=1), classes, num_components)
    found = {name: method(points, num_components, seed).posterior for name, method in candidates.items()}
    has = {
        name: known.right(posterior.argmax(axis=1), classes, num_components) for name, posterior in found.items()
    }
    counts = np.bincount(classes[classes >= 0])
    if len(counts) == num_components and counts.min() > 1:
        found[DISCRIMINANTS], has[DISCRIMINANTS] = known.discriminated(points, classes)
    gains = {name: (np.sum(its) - np.sum(had)) / np.sqrt(max(1, np.sum(its != had))) for name, its in has.items()}
    best = max(gains, key=lambda name: gains[name])
    if gains[best] <= SURE:
        return labels
    say(f"  Clusters by {best}, which the {len(had):,} known examples go with.")
    return found[best]


def stability(
    points: np.ndarray, num_components: int, seed: int, method: Candidate, num_samples: int | None = None
) -> float:
    """Agreement of the clusters that are found in samples of the rows.

    Args:
        points: array (N, F), of which at most `MOST_ROWS` are drawn.
        num_components: K.
        seed: integer.
        method: see `candidates.for_rows`.
        num_samples: integer, at least 2. Default None: `SAMPLES`.

    Returns:
        Mean adjusted Rand index of any two samples on the rows of both; 1 where the clusters are the same in all,
        0 where there is one cluster only.
    """
    rng = np.random.default_rng(seed)
    if len(points) > MOST_ROWS:
        points = points[drawn(len(points), MOST_ROWS, rng)]
    size = max(num_components, 2, round(SHARE * len(points)))
    found = np.full((num_samples or SAMPLES, len(points)), ABSENT)
    with threads.limited():
        for number, clusters in enumerate(found):
            sample = drawn(len(points), size, rng)
            clusters[sample] = method(points[sample], num_components, seed + 1 + number).posterior.argmax(axis=1)
    return pairwise_agreement(found)


def _as_stable(stabilities, less):
    best = max(stabilities.values())
    return [name for name, value in stabilities.items() if value >= best - less]


def vote(posteriors: Mapping[str, np.ndarray], weights: Mapping[str, float], best: str) -> np.ndarray:
    """The mean of posteriors, each with its clusters numbered as those of the best that they overlap most.

    Args:
        posteriors: dict of arrays (N, K) by name.
        weights: dict of floats by name, the greater of which decides where two posteriors are sure of different
            clusters.
        best: name of the posterior whose numbers are kept.

    Returns:
        Array (N, K), rows sum to one.
    """
    from scipy.optimize import linear_sum_assignment

    total = np.zeros_like(posteriors[best])
    for name, posterior in posteriors.items():
        _, matching = linear_sum_assignment(-posteriors[best].T @ posterior)
        total += max(weights[name], 1e-3) * posterior[:, matching]
    return total / total.sum(axis=1, keepdims=True)
