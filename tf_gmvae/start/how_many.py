"""How many clusters there are, without a label: as many as are found again in samples of the data.

Of too few clusters, each sample joins others; of too many, each sample splits others. So the agreement of samples
rises with the number of clusters, up to that which the data have, and falls from there on (Ben-Hur, Elisseeff and
Guyon 2002). Images are asked on their map, whose smallest parts are joined one after the other. So are rows, and
beside it the gaps of density among them are looked for, which a map would cut through (HDBSCAN, Campello, Moulavi
and Sander 2013). Where neither is found again, the likelihood of plain Gaussian mixtures decides. NumPy arrays
throughout.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np

from tf_gmvae import inputs, terminal
from tf_gmvae.checks import whole_number
from tf_gmvae.data.split import Split
from tf_gmvae.errors import InputError
from tf_gmvae.likelihoods import Likelihood
from tf_gmvae.sampling import drawn
from tf_gmvae.start import agreement_of_samples as agreement
from tf_gmvae.start import clusters, latent_map
from tf_gmvae.start.clusters import Compared, Views
from tf_gmvae.start.initialization import MAX_EXAMPLES, MAX_MAPPED, NUM_VIEWS, Start
from tf_gmvae.start.sample import check_enough
from tf_gmvae.terminal import Step
from tf_gmvae.values import check_values

# What stands in place of a number, in Python and on the command line.
AUTO = "auto"

# The fewest clusters count that are found again about as surely as any other number of them.
NEARLY = 0.05
# Agreement of samples from which on clusters are said to be found again.
FOUND_AGAIN = 0.8


class HowMany(NamedTuple):
    """A number of clusters, and why.

    Attributes:
        num_components: K.
        by: "map", "density" or "likelihood": what it was chosen by.
        stability: dict of floats by number of clusters: mean adjusted Rand index of any two samples, 1 where the
            same clusters are found in all. Of the map, for every number; else for the one that was chosen, if any.
        sure: whether these clusters are found again in samples, at 0.8 or more, and are something else than the
            values of a few columns.
        values_of: names of the yes/no and category columns of which the clusters are no more than the values, see
            `Likelihood.told_by`; else none.
    """

    num_components: int
    by: str
    stability: dict[int, float]
    sure: bool
    values_of: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """The choice in words."""
        if self.num_components == 1:
            return "1 cluster: no others are found again in samples of the data, nor likelier."
        number = f"{self.num_components} clusters"
        if self.values_of:
            names, them = " and ".join(map(repr, self.values_of)), "it" if len(self.values_of) == 1 else "them"
            return (
                f"{number}, but they are hardly more than the values of {names}: leave {them} out to find what "
                "else there is."
            )
        if self.by == "likelihood":
            return (
                f"{number}, the likeliest number, but none is found again in samples of the data: they may be no "
                "more than a way to divide them."
            )
        agreement = self.stability[self.num_components]
        if not self.sure:
            return (
                f"{number}, but samples of the data agree on them to {agreement:.2f} of 1 only: try other numbers "
                "beside it."
            )
        beside = "; ".join(
            f"{k}: {self.stability[k]:.2f}"
            for k in (self.num_components - 1, self.num_components + 1)
            if k in self.stability
        )
        return f"{number}, on which samples of the data agree to {agreement:.2f} of 1" + (
            f" ({beside})." if beside else ", by gaps between them."
        )


def checked(name: str, value: object) -> int | str:
    """A number of clusters, or that it shall be chosen.

    Args:
        name: text, name of the argument.
        value: what was passed for it.

    Returns:
        Integer from 1 on, or "auto".

    Raises:
        InputError: if it is neither.
    """
    if isinstance(value, str):
        if value != AUTO:
            raise InputError(f"`{name}` must be an integer or {AUTO!r}. Received: {value!r}")
        return AUTO
    return whole_number(name, value, 1)


def ask(
    split: Split,
    likelihood: Likelihood,
    seed: int,
    views: Views = "auto",
    verbose: bool = True,
) -> tuple[HowMany, Start]:
    """Chooses a number of clusters for data, and finds so many, as `GMVAE.initialize` would find them.

    Args:
        split: `Split`; of more than 60,000 examples so many are drawn.
        likelihood: `Likelihood` of the model that is to come; it tells what values mean.
        seed: integer; the same seed gives the same answer.
        views: as in `GMVAE.initialize`. Default "auto".
        verbose: whether progress is shown. Default True.

    Returns:
        Pair of `HowMany` and of the clusters, `Start`, which `GMVAE.initialize` takes as `found`.

    Raises:
        InputError: if there are fewer than two different examples.
    """
    step = functools.partial(terminal.step, shown=verbose)
    say = terminal.say if verbose else lambda text: None
    indices = drawn(split.num_examples, MAX_EXAMPLES, seed)
    sample = split.take(indices)
    check_values(sample.examples, likelihood)
    check_enough(sample, 2)
    say(f"How many clusters there are, asked of {len(indices):,} examples.")
    compared = clusters.compare(
        sample.examples,
        to_floats=lambda values: inputs.on_model_scale(values, likelihood),
        view=clusters.view_layer(views, split.data_shape, seed),
        num_views=NUM_VIEWS,
        max_mapped=MAX_MAPPED,
        seed=seed,
        features=likelihood.features(),
        step=step,
        say=say,
    )
    found = choose(compared, seed, step)
    if found.num_components == 1:
        say(f"  {found.sentence}")
        return found, Start(np.ones((len(indices), 1), "float32"), indices)
    labels = clusters.labels_of(compared, found.num_components, seed, say, step)
    names = likelihood.told_by(labels.argmax(axis=1), sample.examples)
    found = found._replace(values_of=names, sure=found.sure and not names)
    say(f"  {found.sentence}")
    return found, Start(labels, indices)


def choose(compared: Compared, seed: int, step: Step = terminal.step) -> HowMany:
    """Chooses a number of clusters.

    Args:
        compared: `Compared` examples.
        seed: integer; the same seed gives the same number.
        step: what shows how far long steps have come. Default `terminal.step`.

    Returns:
        `HowMany`.
    """
    points, placed = compared.neighbours.points, compared.map
    found: list[HowMany] = []
    if placed is None:
        with step("  Gaps between the rows"):
            gaps = agreement.by_density(points, seed)
        if gaps is not None:
            found.append(HowMany(gaps[0], "density", dict([gaps]), gaps[1] >= FOUND_AGAIN))
        placed = latent_map.mapped(compared.neighbours, seed, step)
    if placed.graph is not None:
        stability = agreement.on_map(placed, seed, step)
        best = max(stability.values())
        fewest = min(k for k, value in stability.items() if value >= best - NEARLY)
        found.append(HowMany(fewest, "map", stability, stability[fewest] >= FOUND_AGAIN))
    sure = [each for each in found if each.sure]
    if sure:
        best = max(each.stability[each.num_components] for each in sure)
        as_good = [each for each in sure if each.stability[each.num_components] >= best - NEARLY]
        return max(as_good, key=lambda each: each.num_components)
    if compared.map is not None and found:
        return found[0]
    with step("  The likelihood of mixtures"):
        return HowMany(agreement.likeliest(points, seed), "likelihood", {}, False)
