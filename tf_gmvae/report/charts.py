"""Charts as SVG elements of a page, in the colours of its text, light or dark."""

import math
from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.colors import hsv_to_rgb, to_hex
from matplotlib.ticker import MaxNLocator

from tf_gmvae.figures.style import COLOURS
from tf_gmvae.report.svg import FONT_SIZE, HALF, PAGE, STYLE, WIDE, as_element, new_figure

# Black is the colour of a dark page.
PALETTE = [colour for colour in COLOURS if colour != "#000000"]
TERMS = {
    "elbo": "ELBO",
    "reconstruction": "reconstruction",
    "conditional_prior": "conditional prior",
    "w_prior": "w-prior",
    "z_prior": "z-prior",
}
# Inches that a letter of a name is long, at most, and that a name which stands upright is wide.
LETTER, UPRIGHT = 0.09, 0.13


def component_colours(num_components: int) -> list[str]:
    """A colour for each component.

    Args:
        num_components: K.

    Returns:
        List of K hexadecimal colours: distinct for the colour-blind up to seven, and beyond that helped by the
        numbers that stand beside them.
    """
    if num_components <= len(PALETTE):
        return PALETTE[:num_components]
    hues = np.arange(num_components) / num_components
    # Neighbours in number differ in lightness as well as in hue.
    return [to_hex(tuple(hsv_to_rgb((hue, 0.65, (0.9, 0.65)[k % 2])))) for k, hue in enumerate(hues)]


@matplotlib.rc_context(STYLE)
def terms_over_epochs(history: list[dict[str, float]], width: float) -> str:
    """Every term of the ELBO over the epochs, on training and validation data, and the components in use.

    Args:
        history: list of dicts, one an epoch.
        width: inches, `svg.WIDE` or `svg.NARROW`.

    Returns:
        SVG text.
    """
    panels = {name: title for name, title in TERMS.items() if name in history[0]}
    if "components_in_use" in history[0]:
        panels["components_in_use"] = "components in use"
    columns = 3 if width == WIDE else 2
    rows = math.ceil(len(panels) / columns)
    figure, axes = new_figure(width, (1.75 if width == WIDE else 1.5) * rows + 0.3, rows, columns)
    epochs = range(1, len(history) + 1)
    for panel, (name, title) in zip(axes.flat, panels.items(), strict=False):
        for key, style, label in ((name, "-", "training"), (f"val_{name}", "--", "validation")):
            if key in history[0]:
                values = [row[key] for row in history]
                panel.plot(epochs, values, style, marker=".", color=PALETTE[0 if key == name else 1], label=label)
        panel.set_title(title if name == "components_in_use" else f"{title}, nats")
        panel.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        panel.yaxis.set_major_locator(MaxNLocator(5, integer=name == "components_in_use"))
        panel.grid(alpha=0.25)
    for panel in axes.flat[len(panels) :]:
        panel.set_visible(False)
    for panel in axes.flat[max(0, len(panels) - columns) : len(panels)]:
        panel.set_xlabel("epoch")
    # Above the panels: within one it would lie on the curves.
    lines, labels = axes.flat[0].get_legend_handles_labels()
    figure.legend(lines, labels, loc="outside upper left", ncols=2, frameon=False)
    return as_element(figure, f"Terms of the ELBO over {len(history)} epochs")


@matplotlib.rc_context(STYLE)
def usage(counts: Sequence[int], width: float) -> str:
    """Examples a component takes.

    Args:
        counts: list of K integers.
        width: inches, `svg.WIDE` or `svg.NARROW`.

    Returns:
        SVG text.
    """
    total, num_components = sum(counts), len(counts)
    figure, axes = new_figure(width, 2.1)
    axes.bar(range(num_components), [100 * n / total for n in counts], color=component_colours(num_components))
    axes.axhline(100 / num_components, color=PAGE, linestyle=":", linewidth=1)
    axes.set_xlabel("component (dotted: all alike)")
    axes.set_ylabel("examples, %")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.margins(x=0.01)
    return as_element(figure, f"Share of the examples by component, {num_components} components")


@matplotlib.rc_context(STYLE)
def stability(agreement: dict[int, float], chosen: int, width: float) -> str:
    """How well samples of the data agree on clusters, by their number.

    Args:
        agreement: dict by number of clusters.
        chosen: the number that was taken.
        width: inches, `svg.WIDE` or `svg.NARROW`.

    Returns:
        SVG text.
    """
    figure, axes = new_figure(width, 2.1)
    axes.plot(list(agreement), list(agreement.values()), marker=".", color=PALETTE[0])
    axes.axvline(chosen, color=PAGE, linestyle=":", linewidth=1)
    axes.set_xlabel(f"clusters (dotted: the {chosen} that were chosen)")
    axes.set_ylabel("agreement of samples")
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    axes.grid(alpha=0.25)
    return as_element(figure, f"Agreement of samples by the number of clusters, {chosen} chosen")


