"""New examples from a GMVAE."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from tf_gmvae.checks import whole_number
from tf_gmvae.errors import InputError
from tf_gmvae.gaussians import component_sample
from tf_gmvae.model.part import Part
from tf_gmvae.model.traced import Traced
from tf_gmvae.priors import chosen


class Generation(Part):
    """Methods of `GMVAE` that draw from p(y, x, w, z). They return NumPy arrays."""

    def generate(
        self,
        num_examples: int | None = None,
        component: ArrayLike | None = None,
        w: ArrayLike | None = None,
        seed: int | None = None,
        batch_size: int = 256,
        style_components: Sequence[ArrayLike | None] = (),
    ) -> np.ndarray:
        """New examples: means of p(y | x) with x from p(x | w, z).

        Args:
            num_examples: N; by default the length of `component` or of `w`, else 1.
            component: z, an integer for all or N integers; None draws each from p(z).
            w: style, (W,) for all or (N, W); None draws each from p(w).
            seed: integer; the same seed gives the same examples. None draws afresh.
            batch_size: examples at a time. Default 256.
            style_components: of a deep GMVAE, the components of the deeper levels along a path: for each level an
                integer for all, N integers, or None, which draws them. Default (), all are drawn.

        Returns:
            Array (N, ...), shaped as the data.

        Raises:
            InputError: if a component, a shape or a number is out of range, or w is NaN or infinite.
        """
        batch_size = whole_number("batch_size", batch_size)
        if seed is not None:
            seed = whole_number("seed", seed, 0)
        if num_examples is not None:
            num_examples = whole_number("num_examples", num_examples)
        styles = None if w is None else _styles(w, self.style_dim)
        given = [("component", component), *(("style_components", part) for part in style_components)]
        shapes = [(name, _shape(name, part)) for name, part in given]
        lengths = [(name, shape[0]) for name, shape in shapes if len(shape) == 1]
        if styles is not None and styles.ndim == 2:
            lengths.append(("w", len(styles)))
        num_examples = _number(num_examples, lengths)
        rng = np.random.default_rng(seed)
        # Everything is drawn, also what is then replaced, so that fixing w leaves the rest as it was.
        drawn = self.component_prior.sample(rng, num_examples)
        component = chosen(component, drawn, self.num_components, "component")
        if w is not None and len(style_components):
            raise InputError("`style_components` say what to draw w from: give them, or `w`, not both.")
        drawn_w = self.style_prior.sample(rng, num_examples, self.style_dim, style_components)
        styles = np.broadcast_to(drawn_w if styles is None else styles, drawn_w.shape)
        noise = rng.standard_normal((num_examples, self.latent_dim))
        batches = tf.data.Dataset.from_tensor_slices(
            (component.astype("int32"), styles.astype("float32"), noise.astype("float32"))
        ).batch(batch_size)
        return np.concatenate([self.generate_batch(*batch).numpy() for batch in batches])

    @Traced
    def generate_batch(self, component: tf.Tensor, w: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
        """Means of p(y | x) at x = mu_k(w) + sigma_k(w) noise.

        Args:
            component: integer tensor (B,), k of each.
            w: tensor (B, W).
            noise: tensor (B, D), from N(0, I).
        """
        return self.likelihood.mean(self.decode(component_sample(component, noise, *self.mixture_prior(w))))


def _number(num_examples, lengths):
    """How many examples are asked for, by number or by the lengths of named arguments."""
    longest, most = max(lengths, key=lambda named: named[1], default=("", 1))
    wanted = num_examples or max(1, most)
    for name, length in lengths:
        has = f"`{name}` has {length} entr{'y' if length == 1 else 'ies'}"
        if length != wanted and num_examples:
            raise InputError(f"{has} for num_examples={num_examples}: give as many, or leave num_examples out.")
        if length != wanted:
            beside = f" and `{longest}` {most}: give as many of both." if most else ": give one for each example."
            raise InputError(has + beside)
    return wanted


def _shape(name, component):
    try:
        return np.shape(component)
    except ValueError:
        raise InputError(f"`{name}` must be an integer, or a list of one for each example.") from None


def _styles(w, dim):
    try:
        with np.errstate(over="ignore"):  # what is too large for it is infinite, and told of
            w = np.asarray(w, "float32")
    except (TypeError, ValueError):
        raise InputError(f"`w` must be numbers, ({dim},) or (N, {dim}).") from None
    if w.ndim not in (1, 2) or w.shape[-1] != dim:
        raise InputError(f"`w` must be ({dim},) or (N, {dim}). Received: {w.shape}")
    if not np.isfinite(w).all():
        raise InputError("`w` holds values that are NaN or infinite: repair them.")
    return w
