"""The figures that show finished runs: accuracy curves (Fig. 4) and generated images (Fig. 5 and 6)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tf_gmvae import GMVAE, drawing, figures
from tf_gmvae.errors import InputError
from train.paper import table1_report
from train.paper.cells import FLOORS, Row
from train.run.folder import RunFolder
from train.run.saved import load_model

if TYPE_CHECKING:
    from matplotlib.figure import Figure


SAMPLES = 10
# Places of a walk through w, in standard deviations of its prior.
WALK = np.linspace(-3, 3, 7)


def read_curves(path: str | Path | None) -> dict[str, list[list[float]]]:
    """Test accuracies by epoch of the runs of a Table 1.

    Args:
        path: path of its table1.json, beside which its runs lie.

    Returns:
        Dict for `figures.accuracy_figure`.

    Raises:
        InputError: if it is missing, cannot be read, or has no finished run.
    """
    if path is None:
        raise InputError("Figure 4 shows the runs of train.table1: give --table1=runs/table1/table1.json, say.")
    path = Path(path)
    try:
        rows = [
            # Tables of earlier versions have the GMVAE alone.
            (Row(row.get("method", "gmvae"), row["num_components"], row["num_samples"]), row["seeds"])
            for row in json.loads(path.read_text())["rows"]
        ]
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror}): `python -m train.table1` writes it."
        ) from None
    except (ValueError, KeyError, TypeError):
        raise InputError(
            f"{path} is not a table of train.table1, or is cut short: `python -m train.table1 --dry_run` writes "
            "it anew."
        ) from None
    curves = {
        table1_report.title(row): [
            curve(folder, folder.read_history(), "the runs of a table must lie beside its table1.json")
            for folder in (RunFolder(path.parent / row.name(seed)) for seed in seeds)
        ]
        for row, seeds in rows
        if seeds and row.method not in FLOORS
    }
    if not curves:
        raise InputError(f"{path} has no finished run yet: go on with `python -m train.table1`.")
    return curves


def curve(folder: RunFolder, history: list[dict[str, float]], mend: str) -> list[float]:
    """Test accuracies of one run by epoch.

    Args:
        folder: `RunFolder`.
        history: rows of its history.
        mend: text, what can be done where it has none, after a colon.

    Returns:
        List of numbers in [0, 1].

    Raises:
        InputError: if it has none.
    """
    score = "test_accuracy_table1"
    if not history or not all(score in epoch for epoch in history):
        raise InputError(f"{folder.path} has no history of test accuracies: {mend}.")
    return [epoch[score] for epoch in history]


def image_model(path: str | Path | None, number: str) -> GMVAE:
    """The model of a run on images.

    Args:
        path: path of the run's folder.
        number: text, number of the figure for the message.

    Returns:
        `GMVAE`.

    Raises:
        InputError: if there is no such run, or its data are no images.
    """
    if path is None:
        raise InputError(f"Figure {number} shows a finished run: give --run=runs/NAME of a run on images.")
    folder = RunFolder(path)
    folder.read_settings()  # says what is wrong with a folder that is no run
    model = load_model(folder)
    if len(model.data_shape) != 3 or model.data_shape[-1] not in (1, 3):
        raise InputError(
            f"{path} is a run on examples of shape {tuple(model.data_shape)}, and figure {number} shows images: "
            "give the --run of one on images, grey or RGB."
        )
    return model


def samples_figure(model: GMVAE, seed: int, walks: bool = False) -> Figure:
    """Samples at w = 0, a row a component (Fig. 5a and 6), and if wanted walks through w beside them (Fig. 5b).

    Args:
        model: `GMVAE` on images.
        seed: integer, seed of the samples.
        walks: whether to add the walks.

    Returns:
        `matplotlib.figure.Figure`.
    """
    names = [str(k) for k in range(model.num_components)]
    panels = [{"title": "samples at w = 0", "rows": drawing.samples(model, SAMPLES, seed), "names": names}]
    if walks:
        panels[0]["title"] = f"(a) {panels[0]['title']}"
        panels.append(
            {
                "title": "(b) walk through w, deviations",
                "rows": drawing.walks(model, list(range(model.num_components)), WALK)[:, 0],
                "names": names,
                "columns": [f"{place:+g}".replace("-", "\N{MINUS SIGN}") if place else "0" for place in WALK],
            }
        )
    return figures.image_rows(panels)
