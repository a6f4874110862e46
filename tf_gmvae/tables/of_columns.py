"""Clusters that are no more than the values of a few columns: categories have gaps between them by nature."""

from __future__ import annotations

import itertools

import numpy as np

from tf_gmvae.tables.columns import Columns

# Adjusted Rand index of clusters and values from which on the ones are said to be the others.
SAME = 0.8
# Kinds of columns whose values lie apart, whatever the other columns hold.
_APART = ("yes_no", "category")


def told_by(clusters: np.ndarray, rows: np.ndarray, columns: Columns) -> tuple[str, ...]:
    """The columns whose values clusters are.

    Args:
        clusters: integer array (N,).
        rows: array (N, F), as the model of a table takes them.
        columns: `Columns` of the rows.

    Returns:
        Names of one, two or all of the yes/no and category columns, the fewest that tell the clusters; none, if
        there are no such columns or the clusters are something else.
    """
    from sklearn.metrics import adjusted_rand_score

    apart = [number for number, column in enumerate(columns.columns) if column.kind in _APART]
    values = np.nan_to_num(rows[:, apart], nan=-1.0)
    places = range(len(apart))
    for chosen in (*itertools.combinations(places, 1), *itertools.combinations(places, 2), tuple(places)):
        if chosen:
            _, of_values = np.unique(values[:, list(chosen)], axis=0, return_inverse=True)
            if adjusted_rand_score(of_values.ravel(), clusters) >= SAME:
                return tuple(columns.columns[apart[place]].name for place in chosen)
    return ()
