"""New examples from a GMVAE."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from tf_gmvae.errors import InputError
from tf_gmvae.model.part import Part
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
            InputError: if a component or a shape is out of range.
        """
        path = [(part, 1) for part in (component, *style_components)]
        given = [(part, ndim) for part, ndim in (*path, (w, 2)) if part is not None]
        lengths = [np.shape(part)[0] for part, ndim in given if np.ndim(part) == ndim]
        num_examples = num_examples if num_examples is not None else max(lengths, default=1)
        if num_examples < 1 or any(length != num_examples for length in lengths):
            raise InputError(
                f"generate needs one component and one w for each example. Received: num_examples={num_examples}, "
                f"and {' and '.join(map(str, lengths)) or 'none'} given"
            )
        rng = np.random.default_rng(seed)
        # Everything is drawn, also what is then replaced, so that fixing w leaves the rest as it was.
        drawn = self.component_prior.sample(rng, num_examples)
        component = chosen(component, drawn, self.num_components, "component")
        if w is not None and len(style_components):
            raise InputError("`style_components` say what to draw w from: give them, or `w`, not both.")
        drawn_w = self.style_prior.sample(rng, num_examples, self.style_dim, style_components)
        if w is not None and np.shape(w)[-1:] != (self.style_dim,):
            raise InputError(f"`w` must be ({self.style_dim},) or (N, {self.style_dim}). Received: {np.shape(w)}")
        w = np.broadcast_to(drawn_w if w is None else w, drawn_w.shape)
        noise = rng.standard_normal((num_examples, self.latent_dim))
        batches = tf.data.Dataset.from_tensor_slices(
            (component.astype("int32"), w.astype("float32"), noise.astype("float32"))
        ).batch(batch_size)
        return np.concatenate([self.generate_batch(*batch).numpy() for batch in batches])

    @tf.function(reduce_retracing=True, autograph=False)
    def generate_batch(self, component: tf.Tensor, w: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
        """Means of p(y | x) at x = mu_k(w) + sigma_k(w) noise.

        Args:
            component: integer tensor (B,), k of each.
            w: tensor (B, W).
            noise: tensor (B, D), from N(0, I).
        """
        mean, log_var = (tf.gather(part, component, batch_dims=1) for part in self.mixture_prior(w))
        return self.likelihood.mean(self.decode(mean + tf.exp(0.5 * log_var) * noise))
