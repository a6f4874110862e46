"""From a trained model's posteriors and latents to a tree of its components. NumPy arrays throughout.

Two components belong together if their examples are neighbours in the latent space more often than by chance: if
the share of neighbours that they have in common is large beside the product of their sizes. That pair is joined,
then the next, until one is left (average linkage on a graph: Bonald, Charpentier, Galland and Hollocou 2018). No
label is used.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from tf_gmvae.hierarchy.tree import Hierarchy

# Neighbours of an example, and examples that are looked at, at most.
NEIGHBOURS, MOST = 15, 10_000
# Neighbours, beside those expected by chance, that all components have in common: what has none is still joined.
BY_CHANCE = 1e-3


def tree(posterior: np.ndarray, x: np.ndarray, seed: int = 0) -> Hierarchy:
    """The tree of the components.

    Args:
        posterior: array (N, K), p(z | y).
        x: array (N, D), means of q(x | y).
        seed: of the draw, if there are more than 10,000 examples. Default 0.

    Returns:
        `Hierarchy` with this posterior.
    """
    drawn = np.random.default_rng(seed).permutation(len(x))[:MOST]
    return Hierarchy(linkage(affinities(posterior[drawn], x[drawn])), posterior)


def affinities(posterior: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The share of all pairs of neighbours that lie in any two components.

    Args:
        posterior: array (N, K), rows sum to one: an example counts for each component with its probability.
        x: array (N, D).

    Returns:
        Symmetric float64 array (K, K), which sums to one; zeros of fewer than two examples.
    """
    from sklearn.neighbors import kneighbors_graph

    posterior = posterior.astype("float64")
    if len(x) < 2:
        return np.zeros((posterior.shape[1],) * 2)
    graph = sparse.csr_matrix(kneighbors_graph(x, min(NEIGHBOURS, len(x) - 1)))
    both = posterior.T @ (graph @ posterior)
    both += both.T
    return both / both.sum()


def linkage(shares: np.ndarray) -> np.ndarray:
    """The tree of components whose examples are neighbours so often.

    Args:
        shares: array (K, K), see `affinities`.

    Returns:
        Array (K - 1, 4), see `Hierarchy`. The height of two nodes that are neighbours r times as often as
        by chance is log(1 + 1 / (r + 0.001)), and 0 where one of them has no example.
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
