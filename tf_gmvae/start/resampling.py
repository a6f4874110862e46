"""How well the clusters of samples of the data agree: one that is there is found again in each. NumPy arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

# Samples by which it is measured, and their share of the rows.
SAMPLES, SHARE = 8, 0.8
# Stands for the cluster of a row that is not in a sample; -1 is a row of it that is in no cluster.
ABSENT = -2


def pairwise_agreement(samples: Sequence[np.ndarray] | np.ndarray) -> float:
    """Agreement of the clusters that are found in samples of the same rows.

    Args:
        samples: list of at least two integer arrays (N,), or array of them: the clusters of a sample,
            `ABSENT` of rows that are not in it.

    Returns:
        Mean adjusted Rand index of any two samples on the rows of both; 1 where the clusters are the same in all,
        0 where there is one cluster only.
    """
    from sklearn.metrics import adjusted_rand_score

    scores = []
    for number, first in enumerate(samples):
        for second in samples[:number]:
            both = (first != ABSENT) & (second != ABSENT)
            # One cluster of all is the same each time, and none.
            found_any = np.ptp(first[both]) > 0
            scores.append(adjusted_rand_score(first[both], second[both]) if found_any else 0.0)
    return float(np.mean(scores))
