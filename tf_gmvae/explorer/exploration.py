"""What a page to explore is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tf_gmvae.errors import InputError
from tf_gmvae.report.findings import Findings

# Points of a map: more hide each other, and their pictures would make a file too large to send.
MOST = 20_000


@dataclass(frozen=True, eq=False)
class Exploration:
    """What a trained model says of P examples, as arrays, and where they lie on a map.

    Attributes:
        findings: `Findings` of the P examples; those of its fields that only a report shows may be None.
        points: array (P, 2), the map.
        ids: array (P,) of strings.
        parts: array (P,) of strings, the part of the data of each: train or test.
        total: integer, N: of so many examples the P were drawn.
        reconstructions: array (P, ...), means of p(y | x), or None of a method that has none.
        planes: dict from numbers of components to arrays (Q, R, ...), see `drawing.planes`.
        places: array (R,), where on a line through w, in deviations of its prior.
        columns: list of pairs (name, levels) of F columns of a table; None where they have no names. Default None.
        names: list of K texts, what the clusters are called, or None. Default None.
        rows: array (P,) of whole numbers by which a server knows the examples; None: what is known of them is in
            the page. Default None.
        counts: array (K,), examples of each cluster among all; None: among the P. Default None.
        kept: dict of names and marks that were kept with the run, or None. Default None.
        clusters: array (P,) of whole numbers, the cluster of each example: not the likeliest, where others share a
            name. Default None: the likeliest.
        certainty: array (P,), the probability of that cluster, or of all of its name. Default None: that of the
            likeliest.

    Raises:
        InputError: if arrays do not fit each other.
    """

    findings: Findings
    points: np.ndarray
    ids: np.ndarray
    parts: np.ndarray
    total: int
    reconstructions: np.ndarray | None
    planes: Mapping[int, np.ndarray]
    places: np.ndarray
    columns: Sequence[tuple[str, Sequence[str]]] | None = None
    names: Sequence[str] | None = None
    rows: np.ndarray | None = None
    counts: np.ndarray | None = None
    kept: dict | None = None
    clusters: np.ndarray | None = None
    certainty: np.ndarray | None = None

    def __post_init__(self) -> None:
        count = len(self.findings.examples)
        for what in ("points", "ids", "parts", "reconstructions", "rows", "clusters", "certainty"):
            values = getattr(self, what)
            if values is not None and len(values) != count:
                raise InputError(f"A page needs one of {what} an example: {count}. Received: {len(values)}.")


def some(findings: Findings, numbers: np.ndarray) -> Findings:
    """The findings about some of the examples.

    Args:
        findings: `Findings`.
        numbers: array (P,) of numbers of examples.

    Returns:
        `Findings` of these P.
    """
    fields = ("examples", "posterior", "x", "elbo", "labels", "log_posterior", "features", "ids")
    values = {name: getattr(findings, name) for name in fields}
    return replace(findings, **{name: value[numbers] for name, value in values.items() if value is not None})
