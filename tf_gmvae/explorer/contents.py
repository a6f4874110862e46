"""What the page knows, as JSON: short arrays as lists, long ones as the bytes of little-endian numbers."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from tf_gmvae.explorer.exploration import Exploration
from tf_gmvae.explorer.sheets import sheets
from tf_gmvae.figures.image_sheets import Pixels
from tf_gmvae.report import charts, members
from tf_gmvae.report.findings import Findings

# Clusters of an example that are shown with their probability, and examples that are nearest to it.
LIKELIEST, NEAREST = 10, 12
# Values of a table in the page, about: of many rows the first columns alone.
VALUES = 1_000_000
# Steps from 0 to 1 of what is kept as a whole number of two bytes.
STEPS = 65_535


def contents(exploration: Exploration) -> dict[str, Any]:
    """What the page knows.

    Args:
        exploration: `Exploration`.

    Returns:
        Dict that JSON can hold.
    """
    findings, is_live = exploration.findings, exploration.rows is not None
    posterior = findings.posterior
    clusters, certainty = _assigned(exploration)
    found: dict[str, Any] = {
        "name": findings.name,
        "dataset": str(findings.metrics["dataset"]),
        "method": findings.method,
        "count": len(posterior),
        "total": exploration.total,
        "live": is_live,
        "ofImages": findings.of_images,
        "colours": charts.component_colours(findings.num_components),
        "names": None if exploration.names is None else list(exploration.names),
        "kept": exploration.kept,
        "ids": exploration.ids.tolist(),
        "parts": np.unique(exploration.parts).tolist(),
        "part": packed(np.unique(exploration.parts, return_inverse=True)[1], "uint8"),
        "rows": None if exploration.rows is None else packed(exploration.rows, "uint32"),
        **_places(exploration.points),
        "cluster": packed(clusters, "uint16"),
        "certainty": packed(certainty, "float32"),
        "elbo": None if findings.elbo is None else packed(findings.elbo, "float32"),
        **_labels(findings),
        **_likeliest(posterior),
        "near": packed(nearest(findings.x, NEAREST), "uint32"),
        "cards": _cards(exploration),
    }
    return {**found, **(_of_images if findings.of_images else _of_rows)(exploration)}


def packed(values: np.ndarray, dtype: str) -> str:
    """Numbers as text.

    Args:
        values: array.
        dtype: text, of the numbers that are kept.

    Returns:
        Base 64 of their bytes, little-endian.
    """
    return base64.b64encode(np.ascontiguousarray(values, np.dtype(dtype).newbyteorder("<")).tobytes()).decode()


def nearest(x: np.ndarray, count: int) -> np.ndarray:
    """The nearest others of every example in the latent space.

    Args:
        x: array (N, D).
        count: integer, how many.

    Returns:
        Array (N, min(count, N - 1)) of numbers, the nearest first.
    """
    from sklearn.neighbors import NearestNeighbors

    count = min(count, len(x) - 1)
    if not count:
        return np.zeros((len(x), 0), int)
    return NearestNeighbors(n_neighbors=count).fit(x).kneighbors(return_distance=False)


def num_columns(findings: Findings) -> int:
    """Values of an example that are shown.

    Args:
        findings: `Findings` about P examples.

    Returns:
        Integer: all, or of many rows so many that the page stays small.
    """
    return min(findings.rows.shape[1], max(1, VALUES // len(findings.examples)))


def _assigned(exploration):
    """The cluster of every example, and how sure that is."""
    posterior, clusters, certainty = exploration.findings.posterior, exploration.clusters, exploration.certainty
    return (
        posterior.argmax(axis=1) if clusters is None else clusters,
        posterior.max(axis=1) if certainty is None else certainty,
    )


def _places(points):
    """Places on the map from 0 to `STEPS`, by one scale for both axes."""
    low, span = points.min(axis=0), np.ptp(points, axis=0).max()
    steps = np.round((points - low) / (span if span > 0 else 1) * STEPS)
    return {"x": packed(steps[:, 0], "uint16"), "y": packed(steps[:, 1], "uint16")}


def _labels(findings):
    if findings.labels is None:
        return {"classes": None, "label": None, "classColours": None}
    classes, codes = np.unique(findings.labels, return_inverse=True)
    return {
        "classes": [findings.class_name(label) for label in classes],
        "label": packed(codes, "uint16"),
        "classColours": charts.component_colours(len(classes)),
    }


def _likeliest(posterior):
    order = np.argsort(-posterior, axis=1, kind="stable")[:, :LIKELIEST]
    return {
        "likeliest": packed(order, "uint16"),
        "probability": packed(np.round(STEPS * np.take_along_axis(posterior, order, axis=1)), "uint16"),
        "shown": order.shape[1],
    }


def _cards(exploration):
    """Of every cluster: how many, how sure, and which labels or columns mark it."""
    findings = exploration.findings
    clusters, certainty = _assigned(exploration)
    found = findings.components(clusters)
    counts = [len(each.members) for each in found] if exploration.counts is None else exploration.counts
    cards = [
        {
            "count": int(count),
            "certainty": float(certainty[each.members].mean()) if len(each.members) else None,
            "contents": [[findings.class_name(label), n / len(each.members)] for label, n in each.contents],
            "marks": [],
        }
        for each, count in zip(found, counts, strict=True)
    ]
    if not findings.of_images:
        offsets = members.component_means(findings.standardised, found)
        for card, offset, each in zip(cards, offsets, found, strict=True):
            card["marks"] = [list(mark) for mark in findings.marks(offset)] if len(each.members) else []
    return cards


def _of_images(exploration):
    findings = exploration.findings
    to_pixels = Pixels(findings.examples, findings.uint8_scale)
    clusters, _ = _assigned(exploration)
    scale = findings.uint8_scale if findings.examples.dtype == np.uint8 else 1
    means = [
        findings.examples[clusters == k].mean(axis=0, dtype="float64") / scale
        if (clusters == k).any()
        else np.zeros(findings.examples.shape[1:])
        for k in range(findings.num_components)
    ]
    found: dict[str, Any] = {"means": sheets(to_pixels(np.stack(means)))}
    if findings.samples is not None:
        count = findings.samples.shape[1]
        found["samples"] = {"every": count, **sheets(to_pixels(np.concatenate(list(findings.samples))))}
    if exploration.rows is None:
        found["pictures"] = sheets(to_pixels(findings.examples))
        if exploration.reconstructions is not None:
            found["reconstructions"] = sheets(to_pixels(exploration.reconstructions))
    if exploration.planes:
        shown = np.concatenate(
            [to_pixels(plane.reshape(-1, *plane.shape[2:])) for plane in exploration.planes.values()]
        )
        found["planes"] = {**_grid(exploration), "pictures": sheets(shown)}
    return found


def _of_rows(exploration):
    findings = exploration.findings
    values, shown = findings.rows, num_columns(findings)
    named = exploration.columns
    found: dict[str, Any] = {
        "columns": [[str(i), []] if named is None else [named[i][0], list(named[i][1])] for i in range(shown)],
        "columnsInAll": values.shape[1],
    }
    if exploration.rows is None:
        found["values"] = packed(values[:, :shown], "float32")
        if exploration.reconstructions is not None:
            decoded = exploration.reconstructions.reshape(len(values), -1)
            found["decoded"] = packed(decoded[:, :shown], "float32")
    if exploration.planes:
        rows = [plane.reshape(*plane.shape[:2], -1)[..., :shown] for plane in exploration.planes.values()]
        found["planes"] = {**_grid(exploration), "values": packed(np.stack(rows), "float32")}
    return found


def _grid(exploration):
    """Which components and places the decoded examples are of, in the order of the arrays."""
    across, along = next(iter(exploration.planes.values())).shape[:2]
    return {
        "components": [int(k) for k in exploration.planes],
        "places": [float(place) for place in exploration.places],
        "along": along,
        "across": across,
    }