@matplotlib.rc_context(STYLE)
def latent_map(points: np.ndarray, classes: np.ndarray, names: list[str], colours: list[str], what: str) -> str:
    """Latent means on a plane.

    Args:
        points: array (N, 2).
        classes: array (N,) of integers, positions in `names`.
        names: list of texts, written at the middle of their points where there is room, the largest class first.
        colours: list of as many colours.
        what: the classes are, for the title.

    Returns:
        SVG text; the points in it are one picture, so that their number does not count.
    """
    figure, axes = new_figure(HALF, 3.5)
    axes.scatter(
        *points.T, s=max(1.0, min(12.0, 6000 / len(points))), c=[colours[k] for k in classes], linewidths=0,
        rasterized=True,
    )  # fmt: skip
    for k, middle in _labelled(points, classes, names):
        axes.annotate(
            names[k], middle, ha="center", va="center", color=PAGE,
            bbox={"boxstyle": "round,pad=0.15", "facecolor": "#808080", "alpha": 0.35, "edgecolor": "none"},
        )  # fmt: skip
    axes.set_title(f"by {what}")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_frame_on(False)
    return as_element(figure, f"Map of {len(points):,} latent means, coloured by {what}")


def _labelled(points, classes, names):
    """Classes whose names have room, and the middles of their points: pairs of number and array (2,)."""
    # Points of a page that a point of the map is about, along both axes.
    scale = 72 * (HALF - 0.4) / np.maximum(np.ptp(points, axis=0), 1e-9)
    placed: list[tuple[Any, ...]] = []
    sizes = np.bincount(classes, minlength=len(names))
    for k in np.argsort(-sizes, kind="stable")[: np.count_nonzero(sizes)]:
        middle = np.median(points[classes == k], axis=0)
        reach = np.array([0.31 * FONT_SIZE * len(names[k]) + 3, 0.75 * FONT_SIZE])
        if all((np.abs(middle - other) * scale > reach + far).any() for _, other, far in placed):
            placed.append((k, middle, reach))
    return [(k, middle) for k, middle, _ in placed]


@matplotlib.rc_context(STYLE)
def plane(
    examples: np.ndarray,
    classes: np.ndarray,
    colours: list[str],
    odd: np.ndarray,
    generated: np.ndarray,
    width: float,
) -> str:
    """Data of two columns beside what the model generates.

    Args:
        examples: array (N, 2).
        classes: array (N,), components of the examples.
        colours: list of K colours.
        odd: array (N', 2), examples to be ringed.
        generated: array (N'', 2).
        width: inches, `svg.WIDE` or `svg.NARROW`.

    Returns:
        SVG text.
    """
    # Matplotlib cannot draw 1e18 beside ordinary numbers: what is so far out lies at an edge.
    sizes = np.abs(examples[examples != 0])
    reach = 1e9 * float(np.nanmedian(sizes)) if np.isfinite(sizes).any() else 1.0
    examples, odd, generated = (np.clip(each, -reach, reach) for each in (examples, odd, generated))
    rows, columns = (1, 2) if width == WIDE else (2, 1)
    figure, (left, right) = new_figure(width, 3.5 * rows, rows, columns, sharex=True, sharey=True)
    left.scatter(*examples.T, s=4, c=[colours[k] for k in classes], linewidths=0, rasterized=True)
    left.scatter(*odd.T, s=30, facecolors="none", edgecolors=PAGE, linewidths=0.7)
    right.scatter(*generated.T, s=4, color=PALETTE[0], linewidths=0, rasterized=True)
    for axes, title in ((left, "data by component, the least likely ringed"), (right, "generated")):
        axes.set_title(title)
        axes.set_aspect("equal")
        axes.grid(alpha=0.25)
    return as_element(figure, "Data coloured by component, beside generated examples")


@matplotlib.rc_context(STYLE)
def heat_map(
    values: np.ndarray,
    rows: Sequence[object],
    columns: Sequence[object],
    row_label: str,
    column_label: str,
    title: str,
    width: float,
) -> str:
    """A table of signed numbers as colours, zero in the middle.

    Args:
        values: array (R, C).
        rows: list of R names.
        columns: list of C names.
        row_label: what the rows are.
        column_label: what the columns are.
        title: text, what the chart is called to those who hear the page.
        width: inches, `svg.WIDE` or `svg.NARROW`.

    Returns:
        SVG text.
    """
    names, numbers = [str(name) for name in columns], [str(name) for name in rows]
    longest = LETTER * max(map(len, names))
    # Inches for the columns: the width, less what the names of the rows and the scale at the side take.
    across = max(width - 1.2 - LETTER * max(map(len, numbers)), 0.5)
    height = min(12.0, 1.2 + 0.2 * len(rows))
    lying = len(names) * (longest + 0.1) <= across
    figure, axes = new_figure(width, height if lying else height + longest)
    bound = max(float(np.abs(values).max()), 1e-6)
    shown = axes.imshow(values, cmap="PuOr_r", vmin=-bound, vmax=bound, aspect="auto", interpolation="nearest")
    step = math.ceil(len(numbers) * 0.19 / (height - 1.0))
    axes.yaxis.set_ticks(range(0, len(numbers), step), numbers[::step])
    # Names that have no room side by side stand upright, and some are left out only where that has none either.
    step = 1 if lying else math.ceil(len(names) * UPRIGHT / across)
    upright = {"rotation": 90, "rotation_mode": "anchor", "ha": "right", "va": "center"}
    axes.xaxis.set_ticks(range(0, len(names), step), names[::step], **({} if lying else upright))
    axes.set_ylabel(row_label)
    axes.set_xlabel(column_label)
    label = "standard deviations" if len(rows) > 5 else "sd"
    figure.colorbar(shown, ax=axes, label=label, aspect=6 * height, pad=0.02)
    return as_element(figure, title)
