"""The tree of the components as an SVG element of a page, with the mean image of every node."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup, escape

# Pixels: a row with an image and one without, an image, the room of the lines, the least of the words at the
# leaves and that of one of their letters, and the least from a node to those below it.
ROW, LOW_ROW, IMAGE, LINES, WORDS, LETTER, STEP = 34, 24, 28, 560, 260, 6.5, 36
GAP = 6


def means(
    examples: np.ndarray, clusters: np.ndarray, linkage: np.ndarray, scale: float
) -> list[np.ndarray | None]:
    """The mean example of every node.

    Args:
        examples: array (N, ...).
        clusters: integer array (N,), the leaf of each example.
        linkage: array (K - 1, 4), as SciPy has it.
        scale: number by which uint8 examples are divided.

    Returns:
        List of 2K - 1 float arrays (...); None of a node without examples.
    """
    divisor = scale if examples.dtype == np.uint8 else 1.0
    sums = [examples[clusters == k].sum(axis=0, dtype="float64") / divisor for k in range(len(linkage) + 1)]
    counts = node_counts(np.bincount(clusters, minlength=len(sums)), linkage)
    for first, second in linkage[:, :2].astype(int):
        sums.append(sums[first] + sums[second])
    return [total / count if count else None for total, count in zip(sums, counts, strict=True)]


def node_counts(counts: np.ndarray, linkage: np.ndarray) -> list[int]:
    """Examples of every node.

    Args:
        counts: integer array (K,), of the leaves.
        linkage: array (K - 1, 4), as SciPy has it.

    Returns:
        List of 2K - 1 integers.
    """
    found = [int(count) for count in counts]
    for first, second in linkage[:, :2].astype(int):
        found.append(found[first] + found[second])
    return found


def drawing(
    linkage: np.ndarray, counts: Sequence[int], words: Sequence[str], images: Sequence[str | None]
) -> Markup:
    """The tree, its root on the left.

    Args:
        linkage: array (K - 1, 4), as SciPy has it.
        counts: list of 2K - 1 integers, see `node_counts`.
        words: list of K texts, what is said of the leaves.
        images: list of 2K - 1 data URIs, or None where there is none.

    Returns:
        SVG text.
    """
    row = ROW if any(images) else LOW_ROW
    x, y = _places(linkage, row)
    left = min(x) - IMAGE / 2 - GAP
    room = max(WORDS, LETTER * max(map(len, words)))
    width, height = LINES + room + IMAGE + GAP - left, row * len(words)
    parts = [
        f'<svg role="img" aria-label="Tree of {len(words)} components" '
        f'viewBox="{left:.0f} 0 {width:.0f} {height}" '
        f'style="min-width:{1.12 * width:.0f}px" font-size="12" fill="currentColor">'
    ]
    for node, pair in enumerate(linkage[:, :2].astype(int), start=len(words)):
        for child in pair:
            parts.append(
                f'<path d="M{x[node]:.1f} {y[node]:.1f}V{y[child]:.1f}H{x[child]:.1f}" fill="none" '
                'stroke="currentColor" stroke-opacity=".45"/>'
            )
    for node, (image, count) in enumerate(zip(images, counts, strict=True)):
        about = f"{count:,} examples"
        if image is not None:
            parts.append(
                f'<image href="{escape(image)}" x="{x[node] - IMAGE / 2:.1f}" y="{y[node] - IMAGE / 2:.1f}" '
                f'width="{IMAGE}" height="{IMAGE}"><title>{about}</title></image>'
            )
        elif node >= len(words):
            parts.append(f'<circle cx="{x[node]:.1f}" cy="{y[node]:.1f}" r="4"><title>{about}</title></circle>')
    for node, text in enumerate(words):
        parts.append(f'<text x="{LINES + IMAGE / 2 + GAP:.0f}" y="{y[node] + 4:.1f}">{escape(text)}</text>')
    return Markup("".join(parts) + "</svg>")


def _places(linkage, row):
    """Where nodes stand: lists of 2K - 1 numbers, across by height, down by the order of the leaves."""
    num_leaves = len(linkage) + 1
    order, open_nodes = [], [2 * num_leaves - 2]
    while open_nodes:
        node = open_nodes.pop()
        if node < num_leaves:
            order.append(node)
        else:
            open_nodes += [int(linkage[node - num_leaves, 1]), int(linkage[node - num_leaves, 0])]
    x, y = [float(LINES)] * num_leaves, [0.0] * num_leaves
    for place, leaf in enumerate(order):
        y[leaf] = row * (place + 0.5)
    highest = max(linkage[:, 2].max(), 1e-9) if len(linkage) else 1.0
    for first, second, height, _ in linkage:
        below = [int(first), int(second)]
        wanted = LINES - STEP - (LINES - 2 * STEP) * height / highest
        x.append(min(wanted, *(x[child] - STEP for child in below)))
        y.append(float(np.mean([y[child] for child in below])))
    return x, y
