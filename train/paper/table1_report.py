"""Table 1 from the metrics of its runs, as JSON and as Markdown."""

import statistics
from typing import Any

from tf_gmvae.evaluation import TABLE1_PROTOCOL, floors
from tf_gmvae.methods import METHODS
from train.paper.cells import FLOORS, Row

# Test accuracy in per cent on MNIST, best run and mean and deviation, by (method, K, M): Table 1 of arXiv
# 1611.02648; of VaDE, which is not in it, the best of its own paper, one-to-one.
PAPER = {
    ("gmvae", 10, 1): (87.31, 77.78, 5.75),
    ("gmvae", 10, 10): (88.54, 82.31, 3.75),
    ("gmvae", 16, 1): (89.01, 85.09, 1.99),
    ("gmvae", 16, 10): (96.92, 87.82, 5.33),
    ("gmvae", 30, 1): (95.84, 92.77, 1.60),
    ("gmvae", 30, 10): (93.22, 89.27, 2.50),
    ("catgan", 20, None): (90.30, None, None),
    ("aae", 16, None): (None, 90.45, 2.05),
    ("aae", 30, None): (None, 95.90, 1.13),
    ("dec", 10, None): (84.30, None, None),
    ("vade", 10, None): (94.46, None, None),
}
TITLES = {
    "gmvae": "GMVAE",
    "gmvae_random": "GMVAE, random weights",
    **{name: kind.__name__ for name, kind in METHODS.items()},
    **{name: floors.TITLES[name] for name in FLOORS},
}
SCORES = (
    "accuracy_table1", "accuracy_majority", "accuracy_hungarian", "nmi", "ari", "components_in_use", "elbo",
    "w_prior", "style_information",
)  # fmt: skip
PROTOCOL = (
    "Test accuracy in per cent by the protocol of Table 1: each cluster takes the label of its most certain "
    "example, by log-odds, and where several are equally certain the most frequent of their labels. So the Table "
    "1 accuracy of k-means, which is equally certain of all its members, is its majority accuracy. Mean and "
    "standard deviation over the seeds. w-prior, and what w decides of x within a component: nats. No label is "
    "used in training or in any choice."
)


def title(row: Row) -> str:
    """What a row is called in a legend.

    Args:
        row: `Row`.
    """
    samples = "" if row.num_samples is None else f", M = {row.num_samples}"
    method = "" if row.method == "gmvae" else f"{TITLES[row.method]}, "
    return f"{method}K = {row.num_components}{samples}"


def row(row: Row, runs: list[dict[str, Any]], dataset: str = "mnist") -> dict[str, Any]:
    """One row: its seeds together.

    Args:
        row: `Row`.
        runs: list of the metrics of its finished runs, maybe empty.
        dataset: whose paper figures stand beside; only "mnist" has some. Default "mnist".

    Returns:
        Dict that JSON can hold.
    """
    scores = {
        name: [run[name] for run in runs]
        for name in SCORES
        if runs and all(run.get(name) is not None for run in runs)
    }
    # What the paper says of its model holds for ours with and without a start.
    key = ("gmvae" if row.method == "gmvae_random" else row.method, row.num_components, row.num_samples)
    parameters = {run.get("parameters") for run in runs} - {None}
    return {
        "method": row.method,
        "num_components": row.num_components,
        "num_samples": row.num_samples,
        "paper": dict(zip(("best", "mean", "sd"), PAPER.get(key, ()), strict=False)) if dataset == "mnist" else {},
        "seeds": [run["seed"] for run in runs],
        # Scored before ties had a rule: the score then depended on the order of the examples.
        "scored_by_file_order": [run["seed"] for run in runs if run.get("table1_protocol") != TABLE1_PROTOCOL],
        "epochs": [run["epochs"] for run in runs],
        "minutes": [round((run["start_seconds"] + run["train_seconds"]) / 60, 1) for run in runs],
        "parameters": parameters.pop() if len(parameters) == 1 else None,
        "scores": {name: {"values": values, **_summary(values)} for name, values in scores.items()},
    }


