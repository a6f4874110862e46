"""The sections of the page."""

import math
from pathlib import Path

import numpy as np

from tf_gmvae.evaluation import floors
from tf_gmvae.figures.image_sheets import Pixels
from tf_gmvae.report import charts, members, pictures, tree
from tf_gmvae.report.findings import Findings
from tf_gmvae.report.svg import NARROW, WIDE
from tf_gmvae.sampling import drawn
from tf_gmvae.start import latent_map

# Images of a kind for a component.
SHOWN = 8
LEAST_LIKELY = 24
# Points of the map: more take long to place and show nothing new.
MAPPED = 5000
# Columns of a table that a chart has room for, and those that it has room for with a name below each.
COLUMNS, NAMED = 60, 40
# Letters of a name that a chart has room for.
LONGEST_NAME = 24
# The same of an example's id, whose end tells it from others.
LONGEST_ID = 10
TEMPLATE = Path(__file__).with_name("page.html")
# Settings that say nothing to a reader elsewhere.
PRIVATE = ("data_dir",)


def render(findings: Findings) -> str:
    """The page.

    Args:
        findings: `Findings`.

    Returns:
        HTML text, complete in itself: no script, no font, no file or address outside it.
    """
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["count"] = lambda value: f"{value:,}"
    environment.filters["percent"] = lambda value: f"{100 * value:.1f}\u00a0%"
    environment.filters["svg"] = Markup
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    leaves = None
    if findings.leaves is not None and findings.of_images:
        to_pixels = Pixels(findings.examples, findings.uint8_scale)
        leaves = [pictures.strip(to_pixels(row)) for row in findings.leaves]
    found = findings.components()
    counts = [len(component.members) for component in found]
    return template.render(
        name=findings.name,
        method=findings.method,
        generates=findings.elbo is not None,
        metrics=findings.metrics,
        log_k=math.log(findings.num_components),
        settings={
            name: value for name, value in findings.settings.items() if value is not None and name not in PRIVATE
        },
        terms=_widths(charts.terms_over_epochs, findings.history)
        if findings.history and findings.elbo is not None
        else None,
        usage=_widths(charts.usage, counts),
        shares=_shares(findings, counts),
        empty=[component.number for component in found if not len(component.members)],
        colours=charts.component_colours(findings.num_components),
        maps=_maps(findings),
        tree=_tree(findings, found),
        asked=_asked(findings.metrics.get("how_many")),
        confusion=_confusion(findings),
        leaves=leaves,
        beside=floors.rows(findings.metrics),
        suffices=floors.verdict(findings.metrics),
        **(_of_images(findings, found) if findings.of_images else _of_vectors(findings, found)),
    )


def _widths(chart, *arguments):
    """A chart as SVG for wide screens and for phones, on which a smaller copy could not be read."""
    return {
        "wide": chart(*arguments, width=WIDE),
        "narrow": chart(*arguments, width=NARROW),
    }


def _tree(findings, found):
    """Clusters of clusters, or None where there are none."""
    linkage = findings.linkage
    if linkage is None or not len(linkage):
        return None
    counts = tree.node_counts(np.array([len(component.members) for component in found]), linkage)
    words = []
    for component in found:
        text = f"{_shortened(findings.titled(component.number))}: {len(component.members):,} examples"
        if component.contents:
            label, count = component.contents[0]
            text += f", {100 * count / len(component.members):.0f} % are {_shortened(findings.class_name(label))}"
        words.append(text)
    if not findings.of_images:
        return tree.drawing(linkage, counts, words, [None] * len(counts))
    to_pixels = Pixels(findings.examples, findings.uint8_scale)
    means = tree.means(findings.examples, findings.posterior.argmax(axis=1), linkage, findings.uint8_scale)
    sources = [None if mean is None else str(pictures.strip(to_pixels(mean[None]))["src"]) for mean in means]
    return tree.drawing(linkage, counts, words, sources)


def _asked(how_many):
    """How the number of components was chosen, and the curve, if there is one."""
    if not how_many:
        return None
    stability = {int(number): value for number, value in how_many["stability"].items()}
    chart = _widths(charts.stability, stability, how_many["num_components"]) if len(stability) > 1 else None
    return {"sentence": how_many["sentence"], "chart": chart}


def _shares(findings, counts):
    """The components that take the most and the fewest examples."""
    total = sum(counts)
    return [
        {"component": findings.titled(k), "count": counts[k], "share": counts[k] / total}
        for k in (counts.index(max(counts)), counts.index(min(counts)))
    ]


def _card(findings, component):
    """What is said of a component, whatever the data; images or the columns that mark it are added."""
    certainty, count = component.certainty, len(component.members)
    return {
        "rows": [],
        "marks": [],
        "number": component.number,
        "title": findings.titled(component.number),
        "count": count,
        "share": count / len(findings.examples),
        "certainty": float(certainty.mean()),
        "contents": [
            {"name": findings.class_name(label), "share": n / count} for label, n in component.contents[:4]
        ],
    }


def _in_use(found):
    """Components that have examples, the largest first."""
    return sorted((c for c in found if len(c.members)), key=lambda c: -len(c.members))


