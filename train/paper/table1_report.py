"""Table 1 from the metrics of its runs, as JSON and as Markdown."""

import statistics
from typing import Any

from tf_gmvae.evaluation import TABLE1_PROTOCOL

# Test accuracy in per cent on MNIST, best run and mean and deviation, by (K, M): Table 1 of arXiv 1611.02648.
PAPER = {
    (10, 1): (87.31, 77.78, 5.75),
    (10, 10): (88.54, 82.31, 3.75),
    (16, 1): (89.01, 85.09, 1.99),
    (16, 10): (96.92, 87.82, 5.33),
    (30, 1): (95.84, 92.77, 1.60),
    (30, 10): (93.22, 89.27, 2.50),
}
SCORES = (
    "accuracy_table1", "accuracy_majority", "accuracy_hungarian", "nmi", "ari", "components_in_use", "elbo",
    "w_prior", "style_information",
)  # fmt: skip


def run_name(num_components: int, num_samples: int, seed: int) -> str:
    """Name of the run of one cell, whose folder lies beside the table.

    Args:
        num_components: K.
        num_samples: M.
        seed: integer, seed of the run.

    Returns:
        Text.
    """
    return f"k{num_components}-m{num_samples}-seed{seed}"


def row(
    num_components: int, num_samples: int, runs: list[dict[str, Any]], dataset: str = "mnist"
) -> dict[str, Any]:
    """One row: its seeds together.

    Args:
        num_components: K.
        num_samples: M.
        runs: list of the metrics of its finished runs, maybe empty.
        dataset: whose paper figures stand beside; only "mnist" has some.

    Returns:
        Dict that JSON can hold.
    """
    scores = {
        name: [run[name] for run in runs]
        for name in SCORES
        if runs and all(run.get(name) is not None for run in runs)
    }
    return {
        "num_components": num_components,
        "num_samples": num_samples,
        "paper": dict(zip(("best", "mean", "sd"), PAPER.get((num_components, num_samples), ()), strict=False))
        if dataset == "mnist"
        else {},
        "seeds": [run["seed"] for run in runs],
        # Scored before ties had a rule: the score then depended on the order of the examples.
        "scored_by_file_order": [run["seed"] for run in runs if run.get("table1_protocol") != TABLE1_PROTOCOL],
        "epochs": [run["epochs"] for run in runs],
        "minutes": [round((run["start_seconds"] + run["train_seconds"]) / 60, 1) for run in runs],
        "scores": {name: {"values": values, **_summary(values)} for name, values in scores.items()},
    }


def markdown(rows: list[dict[str, Any]], baselines: list[dict[str, Any]], command: str) -> str:
    """The table.

    Args:
        rows: list of dicts of `row`.
        baselines: list of dicts with method, num_components and the scores of `evaluation.scores`.
        command: text, command that made it.

    Returns:
        Text.
    """
    lines = [
        "| K | M | paper, best | paper, mean | ours, best | ours, mean | every seed | majority | one-to-one | NMI "
        "| ARI | in use | w-prior | w moves x | epochs | minutes |",
        "| --- " * 16 + "|",
    ]
    for entry in rows:
        paper, scores = entry["paper"], entry["scores"]
        table1 = scores.get("accuracy_table1")
        lines.append(
            "| "
            + " | ".join(
                [
                    str(entry["num_components"]),
                    str(entry["num_samples"]),
                    f"{paper['best']:.2f}" if paper else "-",
                    f"{paper['mean']:.2f} ± {paper['sd']:.2f}" if paper else "-",
                    f"{100 * max(table1['values']):.2f}" if table1 else "-",
                    _percent(table1),
                    ", ".join(f"{100 * value:.2f}" for value in table1["values"]) if table1 else "not run",
                    _percent(scores.get("accuracy_majority")),
                    _percent(scores.get("accuracy_hungarian")),
                    *(f"{scores[name]['mean']:.3f}" if name in scores else "-" for name in ("nmi", "ari")),
                    ", ".join(str(value) for value in scores["components_in_use"]["values"]) if scores else "-",
                    *(
                        f"{scores[name]['mean']:.1f}" if name in scores else "-"
                        for name in ("w_prior", "style_information")
                    ),
                    ", ".join(map(str, sorted(set(entry["epochs"])))) or "-",
                    f"{statistics.fmean(entry['minutes']):.0f}" if entry["minutes"] else "-",
                ]
            )
            + " |"
        )
    lines += [
        "",
        "Test accuracy in per cent by the protocol of Table 1: each cluster takes the label of its most certain "
        "example, by log-odds, and where several are equally certain the most frequent of their labels. So the "
        "Table 1 accuracy of k-means, which is equally certain of all its members, is its majority accuracy. Mean "
        "± standard deviation over the seeds. w-prior, and what w decides of x within a component: nats.",
        "",
        *_by_file_order(rows),
        "| on the pixels | K | Table 1 | majority | NMI | ARI |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for floor in baselines:
        lines.append(
            f"| {floor['method']} | {floor['num_components']} | {100 * floor['accuracy_table1']:.1f} "
            f"| {100 * floor['accuracy_majority']:.1f} | {floor['nmi']:.3f} | {floor['ari']:.3f} |"
        )
    return "\n".join([*lines, "", f"`{command}`", ""])


def _by_file_order(rows):
    """A line on the runs of earlier versions, if there are some."""
    names = [
        run_name(entry["num_components"], entry["num_samples"], seed)
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
