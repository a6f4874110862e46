"""The prior of a deep GMVAE: w has the kind of prior that x has (section 5 of the paper).

    p(y, x, w, v, z, c) = p(v) p(c) p(w | v, c) p(z) p(x | w, z) p(y | x)
    q(x, w, v, z, c | y) = q(x | y) q(w | y) q(v | y) p(z | x, w) p(c | w, v)

v is to w what w is to x, and c what z is; v may have such a prior in turn. Level 1 is that of x and z, level 2
that of w and c, and so on.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from layers import MixturePriorHead
from tf_gmvae import objective
from tf_gmvae.checks import whole_number, whole_numbers
from tf_gmvae.errors import InputError
from tf_gmvae.gaussians import component_sample
from tf_gmvae.priors import component as components_of
from tf_gmvae.priors.normal import StandardNormal


class Style(NamedTuple):
    """What the recognition model says of w, or of the style of a deeper level.

    Attributes:
        sample: M samples, (M, B, W).
        mean: of q(w | y), (B, W).
        log_var: (B, W).
    """

    sample: Any
    mean: Any
    log_var: Any


class LevelTerms(NamedTuple):
    """The divergences of a deeper level, named as those of x are in `objective.ElboTerms`, each (B,), nats.

    Attributes:
        conditional_prior: of level 2, E[KL(q(w | y) || p(w | v, c))], by the analogue of Eq. 5.
        z_prior: of level 2, E[KL(p(c | w, v) || p(c))], by the analogue of Eq. 6.
        w_prior: of level 2, KL(q(v | y) || p(v)); where v has a mixture as its prior, the total of the next level.
    """

    conditional_prior: Any
    z_prior: Any
    w_prior: Any

    @property
    def total(self) -> Any:
        """KL(q(w, v, c | y) || p(w, v, c)), (B,), nats: the w-prior term of the level before."""
        return self.conditional_prior + self.z_prior + self.w_prior


@keras.saving.register_keras_serializable(package="tf_gmvae")
class MixturePrior(keras.layers.Layer):
    """p(w) as a mixture of C Gaussians that a style v shapes: a deeper level of `GMVAE(style_prior=...)`.

    The model it is given to sets it up, seeds it and trains it; each model needs one of its own.

    Args:
        num_components: C.
        style_dim: V, dimensions of v; None is half of those of w. Default None.
        units: units of the hidden layers from v to the components; None are those of the model. Default None.
        component_prior: p(c), as that of `GMVAE`. Default "uniform".
        style_prior: prior of v, a `MixturePrior` for a further level; None is N(0, I). Default None.
        **kwargs: of `keras.layers.Layer`.

    Raises:
        InputError: if an argument is out of its range.

    Example:
        >>> deep = tf_gmvae.priors.MixturePrior(3)
        >>> model = tf_gmvae.GMVAE.from_preset("digits", num_components=10, style_prior=deep, seed=0)
        >>> [level.shape for level in model.predict_levels(np.zeros((2, 8, 8, 1), "float32"))]
        [(2, 10), (2, 3)]
    """

    def __init__(
        self,
        num_components: int,
        style_dim: int | None = None,
        units: Sequence[int] | None = None,
        component_prior: str = "uniform",
        style_prior: StandardNormal | MixturePrior | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_components = whole_number("num_components", num_components)
        self.style_dim: Any = None if style_dim is None else whole_number("style_dim", style_dim)  # see `set_up`
        self.units = None if units is None else whole_numbers("units", units)
        self.component_prior = components_of.component_prior(component_prior, self.num_components)
        self.style_prior = checked(style_prior)
        self._given = {"style_dim": self.style_dim, "units": self.units and list(self.units)}

    def set_up(self, dim: int, units: tuple[int, ...], seeds: Sequence[int | None], dtype: Any = None) -> None:
        """Makes the networks, once it is known whose prior this is.

        Args:
            dim: W, dimensions of w.
            units: tuple, units of the model's own head.
            seeds: list of integer seeds or None, one a level, this one's first.
            dtype: dtype policy of the model. Default None: that of the process.

        Raises:
            InputError: if this is the prior of another model already.
        """
        if hasattr(self, "prior_head"):
            raise InputError("This MixturePrior is part of another model: make a new one for each GMVAE.")
        if self.style_dim is None:
            self.style_dim = max(1, dim // 2)
        if self.units is None:
            self.units = units
        self.prior_head = MixturePriorHead(
            self.num_components, dim, self.units, seed=seeds[0], dtype=dtype, name=f"{self.name}_head"
        )
        self.prior_head.build((None, self.style_dim))
        if isinstance(self.style_prior, MixturePrior):
            self.style_prior.set_up(self.style_dim, units, seeds[1:], dtype)
        self.built = True

    def levels(self) -> tuple[MixturePrior, ...]:
        """The prior itself, that of its style and so on; no property, since Keras would look for weights in it."""
        return (self, *self.style_prior.levels())

    @property
    def dims(self) -> tuple[int, ...]:
        """Dimensions of the styles of `levels`."""
        return tuple(level.style_dim for level in self.levels())

    def components(self, style: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Components of p(w | v, c).

        Args:
            style: v, tensor (..., V).

        Returns:
            Pair (means, log_vars) of float32 tensors (..., C, W).
        """
        means, log_vars = self.prior_head(style)
        return tf.cast(means, "float32"), tf.cast(log_vars, "float32")

    def log_responsibilities(self, *styles: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """log p(c | w, v) by Bayes' rule, as Eq. 3, at every level.

        Args:
            *styles: w, v and so on, tensors (..., W), (..., V).

        Returns:
            Tuple of tensors (..., C), nats, one of each of `levels`.
        """
        return tuple(
            objective.log_responsibilities(w, *level.components(v), level.component_prior.log_weights)
            for level, (w, v) in zip(self.levels(), itertools.pairwise(styles), strict=True)
        )

    def log_prob(self, *styles: tf.Tensor) -> tf.Tensor:
        """log p(w | v) p(v), every c summed out.

        Args:
            *styles: w, v and so on, tensors (..., W), (..., V).

        Returns:
            Tensor (...), nats.
        """
        total = self.levels()[-1].style_prior.log_prob(styles[-1])
        for level, (w, v) in zip(self.levels(), itertools.pairwise(styles), strict=True):
            total += objective.mixture_log_density(w, *level.components(v), level.component_prior.log_weights)
        return total

    def kl(self, *styles: Style) -> tuple[LevelTerms, ...]:
        """The terms of every level from M samples.

        Args:
            *styles: `Style` of w, of v and so on.

        Returns:
            Tuple of `LevelTerms` of tensors (B,), one of each of `levels`; the `total` of the first is the w-prior
            term of the ELBO.
        """
        rest = self.levels()[-1].style_prior.kl(styles[-1].mean, styles[-1].log_var)
        found: list[LevelTerms] = []
        for level, (w, v) in reversed(list(zip(self.levels(), itertools.pairwise(styles), strict=True))):
            means, log_vars = level.components(v.sample)
            prior = level.component_prior
            log_resp = objective.log_responsibilities(w.sample, means, log_vars, prior.log_weights)
            conditional = objective.conditional_prior(log_resp, w.mean, w.log_var, means, log_vars)
            found.insert(0, LevelTerms(conditional, prior.kl(log_resp), rest))
            rest = found[0].total
        return tuple(found)

    def sample(
        self, rng: np.random.Generator, num_samples: int, dim: int, components: Sequence[Any] = ()
    ) -> np.ndarray:
        """Draws w, along a path of components where one is given.

        Args:
            rng: NumPy generator.
            num_samples: integer N.
            dim: W.
            components: for each of `levels` an integer for all, N integers, or None, which draws each; levels that
                are left out are drawn. Default ().

        Returns:
            Float32 array (N, W).

        Raises:
            InputError: if a component is out of range.
        """
        if len(components) > len(self.levels()):
            raise InputError(
                f"`style_components` has one entry for each of the {len(self.levels())} deeper levels. Received: "
                f"{len(components)}"
            )
        given = [*components, *[None] * (len(self.levels()) - len(components))]
        chosen = []
        for level, component in zip(self.levels(), given, strict=True):
            drawn = level.component_prior.sample(rng, num_samples)
            chosen.append(components_of.chosen(component, drawn, level.num_components, "style_components"))
        noises = [rng.standard_normal((num_samples, size)).astype("float32") for size in (dim, *self.dims)]
        return self.from_noise(chosen, noises).numpy()

    def from_noise(self, components: Sequence[tf.Tensor], noises: Sequence[tf.Tensor]) -> tf.Tensor:
        """w at given components, mu_c(v) + sigma_c(v) noise at every level.

        Args:
            components: integer tensors (B,), one of each of `levels`.
            noises: tensors (B, W), (B, V) and so on, from N(0, I), one more.

        Returns:
            Float32 tensor (B, W).
        """
        style = tf.convert_to_tensor(noises[-1])
        for level, component, noise in reversed(list(zip(self.levels(), components, noises[:-1], strict=True))):
            style = component_sample(component, noise, *level.components(style))
        return style

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {
            **super().get_config(),
            **self._given,
            "num_components": self.num_components,
            "component_prior": self.component_prior.kind,
            "style_prior": keras.saving.serialize_keras_object(self.style_prior),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> MixturePrior:
        """The prior of a config, not set up yet."""
        style_prior = keras.saving.deserialize_keras_object(config["style_prior"])
        return cls(**{**config, "style_prior": style_prior})


def checked(prior: Any) -> StandardNormal | MixturePrior:
    """The prior of a style.

    Args:
        prior: `StandardNormal`, `MixturePrior`, or None for the first.

    Returns:
        One of these.

    Raises:
        InputError: if it is something else.
    """
    if prior is None:
        return StandardNormal()
    if not isinstance(prior, StandardNormal | MixturePrior):
        raise InputError(f"style_prior must be a tf_gmvae.priors.MixturePrior, or None. Received: {prior!r}")
    return prior