def markdown(rows: list[dict[str, Any]], command: str) -> str:
    """The table.

    Args:
        rows: list of dicts of `row`.
        command: text, command that made it.

    Returns:
        Text.
    """
    lines = [
        "| method | K | M | paper, best | paper, mean | ours, best | ours, mean | every seed | majority "
        "| one-to-one | NMI | ARI | in use | w-prior | w moves x | epochs | minutes | parameters |",
        "| --- " * 18 + "|",
    ]
    for entry in rows:
        paper, scores = entry["paper"], entry["scores"]
        table1 = scores.get("accuracy_table1")
        used = scores.get("components_in_use")
        lines.append(
            "| "
            + " | ".join(
                [
                    TITLES[entry["method"]],
                    str(entry["num_components"]),
                    str(entry["num_samples"] or "-"),
                    f"{paper['best']:.2f}" if paper.get("best") else "-",
                    f"{paper['mean']:.2f} ± {paper['sd']:.2f}" if paper.get("mean") else "-",
                    f"{100 * max(table1['values']):.2f}" if table1 else "-",
                    _percent(table1),
                    ", ".join(f"{100 * value:.2f}" for value in table1["values"]) if table1 else "not run",
                    _percent(scores.get("accuracy_majority")),
                    _percent(scores.get("accuracy_hungarian")),
                    *(f"{scores[name]['mean']:.3f}" if name in scores else "-" for name in ("nmi", "ari")),
                    ", ".join(str(value) for value in used["values"]) if used else "-",
                    *(
                        f"{scores[name]['mean']:.1f}" if name in scores else "-"
                        for name in ("w_prior", "style_information")
                    ),
                    ", ".join(str(epochs) for epochs in sorted(set(entry["epochs"])) if epochs) or "-",
                    f"{statistics.fmean(entry['minutes']):.0f}" if entry["minutes"] else "-",
                    f"{entry['parameters']:,}" if entry["parameters"] else "-",
                ]
            )
            + " |"
        )
    return "\n".join([*lines, "", PROTOCOL, "", *_by_file_order(rows), f"`{command}`", ""])


def short(rows: list[dict[str, Any]]) -> str:
    """The table in as many columns as a terminal has.

    Args:
        rows: list of dicts of `row`.

    Returns:
        Text.
    """
    lines = [f"{'method':<24}{'K':>4}{'M':>4}{'runs':>6}{'Table 1, %':>16}{'majority, %':>16}{'ARI':>8}"]
    for entry in rows:
        scores = entry["scores"]
        ari = f"{scores['ari']['mean']:.3f}" if "ari" in scores else "-"
        lines.append(
            f"{TITLES[entry['method']]:<24}{entry['num_components']:>4}{entry['num_samples'] or '-':>4}"
            f"{len(entry['seeds']):>6}{_percent(scores.get('accuracy_table1')):>16}"
            f"{_percent(scores.get('accuracy_majority')):>16}{ari:>8}"
        )
    return "\n".join(lines)


def _by_file_order(rows):
    """A line on the runs of earlier versions, if there are some."""
    names = [
        Row(entry["method"], entry["num_components"], entry["num_samples"]).name(seed)
        for entry in rows
        for seed in entry["scored_by_file_order"]
    ]
    if not names:
        return []
    return [
        f"Scored by an earlier version, in which ties went to the first example of the file: {', '.join(names)}. "
        "`python -m train.evaluate --run=...` scores a run anew.",
        "",
    ]


def _summary(values):
    return {"mean": statistics.fmean(values), "sd": statistics.stdev(values) if len(values) > 1 else None}


def _percent(score):
    if score is None:
        return "-"
    deviation = "" if score["sd"] is None else f" ± {100 * score['sd']:.2f}"
    return f"{100 * score['mean']:.2f}{deviation}"
