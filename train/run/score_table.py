"""Scores of a run as text."""

import math
from typing import Any

from tf_gmvae.evaluation import floors

# Columns before the values.
HANG = 24


def table(metrics: dict[str, Any]) -> str:
    """The scores as a small table.

    Args:
        metrics: dict of `scoring.score` or `method_job.score`.

    Returns:
        Text of several lines.
    """
    rows = _of_gmvae(metrics) if "elbo" in metrics else []
    rows.append(("components in use", f"{metrics['components_in_use']} of {metrics['num_components']}"))
    for score, name in (("table1", "Table 1"), ("majority", "majority"), ("hungarian", "one-to-one")):
        if metrics[f"accuracy_{score}"] is not None:
            rows.append((f"accuracy, {name}", f"{100 * metrics[f'accuracy_{score}']:.1f} %"))
    for score in ("nmi", "ari"):
        if metrics[score] is not None:
            rows.append((score.upper(), f"{metrics[score]:.3f}"))
    rows += _of_tree(metrics.get("hierarchy") or {})
    epochs = metrics["epochs"]
    rows.append(("training", f"{metrics['train_seconds']:.0f} s for {epochs} epoch{'s' * (epochs != 1)}"))
    if metrics["start_seconds"]:
        rows.append(("start", f"{metrics['start_seconds']:.0f} s before"))
    if metrics.get("start"):
        before = metrics["start"]["after"]["accuracy_majority"]
        was = "" if before is None else f"accuracy, majority, {100 * before:.1f} %; "
        moved = f"training moved {100 * metrics['start']['changed']:.1f} % elsewhere"
        rows.append(("after the start", was + moved))
    rows += [("collapse watch", sentence) for sentence in metrics.get("collapse", ())]
    scored, of_all = metrics["num_examples"], metrics.get("drawn_from", metrics["num_examples"])
    drawn = f", drawn from {of_all:,}" if of_all > scored else ""
    title = f"{metrics['dataset']}: {scored:,} {metrics['scored_on']} examples{drawn}"
    return "\n".join([title, *(f"  {name:<22}{value}" for name, value in rows), *_beside(metrics)])


def _beside(metrics):
    """Lines on the simple methods."""
    rows, found = floors.rows(metrics), metrics.get("floors") or {}
    if rows:
        columns = ("accuracy_majority", "accuracy_hungarian", "nmi", "ari")
        yield "Beside it, on the same data:"
        yield f"  {'':<26}{'majority':>10}{'one-to-one':>12}{'NMI':>8}{'ARI':>8}"
        for name, scores in rows:
            cells = ("-" if scores[key] is None else _cell(key, scores[key]) for key in columns)
            yield f"  {name:<26}" + "".join(
                f"{cell:>{width}}" for cell, width in zip(cells, (10, 12, 8, 8), strict=True)
            )
    if sentence := floors.verdict(metrics):
        yield f"  {sentence}"
    if "agreement" in found:
        yield f"  {'agreement with k-means':<24}ARI {found['agreement']:.3f}"


def _of_tree(tree):
    """Rows on clusters of clusters."""
    if tree.get("dendrogram_purity") is not None:
        yield "dendrogram purity", f"{100 * tree['dendrogram_purity']:.1f} %"
    if "cut" in tree:
        cut = tree["cut"]
        found = [f"{sum(count > 0 for count in cut['examples_a_group'])} in use"]
        for key, name in (("accuracy_majority", "majority"), ("accuracy_hungarian", "one-to-one"), ("ari", "ARI")):
            if cut[key] is not None:
                found.append(f"{name} {_cell(key, cut[key])}")
        yield f"cut into {cut['groups']} groups", ", ".join(found)


def _cell(key, value):
    return f"{100 * value:.1f} %" if key.startswith("accuracy") else f"{value:.3f}"


def _of_gmvae(metrics):
    """Rows on the bound and on w, which other methods do not have."""
    rows = [("ELBO, nats", f"{metrics['elbo']:.2f}")]
    for term in ("reconstruction", "conditional_prior", "w_prior"):
        rows.append((f"  {term}", f"{metrics[term]:.2f}"))
    limit = f"at most log K = {math.log(metrics['num_components']):.2f}"
    if weights := metrics.get("component_weights"):
        limit = f"from learned weights of {min(weights):.3g} to {max(weights):.3g}"
    rows.append(("  z_prior", f"{metrics['z_prior']:.2f} ({limit})"))
    for number, level in enumerate(metrics.get("levels") or (), start=2):
        in_use = f"{level['components_in_use']:.0f} of {level['num_components']} components in use"
        of_terms = f"conditional {level['conditional_prior']:.2f}, z {level['z_prior']:.2f}"
        rows.append((f"level {number}", f"{in_use}; {of_terms}, w {level['w_prior']:.2f} nats"))
    rows.append(("w moves x by", f"{metrics['style_information']:.2f} nats within a component"))
    return rows
