"""What a GMVAE computes from a batch, of tensors: the networks in their order, and the terms of the ELBO."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from tf_gmvae import inputs, objective
from tf_gmvae.checks import check_shape, without_long_doubles
from tf_gmvae.model import compiled
from tf_gmvae.model.part import Part
from tf_gmvae.priors import LevelTerms, Style
from tf_gmvae.values import with_value_checks


class Encoding(NamedTuple):
    """Parameters of q(x | y) and q(w | y): x_mean and x_log_var (B, D), w_mean and w_log_var (B, W)."""

    x_mean: tf.Tensor
    x_log_var: tf.Tensor
    w_mean: tf.Tensor
    w_log_var: tf.Tensor

    @property
    def deeper(self) -> tuple[tuple[tf.Tensor, tf.Tensor], ...]:
        """None: there is one level."""
        return ()


class DeepEncoding(NamedTuple):
    """The same of a deep GMVAE; those of the styles of deeper levels follow, pairs (mean, log_var) in `deeper`."""

    x_mean: tf.Tensor
    x_log_var: tf.Tensor
    w_mean: tf.Tensor
    w_log_var: tf.Tensor
    deeper: tuple[tuple[tf.Tensor, tf.Tensor], ...]


def _encoded(streams: Any, deeper: Any) -> Encoding | DeepEncoding:
    return DeepEncoding(*(*streams, deeper)) if deeper else Encoding(*streams)


class Sampled(NamedTuple):
    """A batch at M samples of its latents.

    Attributes:
        w: samples of q(w | y), (M, B, W).
        log_likelihood: log p(y | x_j), (M, B), nats.
        x: samples of q(x | y), (M, B, D).
        q_x: pair (mean, log_var) of q(x | y), each (B, D).
        q_w: pair (mean, log_var) of q(w | y), each (B, W).
        means: component means at the samples of w, (M, B, K, D).
        log_vars: their log-variances, (M, B, K, D).
        log_weights: log p(z), (K,), nats; None where it is uniform.
        deeper: tuple of `Style`, of the styles of deeper levels.
    """

    w: Any
    log_likelihood: Any
    x: Any
    q_x: Any
    q_w: Any
    means: Any
    log_vars: Any
    log_weights: Any = None
    deeper: tuple[Style, ...] = ()

    @property
    def of_terms(self) -> dict[str, Any]:
        """The arguments of `objective.elbo_terms`, by name."""
        names = ("log_likelihood", "x", "q_x", "q_w", "means", "log_vars", "log_weights")
        return {name: getattr(self, name) for name in names}

    @property
    def encoding(self) -> Encoding | DeepEncoding:
        """The parameters that were sampled by."""
        deeper = tuple((style.mean, style.log_var) for style in self.deeper)
        return _encoded((*self.q_x, *self.q_w), deeper)

    @property
    def styles(self) -> tuple[Style, ...]:
        """w, and the styles of deeper levels."""
        return (Style(self.w, *self.q_w), *self.deeper)

    @property
    def log_resp(self) -> tf.Tensor:
        """log p(z | x, w) at the samples, (M, B, K), nats."""
        return objective.log_responsibilities(self.x, self.means, self.log_vars, self.log_weights)


class Computation(Part):
    """The methods of `GMVAE` that training, inference and exports are made of."""

    def examples(self, values: Any) -> tf.Tensor:
        """Examples as a checked float32 tensor on the model's scale.

        Args:
            values: tensor (B, ...), or (examples, labels) as a data set yields them.

        Returns:
            Float32 tensor (B, ...), see `inputs.on_model_scale`.

        Raises:
            InputError: if shape or values do not fit the model.
        """
        values, _ = inputs.without_weights(values)
        values = tf.convert_to_tensor(without_long_doubles(values))
        if not self.built:  # networks without a known input shape take it from their first batch
            self.build(values.shape)
        # After batches of several shapes tf.function forgets the rank; `ensure_shape` restores it.
        values = tf.ensure_shape(values, (None, *self.data_shape)) if values.shape.rank is None else values
        check_shape(values.shape, self.data_shape)
        floats = inputs.on_model_scale(values, self.likelihood)
        return floats if values.dtype == tf.uint8 else with_value_checks(floats, self.likelihood)

    def encode(self, examples: tf.Tensor, training: bool = False) -> Encoding | DeepEncoding:
        """Parameters of the recognition model q(x | y) q(w | y) (Eq. 2).

        Args:
            examples: tensor (B, ...); uint8 are put on the model's scale. `examples` checks them, too.
            training: whether batch normalisation uses, and learns from, this batch. Default False.

        Returns:
            `Encoding` of float32 tensors.
        """
        features = self.encoder(self._floats(examples), training=training)
        streams = [self.x_head(features), self.w_head(features), *(head(features) for head in self.style_heads)]
        q_x, q_w, *deeper = (tuple(tf.cast(stream, "float32") for stream in pair) for pair in streams)
        return _encoded((*q_x, *q_w), tuple(deeper))

    def _floats(self, examples):
        return inputs.on_model_scale(tf.convert_to_tensor(examples), self.likelihood)

    def mixture_prior(self, w: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Components of p(x | w, z) (Eq. 1c).

        Args:
            w: tensor (..., W).

        Returns:
            Pair (means, log_vars) of float32 tensors (..., K, D).
        """
        means, log_vars = self.prior_head(w)
        return tf.cast(means, "float32"), tf.cast(log_vars, "float32")

    def log_responsibilities(self, encoding: Encoding | DeepEncoding) -> tf.Tensor:
        """log p(z | y) at the means of x and w, without noise (Eq. 3).

        Args:
            encoding: `Encoding` of a batch.

        Returns:
            Float32 tensor (B, K), nats.
        """
        components = self.mixture_prior(encoding.w_mean)
        return objective.log_responsibilities(encoding.x_mean, *components, self.component_prior.log_weights)

    def level_log_responsibilities(self, encoding: Encoding | DeepEncoding) -> tuple[tf.Tensor, ...]:
        """The posteriors over the components of deeper levels at the means of the styles, without noise.

        Args:
            encoding: `Encoding` of a batch.

        Returns:
            Tuple of float32 tensors (B, C), nats, one a level beyond the first.
        """
        if not encoding.deeper:
            return ()
        return self.style_prior.log_responsibilities(encoding.w_mean, *(mean for mean, _ in encoding.deeper))

    def sampled_levels(self, sampled: Sampled) -> tuple[tf.Tensor, ...]:
        """The same at samples of the styles.

        Args:
            sampled: a batch at its samples.

        Returns:
            Tuple of float32 tensors (M, B, C), nats, one a level beyond the first.
        """
        if not sampled.deeper:
            return ()
        return self.style_prior.log_responsibilities(*(style.sample for style in sampled.styles))

    def decode(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Parameters of the likelihood p(y | x) (Eq. 1d).

        Args:
            x: tensor (..., D).
            training: as in `encode`. Default False.

        Returns:
            Float32 tensor (..., *shape of the decoder's output).
        """
        params = self.decoder(tf.reshape(x, (-1, self.latent_dim)), training=training)
        leading = tf.shape(x)[:-1]
        params = tf.reshape(params, tf.concat([leading, params.shape[1:]], axis=0))
        return tf.cast(params, "float32")

    def elbo_terms(self, examples: tf.Tensor, training: bool = False) -> objective.ElboTerms:
        """The four terms of Eq. 4 from M samples, as `score` has them; what `fit` minimises is `training_loss`.

        Args:
            examples: as in `encode`.
            training: as in `encode`; it also chooses the stream of noise. Default False.

        Returns:
            `objective.ElboTerms` of tensors (B,), nats.
        """
        # Scores go without XLA: it would compile anew for every batch size, and exports could not hold it.
        of_latents = compiled.elbo_terms if training else objective.elbo_terms
        return self.terms(self.sampled(examples, training), of_latents)[0]

    def terms(
        self, sampled: Sampled, of_latents: Callable[..., objective.ElboTerms] = objective.elbo_terms
    ) -> tuple[objective.ElboTerms, tuple[LevelTerms, ...]]:
        """The four terms of Eq. 4, and those of every deeper level.

        Args:
            sampled: a batch at its samples.
            of_latents: function of `Sampled.of_terms`, by name, to `ElboTerms`. Default `objective.elbo_terms`.

        Returns:
            Pair of `objective.ElboTerms` and of a tuple of `LevelTerms`, of tensors (B,), nats. The total of the
            first level among the latter is the w-prior term of the former.
        """
        return self._with_levels(of_latents(**sampled.of_terms), sampled)

    def _with_levels(self, terms, sampled):
        if not sampled.deeper:
            return terms, ()
        levels = self.style_prior.kl(*sampled.styles)
        return terms._replace(w_prior=levels[0].total), levels

    def terms_at_given(
        self,
        sampled: Sampled,
        given: Sequence[tf.Tensor],
        of_latents: Callable[..., tuple[objective.ElboTerms, tf.Tensor]],
    ) -> tuple[tuple[objective.ElboTerms, tuple[LevelTerms, ...]], list[tf.Tensor]]:
        """The terms where the components of the examples are (softly) given, and the cross-entropies to these.

        Args:
            sampled: a batch at its samples.
            given: list of tensors (B, K), (B, C) and so on, whose rows sum to one: of the first level, and of as
                many deeper ones as are given.
            of_latents: function of those of the first level and `Sampled.of_terms`, to `ElboTerms` and a
                cross-entropy: `objective.held_terms`, `compiled.held_terms` or `objective.guided_terms`.

        Returns:
            Pair of what `terms` returns, and of a list of cross-entropies (B,), nats, one of each of `given`.
        """
        terms, first = of_latents(given[0], **sampled.of_terms)
        deeper = [
            objective.cross_entropy(of_level, log_resp)
            # The heads of deeper levels are not set up where a start finds no factors.
            for of_level, log_resp in zip(given[1:], self.sampled_levels(sampled), strict=False)
        ]
        return self._with_levels(terms, sampled), [first, *deeper]

    def sampled(
        self,
        examples: tf.Tensor,
        training: bool = False,
        num_samples: int | None = None,
        sampler: Callable[..., tf.Tensor] | None = None,
    ) -> Sampled:
        """What the terms of the objective, and all other estimates, are functions of, from M samples.

        Args:
            examples: as in `encode`.
            training: as in `elbo_terms`. Default False.
            num_samples: M; None, the default, is the model's.
            sampler: function of a mean, a log-variance and `num_samples` to samples (M, B, ...), which is called
                for x, for w and for the styles of deeper levels, in this order; None, the default, is the model's,
                of training or of evaluation.

        Returns:
            `Sampled`.
        """
        examples = self._floats(examples)  # which the likelihood takes as well
        sampler = sampler or (self.sampler if training else self.evaluation_sampler)
        encoding = self.encode(examples, training)
        q_x, q_w = tuple(encoding[:2]), tuple(encoding[2:4])
        x, w = (sampler(*q, num_samples=num_samples) for q in (q_x, q_w))
        deeper = tuple(Style(sampler(*q, num_samples=num_samples), *q) for q in encoding.deeper)
        log_likelihood = self.likelihood.log_prob(examples, self.decode(x, training))
        log_weights = self.component_prior.log_weights
        return Sampled(w, log_likelihood, x, q_x, q_w, *self.mixture_prior(w), log_weights, deeper)
