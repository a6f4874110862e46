"""From a trained model's posteriors and latents to a tree of its components. NumPy arrays throughout.

Two components belong together if their examples are neighbours in the latent space more often than by chance, and
if the posterior wavers between them: both are shares of pairs, beside the product of the components' sizes. The
pair with the most is joined, then the next, until one is left (average linkage on a graph: Bonald, Charpentier,
Galland and Hollocou 2018). A trained posterior wavers hardly anywhere, at hundreds of nats between components, so
it is first made softer, all of it alike. No label is used.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from tf_gmvae.hierarchy.tree import Hierarchy

# Neighbours of an example, and examples that are looked at, at most.
NEIGHBOURS, MOST = 15, 10_000
# The mean probability of the likeliest component, to which the posterior is softened.
CERTAINTY = 0.75
# What all components have in common, beside what chance gives them: what has nothing else is still joined.
BY_CHANCE = 1e-3


def tree(log_posterior: np.ndarray, x: np.ndarray, seed: int = 0) -> Hierarchy:
    """The tree of the components.

    Args:
        log_posterior: array (N, K), log p(z | y), nats.
        x: array (N, D), means of q(x | y).
        seed: of the draw, if there are more than 10,000 examples. Default 0.

    Returns:
        `Hierarchy` with this posterior.
    """
    drawn = np.random.default_rng(seed).permutation(len(x))[:MOST]
    some = log_posterior[drawn].astype("float64")
    shares = (of_neighbours(np.exp(some), x[drawn]) + of_overlaps(softened(some))) / 2.0
    return Hierarchy(linkage(shares), np.exp(log_posterior))


def of_neighbours(posterior: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The share of all pairs of neighbours that lie in any two components.

    Args:
        posterior: array (N, K), rows sum to one: an example counts for each component with its probability.
        x: array (N, D).

    Returns:
        Symmetric float64 array (K, K), which sums to one; zeros of fewer than two examples.
    """
    from sklearn.neighbors import kneighbors_graph

    if len(x) < 2:
        return np.zeros((posterior.shape[1],) * 2)
    graph = sparse.csr_matrix(kneighbors_graph(x, min(NEIGHBOURS, len(x) - 1)))
    both = posterior.T @ (graph @ posterior)
    both += both.T
    return both / both.sum()


def of_overlaps(posterior: np.ndarray) -> np.ndarray:
    """The chance that two draws from the posterior of one example are any two components.

    Args:
        posterior: array (N, K), rows sum to one.

    Returns:
        Symmetric array (K, K), which sums to one.
    """
    return posterior.T @ posterior / len(posterior)


def softened(log_posterior: np.ndarray) -> np.ndarray:
    """The posterior at a temperature at which its mean certainty is 3/4, or as it is where it is less certain.

    Args:
        log_posterior: array (N, K), nats.

    Returns:
        Array (N, K), rows sum to one.
    """
    from scipy.special import softmax

    coldest, hottest = 1.0, 1e-6  # what log p is multiplied by
    for _ in range(40):
        middle = np.sqrt(coldest * hottest)
        if softmax(middle * log_posterior, axis=1).max(axis=1).mean() < CERTAINTY:
            hottest = middle
        else:
            coldest = middle
    return softmax(coldest * log_posterior, axis=1)


def linkage(shares: np.ndarray) -> np.ndarray:
    """The tree of components that have so much in common.

    Args:
        shares: symmetric array (K, K) of sum one: how much any two components have in common.

    Returns:
        Array (K - 1, 4), see `Hierarchy`. The height of two nodes that have r times as much in common as by
        chance is log(1 + 1 / (r + 0.001)), and 0 where one of them has no example.
    """
    num_components = len(shares)
    shares, nodes, below, joins = shares.copy(), list(range(num_components)), [1] * num_components, []
    while len(nodes) > 1:
        sizes = shares.sum(axis=0)
        by_chance = np.outer(sizes, sizes)
        # A component without examples is first of all.
        times = np.divide(shares, by_chance, out=np.full_like(shares, np.inf), where=by_chance > 0) + BY_CHANCE
        np.fill_diagonal(times, -np.inf)
        first, second = sorted(np.unravel_index(times.argmax(), times.shape))
        below[first] += below.pop(second)
        joins.append((nodes[first], nodes.pop(second), np.log1p(1.0 / times[first, second]), below[first]))
        nodes[first] = num_components + len(joins) - 1
        shares[first] += shares[second]
        shares[:, first] += shares[:, second]
        shares = np.delete(np.delete(shares, second, axis=0), second, axis=1)
    tree = np.array(joins, "float64").reshape(-1, 4)
    tree[:, 2] = np.maximum.accumulate(tree[:, 2])  # rounding alone makes it fall
    return tree