def _of_images(findings, found):
    to_pixels = Pixels(findings.examples, findings.uint8_scale)

    def strip(images, alt, columns=None):
        return {**pictures.strip(to_pixels(images), columns), "alt": alt}

    cards, samples = [], findings.samples
    for component in _in_use(found):
        k, chosen = component.number, findings.examples[component.members]
        mean = chosen.mean(axis=0, dtype="float64", keepdims=True) / (
            findings.uint8_scale if chosen.dtype == np.uint8 else 1
        )
        most, least = members.ends(component.members, SHOWN)
        rows = [
            ("mean", strip(mean, f"Mean image of component {k}")),
            *(
                [("at w = 0", strip(samples[k], f"{len(samples[k])} samples of component {k} at w = 0"))]
                if samples is not None
                else []
            ),
            ("most certain", strip(findings.examples[most], f"{len(most)} most certain members of component {k}")),
        ]
        if len(least):
            lowest, highest = findings.posterior[least, k][[0, -1]]
            span = f"p from {lowest:.2f} to {highest:.2f}"
            alt = f"{len(least)} least certain members of component {k}, {span}"
            rows.append((f"least certain, {span}", strip(findings.examples[least], alt)))
        cards.append({**_card(findings, component), "rows": rows})
    if findings.elbo is None:
        return {"cards": cards, "walks": [], "reconstructions": [], "anomalies": None, "charts": []}
    anomalies = members.least_likely(findings.elbo, LEAST_LIKELY)
    names = findings.example_names(anomalies)
    return {
        "cards": cards,
        "walks": [
            {
                "component": findings.titled(k),
                "line": line,
                "image": strip(examples, f"Component {k}, walk along line {line} of w"),
            }
            for k, lines in findings.walks.items()
            for line, examples in enumerate(lines, start=1)
        ],
        "reconstructions": [
            ("images", strip(findings.examples[findings.reconstructed], "Images", SHOWN)),
            ("reconstructed", strip(findings.reconstructions, "Their reconstructions", SHOWN)),
        ],
        "anomalies": {
            "image": strip(findings.examples[anomalies], f"The {len(anomalies)} least likely images", SHOWN),
            "rows": [names[first : first + SHOWN] for first in range(0, len(names), SHOWN)],
            "elbo": (float(findings.elbo[anomalies[0]]), float(np.median(findings.elbo))),
        },
        "charts": [],
    }


def _of_vectors(findings, found):
    """Profiles in place of images."""
    used = _in_use(found)
    values = findings.standardised
    offsets = members.component_means(values, found)
    is_plane = findings.examples.shape[1:] == (2,) and np.isfinite(findings.examples).all()
    cards = []
    for component in used:
        marks = findings.marks(offsets[component.number])
        cards.append({**_card(findings, component), "marks": marks})
    return {
        "cards": cards,
        "walks": [],
        "reconstructions": [],
        "anomalies": None,
        "charts": _plane(findings)
        if is_plane and findings.elbo is not None
        else _profiles(findings, used, values, offsets),
    }


def _plane(findings):
    some = drawn(len(findings.examples), MAPPED, findings.seed)
    odd = findings.examples[members.least_likely(findings.elbo, LEAST_LIKELY)]
    colours = charts.component_colours(findings.num_components)
    clusters = findings.posterior[some].argmax(axis=1)
    charted = _widths(charts.plane, findings.examples[some], clusters, colours, odd, findings.drawn)
    return [("Data and generated examples", charted)]


def _profiles(findings, used, values, offsets):
    # The columns in which components differ most.
    most = COLUMNS if findings.feature_names is None else NAMED
    columns = np.sort(np.argsort(-np.ptp(offsets, axis=0), kind="stable")[:most])
    names = [_shortened(findings.feature_name(int(column))) for column in columns]
    numbers = sorted(component.number for component in used)
    profile = _widths(
        charts.heat_map,
        offsets[np.ix_(numbers, columns)],
        [_shortened(findings.titled(number)) for number in numbers],
        names,
        "component",
        "column",
        "Columns by component: mean of the members, from the mean of all",
    )
    if findings.elbo is None:
        return [("What the components are", profile)]
    odd = members.least_likely(findings.elbo, LEAST_LIKELY)
    least_likely = _widths(
        charts.heat_map,
        values[np.ix_(odd, columns)],
        [_ending(name) for name in findings.example_names(odd)],
        names,
        "example",
        "column",
        "The least likely examples",
    )
    return [("What the components are", profile), ("The least likely examples", least_likely)]


def _shortened(name):
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}\u2026"


def _ending(name):
    return name if len(name) <= LONGEST_ID else f"\u2026{name[1 - LONGEST_ID :]}"


def _maps(findings):
    some = drawn(len(findings.x), MAPPED, findings.seed)
    points = findings.points
    if points is None or not len(points) == len(some) == len(findings.x):
        points = latent_map.plane(findings.x[some], findings.seed)
    names = [_shortened(findings.component_name(k)) for k in range(findings.num_components)]
    colours = charts.component_colours(findings.num_components)
    shown = [charts.latent_map(points, findings.posterior[some].argmax(axis=1), names, colours, "component")]
    if findings.labels is not None:
        classes, codes = np.unique(findings.labels[some], return_inverse=True)
        names = [_shortened(findings.class_name(label)) for label in classes]
        shown.append(charts.latent_map(points, codes, names, charts.component_colours(len(classes)), "label"))
    return shown


def _confusion(findings):
    if findings.labels is None:
        return None
    order, classes, counts = members.confusion(findings.posterior, findings.labels)
    return {
        "classes": [findings.class_name(label) for label in classes],
        "rows": [
            {"component": findings.titled(int(k)), "cells": [(int(n), float(n / row.sum())) for n in row]}
            for k, row in zip(order, counts, strict=True)
        ],
    }
