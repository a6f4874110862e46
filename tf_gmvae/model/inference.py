"""What a GMVAE answers once trained: embeddings, reconstructions, samples, scores, distributions."""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from tf_gmvae import distributions, inputs, objective
from tf_gmvae.errors import InputError
from tf_gmvae.inputs import Data
from tf_gmvae.model.part import Part


class Embedding(NamedTuple):
    """Means of q(x | y), (N, D), and of q(w | y), (N, W)."""

    x: np.ndarray
    w: np.ndarray


class Latents(NamedTuple):
    """What the recognition model says of examples.

    Attributes:
        log_posterior: log p(z | y) at the means of x and w, (N, K), nats.
        x: means of q(x | y), (N, D).
        w: means of q(w | y), (N, W).
    """

    log_posterior: np.ndarray
    x: np.ndarray
    w: np.ndarray


class Examination(NamedTuple):
    """All that one pass over examples tells.

    Attributes:
        posterior: p(z | y) at the means of x and w, (N, K).
        x: means of q(x | y), (N, D).
        w: means of q(w | y), (N, W).
        terms: `objective.ElboTerms` of arrays (N,), nats.
        log_posterior: log p(z | y), (N, K), nats: it tells apart what the posterior rounds to 1.
    """

    posterior: np.ndarray
    x: np.ndarray
    w: np.ndarray
    terms: objective.ElboTerms
    log_posterior: np.ndarray


