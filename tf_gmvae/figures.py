"""Figures, of arrays, as files. matplotlib is imported when the first is drawn."""

import itertools

# Okabe and Ito's colours, which the colour-blind can tell apart.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
STYLES = ("-", "--", ":")


def accuracy_curves(curves, path):
    """Test accuracy against epoch, one colour a setting, one thin line a seed and a thick one their mean (Fig. 4).

    Args:
        curves: dict from the name of a setting to a list of its seeds' curves, each a list of accuracies in [0, 1]
            after every epoch.
        path: of the file to write; its suffix is the format.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 3.4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    styles = itertools.cycle(itertools.product(STYLES, COLOURS))
    for (name, seeds), (style, colour) in zip(curves.items(), styles, strict=False):
        for seed in seeds:
            axes.plot(range(1, len(seed) + 1), [100 * value for value in seed], style, color=colour, alpha=0.3)
        shared = min(map(len, seeds))
        means = [100 * sum(seed[epoch] for seed in seeds) / len(seeds) for epoch in range(shared)]
        axes.plot(
            range(1, shared + 1), means, style, color=colour, linewidth=2, marker="o", markersize=3, label=name
        )
    axes.set_xlabel("epoch after the start")
    axes.set_ylabel("test accuracy, %")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.grid(alpha=0.3)
    if curves:
        axes.legend(fontsize="small")
    figure.savefig(path, dpi=200)
