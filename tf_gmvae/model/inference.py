"""What a GMVAE answers once trained: embeddings, reconstructions, samples, scores, distributions."""

from __future__ import annotations

import functools
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tf_gmvae import distributions, gaussians, inputs, objective
from tf_gmvae.checks import check_sizes, known, whole_number
from tf_gmvae.inputs import Data
from tf_gmvae.model import repeated_noise
from tf_gmvae.model import shared_noise as noise
from tf_gmvae.model.answers import DeepLatents, Embedding, Examination, Latents
from tf_gmvae.model.part import Part
from tf_gmvae.model.traced import Traced


class Inference(Part):
    """Methods of `GMVAE` that read a trained model. They take and return NumPy arrays.

    `data` is an array of examples (N, ...), a `data.Split`, or a `tf.data.Dataset`, `keras.utils.PyDataset` or
    other iterable of batches of examples or of (examples, labels), of one pass. Arrays and batches of uint8 are on
    the scale that `inputs.on_model_scale` gives them. Several threads may ask one model at a time: what draws
    noise answers a batch of one after a batch of the other, each by its own noise.
    """

    def latents(self, data: Data, batch_size: int = 256) -> Latents | DeepLatents:
        """The posterior over components and the means of the latents, in one pass and without decoding.

        Args:
            data: see the class.
            batch_size: examples at a time, where `data` is an array; default 256.

        Returns:
            `Latents` of arrays.
        """
        found = self._over_batches(self.latents_of_batch, data, batch_size)
        known(found.log_posterior)
        return found

    @Traced
    def latents_of_batch(self, examples: tf.Tensor) -> Latents | DeepLatents:
        """`Latents` of one batch, of tensors.

        Args:
            examples: tensor (B, ...), from `examples`.
        """
        encoding = self.encode(examples)
        found = (self.log_responsibilities(encoding), encoding.x_mean, encoding.w_mean)
        levels = self.level_log_responsibilities(encoding)
        return DeepLatents(*(*found, levels)) if levels else Latents(*found)

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

    def predict_levels(self, data: Data, batch_size: int = 256) -> list[np.ndarray]:
        """The posteriors over the components of every level, at the means of the latents.

        Args:
            data: see the class.
            batch_size: examples at a time, where `data` is an array; default 256.

        Returns:
            List of arrays: p(z | y), (N, K), as `predict` gives it; of a deep GMVAE p(c | y), (N, C), and so on.
        """
        latents = self.latents(data, batch_size)
        return [np.exp(level) for level in (latents.log_posterior, *latents.levels)]

    def reconstruct(self, data: Data, batch_size: int = 256) -> np.ndarray:
        """Mean of p(y | x) at the mean of q(x | y).

        Args:
            data: see the class.
            batch_size: examples at a time, where `data` is an array. Default 256.

        Returns:
            Array (N, ...), shaped as the data.
        """
        found, log_posterior = self._over_batches(self._reconstruct_batch, data, batch_size)
        known(log_posterior)  # a decoder may make plausible values of a latent that says nothing
        return found

    def reconstruct_batch(self, examples: tf.Tensor) -> tf.Tensor:
        """Mean of p(y | x) of one batch.

        Args:
            examples: tensor (B, ...), from `examples`.
        """
        return self._reconstruct_batch(examples)[0]

    @Traced
    def _reconstruct_batch(self, examples):
        latents = self.latents_of_batch(examples)
        return self.likelihood.mean(self.decode(latents.x)), latents.log_posterior

    def score(self, data: Data, batch_size: int = 256) -> objective.ElboTerms:
        """The evidence lower bound of every example and its terms, from M samples.

        Args:
            data: see the class.
            batch_size: examples at a time, where `data` is an array. Default 256.

        Returns:
            `objective.ElboTerms` of arrays (N,), nats; its `elbo` is the score: low marks the unusual. The
            noise is the same at every call of the same data and batch size; that of `examine` may be the same for
            all examples.
        """
        found = self._over_batches(repeated_noise.repeated(self, self._score_batch), data, batch_size)
        known(found.elbo)
        return found

    @Traced
    def _score_batch(self, examples):
        return self.elbo_terms(examples)

    def examine(self, data: Data, batch_size: int = 256, shared_noise: bool = False) -> Examination:
        """Posterior, latent means and terms of the ELBO together: `predict`, `embed` and `score` in one pass.

        Args:
            data: see the class.
            batch_size: examples at a time, where `data` is an array. Default 256.
            shared_noise: whether all examples have the same noise, as in the `score` of an export: the terms of
                one then depend on no other, but their means err as one sample does. Default False.

        Returns:
            `Examination` of arrays. The noise in the terms is the same at every call.
        """
        of_own_noise = repeated_noise.repeated(self, self._examine_batch)
        examine = self._examine_at_shared_noise if shared_noise else of_own_noise
        found = self._over_batches(examine, data, batch_size)
        known(found.log_posterior)
        known(found.terms.elbo)
        return found

    @Traced
    def _examine_batch(self, examples):
        return self._examined(self.sampled(examples))

    @Traced
    def _examine_at_shared_noise(self, examples):
        return self._examined(self.sampled(examples, sampler=noise.sampler(self)))

    def _examined(self, sampled):
        encoding = sampled.encoding
        log_resp = self.log_responsibilities(encoding)
        terms, level_terms = self.terms(sampled)
        levels = tuple(tf.exp(level) for level in self.level_log_responsibilities(encoding))
        return Examination(
            tf.exp(log_resp), encoding.x_mean, encoding.w_mean, terms, log_resp, levels, level_terms
        )

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
        num_importance_samples = whole_number("num_importance_samples", num_importance_samples)
        of_batch = functools.partial(self._log_likelihood_batch, num_importance_samples=num_importance_samples)
        found, log_posterior = self._over_batches(repeated_noise.repeated(self, of_batch), data, batch_size)
        known(log_posterior)  # of what is too large for the networks, the bound is -inf
        return found

    @Traced
    def _log_likelihood_batch(self, examples, num_importance_samples):
        sampled = self.sampled(examples, num_samples=num_importance_samples)
        log_weights = (
            sampled.log_likelihood
            + objective.mixture_log_density(sampled.x, sampled.means, sampled.log_vars, sampled.log_weights)
            + self.style_prior.log_prob(*(style.sample for style in sampled.styles))
            - gaussians.gaussian_log_density(sampled.x, *sampled.q_x)
        )
        for style in sampled.styles:
            log_weights -= gaussians.gaussian_log_density(*style)
        return objective.importance_weighted_bound(log_weights), self.latents_of_batch(examples).log_posterior

    def distributions(self, examples: Any) -> distributions.Distributions:
        """All distributions at a batch, as TensorFlow Probability objects with `sample` and `log_prob`.

        Args:
            examples: array (B, ...).

        Returns:
            `distributions.Distributions`: q_x = q(x | y), q_w = q(w | y), and at the means of those
            p_z = p(z | x, w), p_x = p(x | w) with z summed out, p_y = p(y | x).
        """
        encoding = self.encode(self.examples(examples))
        means, log_vars = self.mixture_prior(encoding.w_mean)
        log_weights = self.component_prior.log_weights
        return distributions.Distributions(
            q_x=distributions.diagonal_gaussian(encoding.x_mean, encoding.x_log_var),
            q_w=distributions.diagonal_gaussian(encoding.w_mean, encoding.w_log_var),
            p_z=distributions.component_posterior(encoding.x_mean, means, log_vars, log_weights),
            p_x=distributions.gaussian_mixture(means, log_vars, log_weights),
            p_y=self.likelihood.distribution(self.decode(encoding.x_mean)),
        )

    def _over_batches(self, function, data, batch_size):
        check_sizes(batch_size=batch_size)
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
