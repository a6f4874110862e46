"""What a run has found, in words: the last screen of a training."""

from __future__ import annotations

from shlex import quote
from typing import Any

import numpy as np

from tf_gmvae import terminal
from tf_gmvae.evaluation import floors
from train.run.folder import RunFolder

# An example above this p(z | y) counts as certain.
CERTAIN = 0.9
# Columns of what stands before the words.
INDENT = 14


def figures(posterior: np.ndarray) -> dict[str, Any]:
    """What the last screen says of a posterior, for the metrics of a run.

    Args:
        posterior: array (N, K).

    Returns:
        Dict that JSON can hold: `examples_a_component`, a list of K numbers, and `certain`, the share of the
        examples whose likeliest component has a probability above `CERTAIN`.
    """
    counts = np.bincount(posterior.argmax(axis=1), minlength=posterior.shape[1])
    return {"examples_a_component": counts.tolist(), "certain": certain(posterior)}


def certain(posterior: np.ndarray) -> float:
    """The share of the examples whose likeliest component has a probability above `CERTAIN`.

    Args:
        posterior: array (N, K).
    """
    return float(np.mean(posterior.max(axis=1) > CERTAIN))


def show(metrics: dict[str, Any], folder: RunFolder, more: dict[str, str]) -> None:
    """Writes it.

    Args:
        metrics: answer of `scoring.score` or `method_job.score`.
        folder: `RunFolder` of the run, whose files it names.
        more: what may come next, by what it is for; commands.
    """
    terminal.say()
    terminal.say((_title(metrics), "bold"))
    _row("clusters", _clusters(metrics))
    if asked := metrics.get("how_many"):
        _row("how many", asked["sentence"])
    _row("certainty", _certainty(metrics))
    if sentence := _start(metrics, folder):
        _row("the start", sentence)
    if metrics["accuracy_majority"] is not None:
        _row("labels", _labels(metrics))
    if sentence := floors.verdict(metrics):
        _row("beside", sentence)
    verdicts = metrics["collapse"]
    for verdict in verdicts:
        _row("watch", verdict, "yellow")
    if not verdicts:
        _row("watch", "The collapse watch found nothing wrong.", "green")
    terminal.say()
    terminal.say((f"The run lies in {folder.path}/ (model.keras, metrics.json, history.csv, run.flags).", ""))
    files = (
        (folder.report, "the run in pictures"),
        (folder.explorer, "the same to walk through, with a map"),
        (folder.path / "clusters.csv", "the cluster of every example"),
    )
    found = [(path, holds) for path, holds in files if path.is_file()]
    if found or more:
        terminal.say(("Next", "bold"))
    for path, holds in found:
        # Whatever shows a model is written after it; those of a copied folder lie together.
        is_old = path.stat().st_mtime + 1 < folder.model.stat().st_mtime
        terminal.say("  open ", (quote(str(path)), "bold cyan"), f"  {holds}{', of an earlier epoch' * is_old}")
    for purpose, command in more.items():
        _command(purpose, command)


def _title(metrics):
    part = "test examples, which it was not trained on" if metrics["scored_on"] == "test" else "examples"
    return f"What was found in {metrics['dataset']}, seen on {metrics['num_examples']:,} {part}"


def _clusters(metrics):
    counts = [count for count in metrics["examples_a_component"] if count]
    in_use, possible = len(counts), metrics["num_components"]
    if in_use == 1:
        return f"1 of {possible} in use: it holds all examples."
    largest, smallest = (f"{count:,} ({_percent(count / sum(counts))})" for count in (max(counts), min(counts)))
    return f"{in_use} of {possible} in use; the largest holds {largest}, the smallest {smallest}."


def _certainty(metrics):
    return (
        f"{_percent(metrics['certain'])} of the examples belong to their cluster with a probability above "
        f"{CERTAIN:g}. So says the model; it can be sure and wrong."
    )


def _start(metrics, folder):
    sure = folder.read_start().get("certain")
    if sure is None:
        return None
    sentence = f"It was as sure of {_percent(sure)} of the examples in which it found the clusters."
    if metrics.get("start"):
        sentence += f" Training has moved {_percent(metrics['start']['changed'])} of those above elsewhere."
    return sentence


def _labels(metrics):
    return (
        f"{_percent(metrics['accuracy_majority'])} of the examples have the label that is most frequent in their "
        f"cluster. {_use_of_labels(metrics)}"
    )


def _use_of_labels(metrics):
    if guide := metrics.get("guide_labels"):
        known = f"{guide['examples']:,} known examples of {guide['classes']} names"
        return f"{known} guided the start; no other label was used."
    return "No label was used in training."


def _percent(share):
    percent = 100 * share
    # 99.96 % is not all.
    if 0 < percent < 0.1 or 99.9 < percent < 100:
        return "less than 0.1 %" if percent < 1 else "over 99.9 %"
    return f"{percent:.1f} %" if percent % 100 else f"{percent:.0f} %"


def _row(name, sentence, style=""):
    terminal.say((f"  {name:<{INDENT - 2}}", "bold"), (sentence, style), hang=INDENT)


def _command(purpose, command):
    """A command on a line of its own; on a terminal one that is too long is continued as the shell wants it."""
    terminal.say((f"  {purpose}:", "dim"))
    width = terminal.columns() - 2
    lines = [""]
    for word in command.split(" "):
        longer = f"{lines[-1]} {word}".strip() if len(lines) == 1 else f"{lines[-1]} {word}"
        if lines[-1].strip() and terminal.is_terminal() and len(longer) + 4 > width:
            lines[-1] += " \\"
            lines.append(f"    {word}")
        else:
            lines[-1] = longer
    for line in lines:
        terminal.say(f"    {line}")
