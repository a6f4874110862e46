"""What a GMVAE answers with: named tuples of arrays."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tf_gmvae import objective
from tf_gmvae.priors import LevelTerms


class Embedding(NamedTuple):
    """Means of q(x | y), (N, D), and of q(w | y), (N, W)."""

    x: np.ndarray
    w: np.ndarray


class Latents(NamedTuple):
    """What the recognition model says of examples.

    Attributes:
        log_posterior: log p(z | y) at the means of x and w, (N, K), nats.
        x: means of q(x | y), (N, D).
        w: means of q(w | y), (N, W).
    """

    log_posterior: np.ndarray
    x: np.ndarray
    w: np.ndarray

    @property
    def levels(self) -> tuple[np.ndarray, ...]:
        """None: there is one level."""
        return ()


class DeepLatents(NamedTuple):
    """The same of a deep GMVAE; `levels` are log-posteriors over the components of deeper levels, each (N, C)."""

    log_posterior: np.ndarray
    x: np.ndarray
    w: np.ndarray
    levels: tuple[np.ndarray, ...]


class Examination(NamedTuple):
    """All that one pass over examples tells.

    Attributes:
        posterior: p(z | y) at the means of x and w, (N, K).
        x: means of q(x | y), (N, D).
        w: means of q(w | y), (N, W).
        terms: `objective.ElboTerms` of arrays (N,), nats.
        log_posterior: log p(z | y), (N, K), nats: it tells apart what the posterior rounds to 1.
        levels: posteriors over the components of deeper levels, tuple of (N, C).
        level_terms: `priors.LevelTerms` of arrays (N,), nats, one a deeper level.
    """

    posterior: np.ndarray
    x: np.ndarray
    w: np.ndarray
    terms: objective.ElboTerms
    log_posterior: np.ndarray
    levels: tuple[np.ndarray, ...] = ()
    level_terms: tuple[LevelTerms, ...] = ()
