"""What all figures share: size, fonts, colours, and how they are saved.

Figures are drawn without pyplot, so nothing needs a display and nothing is kept between two of them. The same
arrays give the same bytes.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from tf_gmvae import disk
from tf_gmvae.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


P = ParamSpec("P")
R = TypeVar("R")

# Inches: one column of a paper, and both.
COLUMN, PAGE = 3.3, 6.8
# Okabe and Ito's colours, which the colour-blind can tell apart.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#B8AB00")
# Beyond eight, colours repeat and the marker tells them apart.
MARKERS = ("o", "^", "s", "D", "v", "P", "X", "*")
LINES = ("-", "--", ":")
SEQUENTIAL = "cividis"

_SETTINGS: dict[Any, Any] = {  # matplotlib's own type of it is the list of all its settings
    "font.family": ["DejaVu Sans", "sans-serif"],
    "font.size": 8,
    "text.parse_math": False,  # names are what somebody wrote, dollars included
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "axes.linewidth": 0.6,
    "lines.linewidth": 1.2,
    "savefig.dpi": 300,
    "svg.fonttype": "none",  # text stays text: found, read aloud and edited
    "svg.hashsalt": "tf-gmvae",  # ids that a seed decides, not the clock
}


def styled(function: Callable[P, R]) -> Callable[P, R]:
    """Makes a function draw and save in the style of this package, whatever matplotlib's settings are."""

    @functools.wraps(function)
    def in_style(*args: P.args, **kwargs: P.kwargs) -> R:
        import matplotlib

        with matplotlib.rc_context():
            matplotlib.rcdefaults()
            matplotlib.rcParams.update(_SETTINGS)
            return function(*args, **kwargs)

    return in_style


def new(width: float = COLUMN, height: float = 2.4) -> Figure:
    """An empty figure. Call it, and draw, in a `styled` function.

    Args:
        width: inches. Default that of a column.
        height: inches. Default 2.4.

    Returns:
        `matplotlib.figure.Figure`.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def colour(index: int) -> str:
    """Colour of the class, or component, of a number.

    Args:
        index: integer >= 0.

    Returns:
        Text of the form #RRGGBB; it repeats after eight.
    """
    return COLOURS[index % len(COLOURS)]


def marker(index: int) -> str:
    """Marker of the class, or component, of a number: with `colour`, 64 of them differ.

    Args:
        index: integer >= 0.

    Returns:
        A marker of matplotlib.
    """
    return MARKERS[index // len(COLOURS) % len(MARKERS)]


def line_styles() -> Iterator[tuple[str, str]]:
    """Pairs of a dash and a colour for as many lines as are wanted, the first ones most unlike each other."""
    return itertools.cycle(itertools.product(LINES, COLOURS))


def log_x(axes: Axes) -> None:
    """Makes the horizontal axis logarithmic, with plain numbers: 10, 100, 1,000.

    Args:
        axes: `matplotlib.axes.Axes`.
    """
    from matplotlib.ticker import FuncFormatter, NullFormatter

    axes.set_xscale("log")
    # matplotlib's own numbers there are formulas, which "text.parse_math" above leaves as they are written.
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


@styled
def save(figure: Figure, *paths: str | Path) -> None:
    """Writes a figure so that no reader, and no kill, ever finds half a file; all of them or none.

    Args:
        figure: `matplotlib.figure.Figure`.
        *paths: paths of the files to write; the suffix is the format, .png, .svg or .pdf.

    Raises:
        InputError: if a path has another suffix, or none.
    """
    formats = figure.canvas.get_supported_filetypes()
    for path in paths:
        if Path(path).suffix.lower().removeprefix(".") not in formats:
            raise InputError(f"{path} must end in the name of a format, .png, .svg or .pdf: add one of them.")
    # Neither a date nor the version of matplotlib: the file depends on what is drawn alone.
    metadata = {".png": {"Software": None}, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
    with contextlib.ExitStack() as files:
        for path in map(Path, paths):
            partial = files.enter_context(disk.whole(path))
            figure.savefig(partial, metadata=metadata.get(path.suffix))