class Inference(Part):
    """Methods of `GMVAE` that read a trained model. They take and return NumPy arrays.

    `data` is an array of examples (N, ...), a `data.Split`, or a `tf.data.Dataset`, `keras.utils.PyDataset` or
    other iterable of batches of examples or of (examples, labels), of one pass. Arrays and batches of uint8 are on
    the scale that `inputs.on_model_scale` gives them.
    """

    def latents(self, data: Data, batch_size: int = 256) -> Latents:
        """The posterior over components and the means of the latents, in one pass and without decoding.

        Args:
            data: see the class.
            batch_size: examples at a time, where `data` is an array; default 256.

        Returns:
            `Latents` of arrays.
        """
        return self._over_batches(self.latents_of_batch, data, batch_size)

    @tf.function(reduce_retracing=True)
    def latents_of_batch(self, examples: tf.Tensor) -> Latents:
        """`Latents` of one batch, of tensors.

        Args:
            examples: tensor (B, ...), from `examples`.
        """
        encoding = self.encode(examples)
        components = self.mixture_prior(encoding.w_mean)
        log_resp = objective.log_responsibilities(encoding.x_mean, *components)
        return Latents(log_resp, encoding.x_mean, encoding.w_mean)

    def embed(self, data: Data, batch_size: int = 256) -> Embedding:
        """Means of the latents.

        Args:
            data: see the class.
            batch_size: examples at a time, where `data` is an array; default 256.

        Returns:
            `Embedding` of arrays x (N, D) and w (N, W).
        """
        latents = self.latents(data, batch_size)
        return Embedding(latents.x, latents.w)

    def log_posterior(self, data: Data, batch_size: int = 256) -> np.ndarray:
        """log p(z | y) at the means of x and w: it tells apart what `predict` rounds to 1.

        Args:
            data: see the class.
            batch_size: examples at a time, where `data` is an array; default 256.

        Returns:
            Array (N, K), nats.
        """
        return self.latents(data, batch_size).log_posterior

    def reconstruct(self, data: Data, batch_size: int = 256) -> np.ndarray:
        """Mean of p(y | x) at the mean of q(x | y).

        Args:
            data: see the class.
            batch_size: examples at a time, where `data` is an array. Default 256.

        Returns:
            Array (N, ...), shaped as the data.
        """
        return self._over_batches(self.reconstruct_batch, data, batch_size)

    @tf.function(reduce_retracing=True)
    def reconstruct_batch(self, examples: tf.Tensor) -> tf.Tensor:
        """Mean of p(y | x) of one batch.

        Args:
            examples: tensor (B, ...), from `examples`.
        """
        return self.likelihood.mean(self.decode(self.encode(examples).x_mean))

    def generate(
        self,
        num_examples: int | None = None,
        component: ArrayLike | None = None,
        w: ArrayLike | None = None,
        seed: int | None = None,
        batch_size: int = 256,
    ) -> np.ndarray:
        """New examples: means of p(y | x) with x from p(x | w, z).

        Args:
            num_examples: N; by default the length of `component` or of `w`, else 1.
            component: z, an integer for all or N integers; None draws each uniformly from the K.
            w: style, (W,) for all or (N, W); None draws each from N(0, I).
            seed: integer; the same seed gives the same examples. None draws afresh.
            batch_size: examples at a time. Default 256.

        Returns:
            Array (N, ...), shaped as the data.

        Raises:
            InputError: if a component or a shape is out of range.
        """
        given = [(part, ndim) for part, ndim in ((component, 1), (w, 2)) if part is not None]
        lengths = [np.shape(part)[0] for part, ndim in given if np.ndim(part) == ndim]
        num_examples = num_examples if num_examples is not None else max(lengths, default=1)
        if num_examples < 1 or any(length != num_examples for length in lengths):
            raise InputError(
                f"generate needs one component and one w for each example. Received: num_examples={num_examples}, "
                f"and {' and '.join(map(str, lengths)) or 'none'} given"
            )
        rng = np.random.default_rng(seed)
        # Everything is drawn, also what is then replaced, so that fixing w leaves the rest as it was.
        drawn = rng.integers(self.num_components, size=num_examples)
        component = np.broadcast_to(drawn if component is None else component, (num_examples,))
        if not np.issubdtype(component.dtype, np.integer) or not (
            component.min() >= 0 and component.max() < self.num_components
        ):
            raise InputError(
                f"`component` must be an integer from 0 to {self.num_components - 1}. Received: {component}"
            )
        drawn_w = rng.standard_normal((num_examples, self.style_dim))
        if w is not None and np.shape(w)[-1:] != (self.style_dim,):
            raise InputError(f"`w` must be ({self.style_dim},) or (N, {self.style_dim}). Received: {np.shape(w)}")
        w = np.broadcast_to(drawn_w if w is None else w, drawn_w.shape)
        noise = rng.standard_normal((num_examples, self.latent_dim))
        batches = tf.data.Dataset.from_tensor_slices(
            (component.astype("int32"), w.astype("float32"), noise.astype("float32"))
        ).batch(batch_size)
        return np.concatenate([self.generate_batch(*batch).numpy() for batch in batches])

    @tf.function(reduce_retracing=True)
    def generate_batch(self, component: tf.Tensor, w: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
        """Means of p(y | x) at x = mu_k(w) + sigma_k(w) noise.

        Args:
            component: integer tensor (B,), k of each.
            w: tensor (B, W).
            noise: tensor (B, D), from N(0, I).
        """
        mean, log_var = (tf.gather(part, component, batch_dims=1) for part in self.mixture_prior(w))
        return self.likelihood.mean(self.decode(mean + tf.exp(0.5 * log_var) * noise))

    def score(self, data: Data, batch_size: int = 256) -> objective.ElboTerms:
        """The evidence lower bound of every example and its terms, from M samples.

        Args:
            data: see the class.
            batch_size: examples at a time, where `data` is an array. Default 256.

        Returns:
            `objective.ElboTerms` of arrays (N,), nats; its `elbo` is the score: low marks the unusual. The
            noise is the same at every call.
        """
        self.evaluation_sampler.reset()
        return self._over_batches(self._score_batch, data, batch_size)

    @tf.function(reduce_retracing=True)
    def _score_batch(self, examples):
        return self.elbo_terms(examples)

    def examine(self, data: Data, batch_size: int = 256) -> Examination:
        """Posterior, latent means and terms of the ELBO together: `predict`, `embed` and `score` in one pass.

        Args:
            data: see the class.
            batch_size: examples at a time, where `data` is an array. Default 256.

        Returns:
            `Examination` of arrays. The noise in the terms is the same at every call.
        """
        self.evaluation_sampler.reset()
        return self._over_batches(self._examine_batch, data, batch_size)

    @tf.function(reduce_retracing=True)
    def _examine_batch(self, examples):
        sampled = self.sampled(examples)
        x_mean, w_mean = sampled.q_x[0], sampled.q_w[0]
        log_resp = objective.log_responsibilities(x_mean, *self.mixture_prior(w_mean))
        return Examination(tf.exp(log_resp), x_mean, w_mean, objective.elbo_terms(*sampled.of_terms), log_resp)

    def log_likelihood(self, data: Data, num_importance_samples: int = 100, batch_size: int = 16) -> np.ndarray:
        """Importance-weighted estimate of log p(y), with z summed out exactly.

        log 1/S sum_s p(y | x_s) p(x_s | w_s) p(w_s) / (q(x_s | y) q(w_s | y)): a bound that is never
        below the ELBO in expectation and nears log p(y) as S grows.

        Args:
            data: see the class.
            num_importance_samples: S. Default 100.
            batch_size: examples at a time, where `data` is an array; S times as many are decoded at once. Default
                16.

        Returns:
            Array (N,), nats. The noise is the same at every call.
        """
        self.evaluation_sampler.reset()
        return self._over_batches(
            lambda examples: self._log_likelihood_batch(examples, num_importance_samples), data, batch_size
        )

    @tf.function(reduce_retracing=True)
    def _log_likelihood_batch(self, examples, num_importance_samples):
        sampled = self.sampled(examples, num_samples=num_importance_samples)
        log_weights = (
            sampled.log_likelihood
            + objective.mixture_log_density(sampled.x, sampled.means, sampled.log_vars)
            + objective.gaussian_log_density(sampled.w, 0.0, tf.zeros_like(sampled.w))
            - objective.gaussian_log_density(sampled.x, *sampled.q_x)
            - objective.gaussian_log_density(sampled.w, *sampled.q_w)
        )
        return objective.importance_weighted_bound(log_weights)

    def distributions(self, examples: Any) -> distributions.Distributions:
        """All distributions at a batch, as TensorFlow Probability objects with `sample` and `log_prob`.

        Args:
            examples: array (B, ...).

        Returns:
            `distributions.Distributions`: q_x = q(x | y), q_w = q(w | y), and at the means of those
            p_z = p(z | x, w), p_x = p(x | w) with z summed out, p_y = p(y | x).
        """
        encoding = self.encode(self.examples(examples))
        return distributions.Distributions(
            q_x=distributions.diagonal_gaussian(encoding.x_mean, encoding.x_log_var),
            q_w=distributions.diagonal_gaussian(encoding.w_mean, encoding.w_log_var),
            p_z=distributions.component_posterior(encoding.x_mean, *self.mixture_prior(encoding.w_mean)),
            p_x=distributions.gaussian_mixture(*self.mixture_prior(encoding.w_mean)),
            p_y=self.likelihood.distribution(self.decode(encoding.x_mean)),
        )

    def _over_batches(self, function, data, batch_size):
        data = inputs.readable(data, self.likelihood)
        inputs.check_data(data, self)
        outputs = []
        with inputs.readable_errors():
            for batch in inputs.batches(data, batch_size):
                output = function(self.examples(batch))
                outputs.append(keras.tree.map_structure(lambda tensor: tensor.numpy(), output))
        if not outputs:
            raise inputs.no_example()
        return keras.tree.map_structure(lambda *parts: np.concatenate(parts), *outputs)
