"""The examples that a start works on, out of the data in whatever form they come."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tf_gmvae import inputs, sampling
from tf_gmvae.data.shards.split import ShardedSplit
from tf_gmvae.data.split import Split
from tf_gmvae.errors import InputError
from tf_gmvae.inputs import Data
from tf_gmvae.model.part import Part
from tf_gmvae.start import known


def check_enough(split: Split, num_components: int, levels: Sequence[int] = ()) -> None:
    """Checks that there are examples for the clusters, and for the groups of styles of deeper levels.

    Args:
        split: a `data.Split`.
        num_components: K.
        levels: numbers of components of the deeper levels, as of `style_components`. Default ().

    Raises:
        InputError: if there are fewer than K different ones, or fewer than 2, or fewer than components of a level.
    """
    for number in levels:
        if number > split.num_examples:
            raise InputError(
                f"{split.num_examples} example{'s' * (split.num_examples > 1)} cannot make {number} groups of "
                "styles: give more data, or fewer style_components (num_components of a MixturePrior)."
            )
    least, different = max(2, num_components), set()
    for example in split.examples:
        different.add(example.tobytes())
        if len(different) == least:
            return
    alike = "" if len(different) == split.num_examples else f", of which {len(different)} differ,"
    mend = "give more data" if num_components <= len(different) else "give more data, or fewer components"
    raise InputError(
        f"{split.num_examples} example{'s' * (split.num_examples > 1)}{alike} cannot make {num_components} "
        f"cluster{'s' * (num_components > 1)}: {mend}."
    )


def style_components(model: Part) -> list[int]:
    """The numbers of components of the deeper levels.

    Args:
        model: a `GMVAE`.
    """
    return [level.num_components for level in model.style_prior.levels()]


def as_split(model: Part, data: Data, max_examples: int, seed: int) -> tuple[Split, np.ndarray]:
    """The data in memory: whole where they are there already, else at most so many of them, drawn.

    Args:
        model: a `GMVAE`.
        data: as `GMVAE.initialize` takes them.
        max_examples: largest number of examples that is kept of a stream.
        seed: of the draw.

    Returns:
        Pair of a `data.Split` and the numbers of its examples in the data.

    Raises:
        InputError: if the data do not fit the model, are empty, have weights, or hold too few different examples.
    """
    levels = style_components(model)
    if isinstance(data, ShardedSplit):
        indices = sampling.drawn(data.num_examples, max_examples, seed)
        sample = data.take(indices).examples
        inputs.check_data(sample, model)
        split = Split(sample, missing=model.likelihood.missing)
        check_enough(split, model.num_components, levels)
        return split, indices
    data = inputs.readable(data, model.likelihood)
    inputs.check_data(data, model)
    if not isinstance(data, np.ndarray):
        examples = (inputs.without_weights(batch)[0] for batch in inputs.batches(data, None))
        found = sampling.reservoir(examples, max_examples, seed)
        if found is None:
            raise inputs.no_example()
        data, indices = found
        inputs.check_data(data, model)
    else:
        indices = np.arange(len(data))
    if data.dtype != np.uint8:
        data = np.ascontiguousarray(data, dtype="float32")
    split = Split(data, missing=model.likelihood.missing)
    check_enough(split, model.num_components, levels)
    return split, indices


def drawn(
    split: Split, indices: np.ndarray, max_examples: int, seed: int, classes: np.ndarray | None = None
) -> tuple[Split, np.ndarray, np.ndarray | None]:
    """At most so many examples of a split, in order.

    Args:
        split: a `data.Split`.
        indices: array (N,), the numbers of its examples.
        max_examples: largest number of examples.
        seed: of the draw.
        classes: integer array (N,), the class of examples that are known, which are always drawn, else -1. Default
            None.

    Returns:
        A `data.Split`, its numbers and its classes; what was given, if there are no more than that.
    """
    if split.num_examples <= max_examples:
        return split, indices, classes
    if classes is None:
        chosen = sampling.drawn(split.num_examples, max_examples, seed)
    else:
        order = np.random.default_rng(seed).permutation(split.num_examples)
        chosen = np.sort(known.first(order, classes)[:max_examples])
    return split.take(chosen), indices[chosen], None if classes is None else classes[chosen]
