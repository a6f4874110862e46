"""Which examples stand for a component, and what it holds. Arrays throughout."""

from typing import NamedTuple

import numpy as np

from tf_gmvae.evaluation import contingency, log_odds


class Component(NamedTuple):
    """One component of a clustering.

    Attributes:
        number: k.
        members: array (n,), the numbers of the examples assigned to it: the most certain first and, among equals,
            the most likely.
        certainty: array (n,), their p(z = k | y).
        contents: list of pairs (label, count), the most frequent first; empty without labels.
    """

    number: int
    members: np.ndarray
    certainty: np.ndarray
    contents: list[tuple[int, int]]


def components(
    posterior: np.ndarray,
    elbo: np.ndarray,
    labels: np.ndarray | None = None,
    log_posterior: np.ndarray | None = None,
    assigned: np.ndarray | None = None,
) -> list[Component]:
    """All components, with their members.

    Args:
        posterior: array (N, K).
        elbo: array (N,), nats.
        labels: array (N,) of whole numbers, or None.
        log_posterior: array (N, K), log p(z | y), for the order of the members; None takes that of the posterior.
        assigned: array (N,) of whole numbers, the component of each example. Default None: the likeliest.

    Returns:
        List of K `Component`s, in their order.
    """
    assigned = posterior.argmax(axis=1) if assigned is None else assigned
    certainty, found = log_odds(posterior, log_posterior), []
    for k in range(posterior.shape[1]):
        members = np.flatnonzero(assigned == k)
        # Members of the same certainty, as duplicates are: the ELBO tells the typical from the odd.
        members = members[np.lexsort((-elbo[members], -certainty[members, k]))]
        contents = []
        if labels is not None:
            values, counts = np.unique(labels[members], return_counts=True)
            order = np.argsort(-counts, kind="stable")
            contents = [(int(values[i]), int(counts[i])) for i in order]
        found.append(Component(k, members, posterior[members, k], contents))
    return found


def ends(members: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The most and the least certain members, without overlap.

    Args:
        members: array (n,), as in `Component`.
        count: integer, the most examples of either kind.

    Returns:
        Pair of arrays; the least certain begins with the very least.
    """
    most = members[: min(count, (len(members) + 1) // 2)]
    return most, members[len(most) :][::-1][:count]


def confusion(posterior: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Examples by component and label.

    Args:
        posterior: array (N, K).
        labels: array (N,).

    Returns:
        Triple: numbers of the components that have examples, ordered by their most frequent label and then by
        size; the labels that occur; and the counts (components, labels).
    """
    classes, counts = contingency(posterior, labels)
    used = np.flatnonzero(counts.sum(axis=1))
    order = used[np.lexsort((-counts[used].max(axis=1), counts[used].argmax(axis=1)))]
    return order, classes, counts[order]


def least_likely(elbo: np.ndarray, count: int) -> np.ndarray:
    """The examples of the lowest ELBO: what the model has not seen the like of.

    Args:
        elbo: array (N,), nats.
        count: integer, how many.

    Returns:
        Array of numbers, the least likely first.
    """
    return np.argsort(elbo, kind="stable")[:count]


def standardised(examples: np.ndarray) -> np.ndarray:
    """Vectors in standard deviations from the mean of all, column by column.

    Args:
        examples: array (N, F).

    Returns:
        float64 array (N, F); zeros in a constant column.
    """
    examples = np.asarray(examples, "float64")
    deviations = examples.std(axis=0)
    return (examples - examples.mean(axis=0)) / np.where(deviations > 0, deviations, 1.0)


def component_means(values: np.ndarray, found: list[Component]) -> np.ndarray:
    """Mean of every component's members.

    Args:
        values: array (N, F).
        found: list of `Component`s.

    Returns:
        Array (K, F); zeros for a component without examples.
    """
    means = np.zeros((len(found), values.shape[1]))
    for component in found:
        if len(component.members):
            means[component.number] = values[component.members].mean(axis=0)
    return means
