"""The simple methods on the data of a run: their scores beside the run's own, and when they suffice. Of arrays."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tf_gmvae.errors import in_short
from tf_gmvae.evaluation import baselines, measures
from tf_gmvae.sampling import drawn
from tf_gmvae.version import __version__

log = logging.getLogger(__name__)
TITLES = {
    "kmeans": "k-means",
    "gmm": "Gaussian mixture",
    "gmm_full": "full mixture",
    "umap": "UMAP + Gaussian mixture",
}
# Examples that they are fitted to or scored on at most, and values of these: MNIST then takes less than a minute.
MOST, MOST_VALUES = 20_000, 20_000_000
# Columns up to which covariances are full.
FULL = 50
# Of the training and the scored part, K and a seed: a posterior.
Method = Callable[[np.ndarray, np.ndarray, int, int], np.ndarray]
CLUSTER: dict[str, Method] = {
    "kmeans": baselines.kmeans,
    "gmm": baselines.gaussian_mixture,
    "gmm_full": baselines.full_mixture,
    "umap": baselines.umap_mixture,
}
# At the end of every run.
QUICK: dict[str, Method] = {**CLUSTER, "umap": baselines.quick_umap_mixture}


class Floors:
    """The simple methods on one data set.

    A method is fitted to at most 20,000 examples of the training part, drawn, and scored on at most as many of the
    scored part, drawn; of more than 1,000 values each, fewer. It sees pixels as numbers in [0, 1].

    Args:
        train: array (N, ...), examples of the training part.
        scored: array (N', ...), those that are scored; may be the same.
        num_components: integer, K.
        seed: integer, of the draw and of the methods. Default 0.
        features: function of an array of examples, what the methods see in their place: of a table its columns on
            one scale. Default None: the examples themselves.

    Attributes:
        drawn: array of whole numbers, which of the scored part are scored here.
        methods: tuple of keys of `TITLES`, the methods that these data can have; none for K = 1, or fewer examples
            than K.
    """

    def __init__(
        self,
        train: np.ndarray,
        scored: np.ndarray,
        num_components: int,
        seed: int = 0,
        features: Callable[[np.ndarray], np.ndarray] | None = None,
    ) -> None:
        self.num_components, self.seed = num_components, seed
        most = min(MOST, MOST_VALUES // int(np.prod(train.shape[1:])))
        fitted, self.drawn = drawn(len(train), most, seed), drawn(len(scored), most, seed)
        self._train, self._scored = train[fitted], scored[self.drawn]
        self._seen = [part if features is None else features(part) for part in (self._train, self._scored)]
        # All that puts examples into one cluster does it equally well.
        enough, shape = len(fitted) >= num_components > 1, self._seen[0].shape
        full = len(shape) == 2 and shape[1] <= FULL
        self.methods = tuple(name for name in TITLES if enough and (name != "gmm_full" or full))

    def of(self, labels: np.ndarray) -> dict[str, Any]:
        """What the scores depend on: those of another run or day hold here if it is the same.

        Args:
            labels: array (N',), of the scored part.

        Returns:
            Dict that JSON can hold: K, seed, a fingerprint of the data, version of this package.
        """
        return {
            "num_components": self.num_components,
            "seed": self.seed,
            "data": fingerprint(self._train, self._scored, labels[self.drawn]),
            "version": __version__,
        }

    def posterior(self, method: str) -> np.ndarray | None:
        """What a method makes of the examples that are scored here.

        Args:
            method: one of `methods`.

        Returns:
            Array (n, K), of the examples `drawn`; None, if the method fails, and then why is logged.
        """
        train, scored = self._seen
        try:
            found = QUICK[method](train, scored, self.num_components, self.seed)
            if np.isfinite(found).all():
                return found
            reason = "what it says is not finite"
        except (ValueError, ArithmeticError, RuntimeError, MemoryError) as error:
            # Whatever ails a method on odd data or machines, the scores of the run are not lost for it.
            reason = in_short(error)
        log.warning("%s fails, and is left out of what is compared: %s.", TITLES[method], reason)
        return None

    def compute(self, labels: np.ndarray) -> dict[str, Any]:
        """The scores of all `methods`.

        Args:
            labels: array (N',), of the scored part.

        Returns:
            Dict that JSON can hold: `of`, seconds, numbers of examples, and "methods", a dict from their names to
            their seconds and scores. A method that fails is left out.
        """
        began, found = time.perf_counter(), {}
        for method in self.methods:
            since = time.perf_counter()
            posterior = self.posterior(method)
            if posterior is None:
                continue
            scores = measures.scores(posterior, labels[self.drawn])
            found[method] = {"seconds": round(time.perf_counter() - since, 3), **scores}
        return {
            "of": self.of(labels),
            "seconds": round(time.perf_counter() - began, 3),
            "fitted_to": len(self._train),
            "scored_on": len(self._scored),
            "methods": found,
        }

    def agreement(self, clusters: np.ndarray) -> float | None:
        """How far clusters agree with those of k-means, for which no label is needed.

        Args:
            clusters: array (N',), of the scored part.

        Returns:
            Adjusted Rand index: 1 where they are the same, about 0 where they have nothing in common. None, if
            there is no k-means of these examples.
        """
        from sklearn.metrics import adjusted_rand_score

        posterior = self.posterior("kmeans") if "kmeans" in self.methods else None
        if posterior is None:
            return None
        return float(adjusted_rand_score(posterior.argmax(axis=1), clusters[self.drawn]))


def fingerprint(*parts: np.ndarray) -> str:
    """What data are known by, so that scores of others are not taken for theirs.

    Args:
        *parts: arrays.

    Returns:
        Text of 16 characters, the same for the same arrays alone.
    """
    digest = hashlib.sha256()
    for part in parts:
        digest.update(f"{part.shape} {part.dtype}".encode())
        digest.update(np.ascontiguousarray(part).data)
    return digest.hexdigest()[:16]


def rows(metrics: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """What stands side by side: the simple methods, the start, the end.

    Args:
        metrics: dict of a run's scores, with "floors" and maybe "start".

    Returns:
        List of pairs of a title and a dict of scores; empty, if no simple method has any.
    """
    found = (metrics.get("floors") or {}).get("methods")
    if not found:
        return []
    start = metrics.get("start") or {}
    of_start = (("labels of the start", "labels_found"), ("after the start", "after"))
    return [
        *((TITLES[name], found[name]) for name in TITLES if name in found),
        *((title, start[key]) for title, key in of_start if key in start),
        ("GMVAE", metrics),
    ]


def verdict(metrics: Mapping[str, Any]) -> str | None:
    """One sentence where simple methods suffice: their ARI is at least that of the run, or higher.

    Args:
        metrics: dict of a run's scores, with "floors".

    Returns:
        Text, or None where the run has the highest ARI, one cluster, or nothing to be compared with.
    """
    found, ours = (metrics.get("floors") or {}).get("methods") or {}, metrics.get("ari")
    if ours is None or metrics.get("num_components") == 1:
        return None
    as_good = [name for name in TITLES if name in found and found[name]["ari"] >= ours]
    if not as_good:
        return None
    better = [name for name in as_good if round(found[name]["ari"], 3) > round(ours, 3)]
    said = better or as_good
    titles, scores = [TITLES[name] for name in said], [f"{found[name]['ari']:.3f}" for name in said]
    does = f"{'does' if len(said) == 1 else 'do'} {'better' if better else 'as well'}"
    return f"{_listed(titles)} {does} here: ARI {_listed(scores)}, the GMVAE's {ours:.3f}."


def _listed(texts):
    *first, last = texts
    return f"{', '.join(first)} and {last}" if first else last
