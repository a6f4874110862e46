"""What happens over training: the z-prior term (Fig. 3) and the accuracy (Fig. 4)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tf_gmvae.figures import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure


# Nats of the z-prior term below which clusters have collapsed.
_COLLAPSED = 0.1
# Of the scale of accuracies, per cent.
_LEAST_POINTS = 5
# Markers of a line; beyond so many epochs, some have none.
_MARKERS = 20
# Settings whose legend leaves room for the curves; lines of a legend beside them, and inches of each.
_MOST_INSIDE, _LEGEND_LINES, _LEGEND_LINE = 6, 50, 0.165
# Of a label in a panel of `z_prior_curves`: width, height, and how far from the curve is far enough, as parts of
# the panel.
_LABEL_WIDTH, _LABEL_HEIGHT, _FAR = 0.36, 0.08, 0.03


def accuracy_curves(curves: dict[str, list[list[float]]], path: str | Path) -> None:
    """Writes `accuracy_figure` to one file.

    Args:
        curves: dict, as `accuracy_figure` takes it.
        path: path of the file to write; its suffix is the format.
    """
    style.save(accuracy_figure(curves), path)


@style.styled
def accuracy_figure(curves: dict[str, list[list[float]]]) -> Figure:
    """Test accuracy against epoch, one colour a setting, one thin line a seed and a thick one their mean (Fig. 4).

    A seed of one epoch is a small marker.

    Args:
        curves: dict from the name of a setting to a list of its seeds' curves, each a list of accuracies in [0, 1]
            after every epoch.

    Returns:
        `matplotlib.figure.Figure`.
    """
    inside = len(curves) <= _MOST_INSIDE
    lines = min(len(curves), _LEGEND_LINES)
    figure = style.new(
        style.COLUMN if inside else style.PAGE, max(2.5, 0 if inside else _LEGEND_LINE * lines + 0.2)
    )
    axes = figure.subplots()
    for (name, seeds), look in zip(curves.items(), _looks(), strict=False):
        _setting(axes, name, [100 * np.asarray(seed, "float64") for seed in seeds], look)
    axes.set_xlabel("epoch")
    axes.set_ylabel("test accuracy, %")
    axes.locator_params("x", integer=True, min_n_ticks=1)
    _scale(axes)
    axes.grid(alpha=0.3)
    if curves and inside:
        axes.legend()
    elif curves:
        figure.legend(loc="outside right upper", ncols=math.ceil(len(curves) / _LEGEND_LINES))
    return figure


def _looks():
    """Dash, colour and marker of one setting after another; the marker, too, is for who prints without colour."""
    for index, (line, colour) in enumerate(style.line_styles()):
        yield line, colour, style.MARKERS[index % len(style.MARKERS)]


def _setting(axes, name, seeds, look):
    """The lines of one setting, in per cent; what lies at 100 is drawn whole."""
    line, colour, marker = look
    for seed in seeds:
        axes.plot(
            range(1, len(seed) + 1), seed, line, color=colour, alpha=0.4, linewidth=0.8, clip_on=False,
            marker=marker if len(seed) == 1 else None, markersize=3,  # a line of one point is not seen
        )  # fmt: skip
    shared = min(map(len, seeds))
    axes.plot(
        range(1, shared + 1), np.mean([seed[:shared] for seed in seeds], axis=0), line, color=colour, label=name,
        linewidth=1.6, marker=marker, markersize=4, markevery=math.ceil(shared / _MARKERS), clip_on=False,
    )  # fmt: skip


def _scale(axes):
    """Neither above 100 % nor of tenths of a point, which would make mountains of what seeds differ by."""
    low, high = axes.get_ylim()
    missing = max(_LEAST_POINTS - (high - low), 0)
    high = min(high + 0.2 * missing, 100)
    axes.set_ylim(min(low - 0.8 * missing, high - _LEAST_POINTS), high)


@style.styled
def z_prior_curves(
    without: Sequence[float] | np.ndarray,
    constrained: Sequence[float] | np.ndarray,
    min_information: float,
    num_components: int,
    steps: Sequence[int] | np.ndarray,
) -> Figure:
    """The z-prior term over training, as the part of the ELBO it is, so <= 0 (Fig. 3).

    Args:
        without: array (T,), the term in nats (>= 0) of a training without the minimum information constraint.
        constrained: array (T,), of one with it.
        min_information: lambda, nats; drawn as a dotted line.
        num_components: K; -log K is the lowest value there is.
        steps: array (T,), steps done at every value.

    Returns:
        `matplotlib.figure.Figure`.
    """
    without, constrained, steps = map(np.asarray, (without, constrained, steps))
    figure = style.new(style.PAGE, 2.3)
    limit = math.log(num_components)
    panels = figure.subplots(1, 2, sharey=True)
    titles = ("(a) plain ELBO", f"(b) λ = {min_information:g} nats")
    for axes, term, title, colour in zip(panels, (without, constrained), titles, style.COLOURS, strict=False):
        axes.plot(steps, -term, color=colour)
        axes.axhline(-limit, color="0.5", linewidth=0.6)
        style.log_x(axes)
        axes.set_title(title, loc="left")
        axes.set_xlabel("training step")
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("minus z-prior term, nats")
    panels[0].set_ylim(-limit - 0.25, 0.12)
    if without[-1] < _COLLAPSED:
        _label(panels[0], "clusters collapsed", 0, [("right", "top"), ("left", "top")])
    zoom = panels[0].inset_axes((0.3, 0.27, 0.66, 0.36))
    zoom.plot(steps, -without, color=style.COLOURS[0])
    style.log_x(zoom)
    zoom.set_title("the same, enlarged", loc="left", fontsize=7, pad=2)
    panels[1].axhline(-min_information, color="black", linestyle=":")
    places = [(side, upright) for upright in ("bottom", "top") for side in ("right", "left")]
    _label(panels[1], "threshold: minus λ", -min_information, places)
    for axes in panels:
        _label(axes, f"minus log {num_components}", -limit, [("right", "top")])
    return figure


def _label(axes, text, level, places):
    """Writes along a level of the panel, at the first of the places that its curve leaves free, or the freest.

    A place is a pair: the end of the curve at which the text stands ("left" or "right"), and which of its edges
    is at the level ("bottom", so above it, or "top").
    """
    side, upright = max(places, key=lambda place: min(_room(axes, level, *place), _FAR))
    x = axes.lines[0].get_xdata()[-1 if side == "right" else 0]
    offset = (-2 if side == "right" else 2, 2 if upright == "bottom" else -2)
    axes.annotate(text, (x, level), offset, textcoords="offset points", ha=side, va=upright, fontsize=7)


def _room(axes, level, side, upright):
    """How far the curve stays from a label, as a part of the panel; below 0 where it goes through."""
    axes.get_xlim()  # brings the limits up to date
    to_panel = axes.transScale + axes.transLimits
    x, y = to_panel.transform(axes.lines[0].get_xydata()).T
    low = to_panel.transform((axes.lines[0].get_xdata()[0], level))[1]
    low -= _LABEL_HEIGHT if upright == "top" else 0
    begin = x[-1] - _LABEL_WIDTH if side == "right" else x[0]
    curve = np.interp(np.linspace(begin, begin + _LABEL_WIDTH), x, y)
    return np.maximum(low - curve, curve - low - _LABEL_HEIGHT).min()
