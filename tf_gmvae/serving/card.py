"""The model card of an export."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from tf_gmvae.serving.images import MAX_PIXELS
from tf_gmvae.version import __version__

if TYPE_CHECKING:
    from tf_gmvae.model.gmvae import GMVAE


FILE = "model_card.md"

_TEMPLATE = """# {name}

A Gaussian mixture VAE (arXiv 1611.02648): unsupervised clusters, embeddings, scores and new examples.
Exported by tf-gmvae {version} with TensorFlow {tensorflow}.
{description}
## Model

| | |
| --- | --- |
| one example | {shape} |
| p(y given x) | {likelihood}, {support} |
| K, components | {model.num_components}{weights_of_components} |
{levels}| D, dimensions of x | {model.latent_dim} |
| W, dimensions of w | {model.style_dim} |
| M, samples of a score | {model.num_samples} |
| weights | {weights:,} |

The same request has the same answer: batch normalisation is frozen, `generate` and `generate_styled` draw from the
seeds they are given alone, and the noise behind `score` is the same for all examples and all calls.
{columns}
## Signatures

{signatures}

## Limits

- Clusters are found without labels. Their numbers mean nothing in themselves, and change when a model is trained
  anew.
- Every example is given to one of the K components, also one of a kind that the training data did not have: look
  at `score`, whose low `elbo` marks the unusual, beside `probability`.
- Probabilities are the model's own posterior. They are not calibrated against labels and are often near 0 or 1.
- A float value that is {refused} is refused with the status INVALID_ARGUMENT, and
  so is every request that a server has put into the same batch.{missing}
{pictures}- Generated examples are means of p(y given x), smoother than data, and may resemble training data.
"""

_COLUMNS = """
## Columns

An example is a row of these columns, in this order, each in its own unit; a date is the days since 1970-01-01.
NaN is a missing value. What its column cannot hold counts as missing, too: a count below 0, a number that stands
for no level. In rows that are returned, yes/no is the probability of 1, and a category is its likeliest level.

| | column | kind | its numbers |
| --- | --- | --- | --- |
{rows}
"""

_PICTURES = f"""- `cluster_bytes` has a sentence in `error` for a picture that is broken, or of more than
  {MAX_PIXELS:,} pixels, which is not decoded; the others of the batch are answered. The pictures of a request
  are decoded one after the other; one of that size takes about half a gigabyte of memory.
"""


def text(model: GMVAE, signatures: dict[str, tuple[Any, str]], name: str, description: str) -> str:
    """The card.

    Args:
        model: built `GMVAE`.
        signatures: dict of name to pairs of a concrete function and what it answers, a phrase.
        name: text, the name of the model.
        description: Markdown on its data, settings and scores, "" for none.

    Returns:
        Markdown.
    """
    likelihood = model.likelihood
    columns = getattr(likelihood, "columns", None)
    return _TEMPLATE.format(
        name=name,
        version=__version__,
        tensorflow=tf.__version__,
        description=f"\n{description.strip()}\n" if description.strip() else "",
        shape=_shape(model.data_shape),
        likelihood=likelihood.name,
        support=_support(*likelihood.support),
        columns="" if columns is None else _COLUMNS.format(rows="\n".join(_rows(columns))),
        model=model,
        weights=model.count_params(),
        weights_of_components=_weights(model.component_prior),
        levels="".join(
            f"| components of level {number}, of styles of {level.style_dim} dimensions | {level.num_components}"
            f"{_weights(level.component_prior)} |\n"
            for number, level in enumerate(model.style_prior.levels(), start=2)
        ),
        signatures=table(signatures),
        refused=f"{'' if likelihood.missing else 'NaN, '}infinite or outside the range above",
        missing=" NaN is a missing value." if likelihood.missing else "",
        pictures=_PICTURES if "cluster_bytes" in signatures else "",
    )


def table(signatures: dict[str, tuple[Any, str]]) -> str:
    """Names, types and shapes of all inputs and outputs.

    Args:
        signatures: as for `text`.

    Returns:
        Markdown table.
    """
    rows = ["| signature | inputs | outputs | answers |", "| --- | --- | --- | --- |"]
    for name, (function, about) in signatures.items():
        inputs = {spec.name: spec for spec in tf.nest.flatten(function.structured_input_signature)}
        cells = ("<br>".join(_tensor(*item) for item in specs.items()) for specs in (inputs, _outputs(function)))
        rows.append(f"| `{name}` | {' | '.join(cells)} | {about} |")
    return "\n".join(rows)


def _support(low, high):
    if not math.isfinite(low):
        return "any finite values"
    return f"values within [{low:g}, {f'{high:g}]' if math.isfinite(high) else 'infinity)'}"


def _rows(columns):
    """What stands at each place of an example, rows of a Markdown table."""
    for place, (name, kind, levels) in enumerate(columns.meanings):
        numbers = ", ".join(f"{number} = {_verbatim(level)}" for number, level in enumerate(levels))
        numbers = numbers or ("whole numbers from 0 on" if kind == "count" else "any")
        yield f"| {place} | {_verbatim(name)} | {kind.replace('_', '/')} | {numbers} |"


def _verbatim(text):
    """A text of the user's own in a cell of a Markdown table, where a bar or a new line would end it."""
    text = " ".join(text.split()).replace("|", "\\|")
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    pad = " " * ("`" in text)
    return f"{fence}{pad}{text}{pad}{fence}"


def _weights(prior):
    """How p(z) differs from 1/K, a phrase; nothing where it does not."""
    if prior.kind == "uniform":
        return ""
    shares = prior.probabilities
    return f", of learned weights from {shares.min():.3g} to {shares.max():.3g}"


def _outputs(function):
    return {name: tf.TensorSpec(out.shape, out.dtype) for name, out in function.structured_outputs.items()}


def _tensor(name, spec):
    return f"`{name}` {spec.dtype.name} {_shape(('B', *spec.shape[1:]))}"


def _shape(shape):
    inner = ", ".join("?" if size is None else str(size) for size in shape)
    return f"({inner},)" if len(shape) == 1 else f"({inner})"
