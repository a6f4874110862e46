"""Priors of the style w and of the component z as objects.

The paper's are p(w) = N(0, I), `StandardNormal`, and p(z) = 1/K, `UniformWeights`: the default, with nothing to
learn. `LearnedWeights` are p(z) = pi, trained with the rest; `MixturePrior` is the p(w) of a deep GMVAE.

- `normal`: the paper's p(w).
- `mixture`: a mixture as p(w), to any depth.
- `component`: both kinds of p(z).

Example:
    >>> deep = tf_gmvae.priors.MixturePrior(3)  # three clusters of styles
    >>> model = tf_gmvae.GMVAE.from_preset(
    ...     "digits", num_components=10, component_prior="learned", style_prior=deep, seed=0
    ... )
    >>> model.generate(component=4, style_components=[2], num_examples=5, seed=0).shape
    (5, 8, 8, 1)
"""

from tf_gmvae.priors.component import (
    COMPONENT_PRIORS,
    ComponentPrior,
    LearnedWeights,
    UniformWeights,
    chosen,
    component_prior,
)
from tf_gmvae.priors.mixture import LevelTerms, MixturePrior, Style
from tf_gmvae.priors.normal import StandardNormal

__all__ = [
    "COMPONENT_PRIORS",
    "ComponentPrior",
    "LearnedWeights",
    "LevelTerms",
    "MixturePrior",
    "StandardNormal",
    "Style",
    "UniformWeights",
    "chosen",
    "component_prior",
]
