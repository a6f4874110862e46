"""The Gaussian mixture variational autoencoder as a Keras model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from layers import GaussianHead, GaussianSampler, MixturePriorHead, RandomAffine, keras_private
from tf_gmvae import initial_weights as weights
from tf_gmvae import inputs, likelihoods, objective, presets, priors
from tf_gmvae.checks import nats, seed_or_none, whole_number, whole_numbers
from tf_gmvae.errors import InputError
from tf_gmvae.likelihoods import Likelihood
from tf_gmvae.model import own_networks, replicas
from tf_gmvae.model.computation import Computation
from tf_gmvae.model.generation import Generation
from tf_gmvae.model.groups import Groups
from tf_gmvae.model.inference import Inference
from tf_gmvae.model.saving import Saving
from tf_gmvae.model.training import Training
from tf_gmvae.priors.mixture import checked as checked_style_prior
from tf_gmvae.start.initialization import Initialization
from tf_gmvae.tables.likelihood import ColumnsLikelihood

# What a model is built from. Setting one afterwards would change what the model says of itself, not what it does.
FIXED = ("latent_dim", "style_dim", "num_components", "num_samples", "likelihood", "prior_units",
         "component_prior", "style_prior", "hold", "seed")  # fmt: skip


@keras.saving.register_keras_serializable(package="tf_gmvae")
class GMVAE(Initialization, Training, Inference, Groups, Generation, Computation, Saving, keras.Model):
    """Gaussian mixture VAE (arXiv 1611.02648): unsupervised clusters, embeddings and samples.

    Calling the model, and `predict`, give the posterior p(z | y) of Eq. 3 at the means of q(x | y) and
    q(w | y), (B, K): its argmax is the cluster. `fit` minimises `objective.training_loss` on data sets that
    yield examples, or (examples, labels): labels are ignored, unless the model has a `hold`. Beyond the methods of
    `keras.Model` there are `embed`, `reconstruct`, `score`, `log_likelihood` and `distributions`, see `Inference`,
    `generate`, and `hierarchy`, clusters of clusters.

    Args:
        encoder: Keras model of any kind, examples (B, ...) to features (B, F): the shared trunk of the recognition
            network, to which the heads of q(x | y) and q(w | y) are added here. One that is not built yet takes
            the shape of the first data.
        decoder: Keras model of any kind, x (B, D) to the parameters of the likelihood, (B, ..., C) or (B, ...,
            2C); see `tf_gmvae.likelihoods`.
        latent_dim: D, dimensions of x.
        style_dim: W, dimensions of w.
        num_components: K.
        num_samples: M, Monte Carlo samples for each example. Default 1.
        min_information: lambda of Eq. 7, nats; 0 is the plain ELBO. It may be set at any time, also while `fit`
            runs. Default 0.
        likelihood: name of p(y | x), or a `Likelihood` of your own; see `tf_gmvae.likelihoods`. Default
            "bernoulli".
        prior_units: units of the mixture prior head's hidden layers. Default (500,).
        component_prior: p(z): "uniform" is the paper's 1/K; "learned" trains its K weights with the rest, for
            clusters of unequal size. Default "uniform".
        style_prior: p(w): None is the paper's N(0, I); a `priors.MixturePrior` makes a deep GMVAE, whose w has
            clusters in turn. Default None.
        hold: weight, nats, of holding on to clusters while `fit` trains, which is ours and not the paper's. Above
            0, `fit` takes (examples, assignments (B, K)), as `predict` gives them after a start, adds the
            cross-entropy of p(z | x, w) to them, and sees images in views (`layers.RandomAffine`). `loss` of
            training is then with `hold` times this cross-entropy, and of views; `val_loss` is the paper's
            objective alone, of the examples as they are. Default 0, the paper's objective.
        seed: integer seed of the heads' weights, of networks that are not built yet, of all noise and of the order
            of arrays; None draws one. The same seed gives the same result on the same machine with the same number
            of threads; sums of float32 in another order differ in their last digits, which training can enlarge.
        **kwargs: of `keras.Model`.

    Attributes:
        initialized: whether the model has had its start by `initialize`; None of a model that was loaded.

    Raises:
        InputError: a `ValueError`, if an argument is out of its range.

    Example:
        >>> table = np.random.default_rng(0).normal(size=(60, 4)).astype("float32")
        >>> encoder = keras.Sequential([keras.Input((4,)), keras.layers.Dense(32, activation="relu")])
        >>> decoder = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2 * 4)])
        >>> model = GMVAE(encoder, decoder, latent_dim=2, style_dim=2, num_components=3, likelihood="gaussian")
        >>> model.compile(keras.optimizers.Adam(1e-3))
        >>> history = model.fit(table, batch_size=30, epochs=2, verbose=0)  # after `initialize`, in earnest
        >>> model.predict(table, verbose=0).shape
        (60, 3)
    """

    def __init__(
        self,
        encoder: keras.Layer,
        decoder: keras.Layer,
        *,
        latent_dim: int,
        style_dim: int,
        num_components: int,
        num_samples: int = 1,
        min_information: float = 0.0,
        likelihood: str | Likelihood | dict[str, Any] = "bernoulli",
        prior_units: Sequence[int] = (500,),
        component_prior: str = "uniform",
        style_prior: priors.StandardNormal | priors.MixturePrior | None = None,
        hold: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        # Keras would cast examples to half precision under a mixed policy, before the likelihood sees them.
        self.autocast = False
        self.latent_dim = whole_number("latent_dim", latent_dim)
        self.style_dim = whole_number("style_dim", style_dim)
        self.num_components = whole_number("num_components", num_components)
        self.component_prior = priors.component_prior(component_prior, self.num_components)
        self.style_prior = checked_style_prior(style_prior)
        self.num_samples = whole_number("num_samples", num_samples)
        # A variable, so that a step that is compiled already sees a new value.
        self._lambda = tf.Variable(0.0, trainable=False, name="min_information")
        self.min_information = min_information
        self.likelihood = likelihoods.get(likelihood)
        self.prior_units = whole_numbers("prior_units", prior_units)
        self.hold = nats("hold", hold)
        self.seed = seed = seed_or_none(seed)
        self.initialized = False  # True after `initialize`; None, unknown, where it was loaded

        # The first five are those of earlier versions.
        seeds: list[Any] = [None] * 8 if seed is None else np.random.SeedSequence(seed).generate_state(8).tolist()
        if seed is not None:
            own_networks.seed_initial_weights(encoder, seeds[5], "encoder", seed)
            own_networks.seed_initial_weights(decoder, seeds[6], "decoder", seed)
        self.encoder = encoder
        self.decoder = decoder
        # Of the precision of the model, which its file has, whatever that of the process is that loads it.
        dtype = self.dtype_policy
        self.x_head = GaussianHead(self.latent_dim, seed=seeds[0], dtype=dtype, name="x_head")
        self.w_head = GaussianHead(self.style_dim, seed=seeds[1], dtype=dtype, name="w_head")
        self.prior_head = MixturePriorHead(
            self.num_components, self.latent_dim, self.prior_units, seed=seeds[2], dtype=dtype, name="prior_head"
        )
        # Evaluation draws from a stream of its own, so that validating does not change the training.
        self.sampler = GaussianSampler(self.num_samples, seed=seeds[3], dtype="float32", name="sampler")
        self.evaluation_sampler = GaussianSampler(
            self.num_samples, seed=seeds[4], dtype="float32", name="evaluation_sampler"
        )
        self.style_heads = self._deeper_levels()
        if self.hold:  # models without it have the files of earlier versions
            self.view = RandomAffine(seed=seeds[7], dtype="float32", name="view")
        names = ["loss", "elbo", *objective.ElboTerms._fields]
        for number, _ in enumerate(self.style_heads, start=2):
            names += [f"level{number}_{field}" for field in priors.LevelTerms._fields]
        self.trackers = [replicas.running_mean(name) for name in names]
        if encoder.built and hasattr(encoder, "input_shape"):  # a class of the user's own has none
            self.build(encoder.input_shape)
            keras_private.unlock(self)  # for the metrics and layers of a subclass

    def _deeper_levels(self):
        """Sets up the levels of the style's prior; returns the heads of q(v | y), one a level."""
        if not isinstance(self.style_prior, priors.MixturePrior):
            return []
        seeds: list[Any] = [None] * 2 * len(self.style_prior.levels())
        if self.seed is not None:  # behind those of the first level
            seeds = np.random.SeedSequence(self.seed).generate_state(8 + len(seeds)).tolist()[8:]
        self.style_prior.set_up(self.style_dim, self.prior_units, seeds[::2], self.dtype_policy)
        return [
            GaussianHead(dim, seed=head_seed, dtype=self.dtype_policy, name=f"style_head_{number}")
            for number, (dim, head_seed) in enumerate(
                zip(self.style_prior.dims, seeds[1::2], strict=True), start=2
            )
        ]

    def __setattr__(self, name: str, value: Any) -> None:
        """Sets an attribute, unless it is what the model was built from."""
        if name in FIXED and name in vars(self):
            raise InputError(f"{name} is part of a model from its beginning: make a new GMVAE with another one.")
        super().__setattr__(name, value)

    @classmethod
    def from_preset(
        cls,
        name: str,
        *,
        num_components: int = 10,
        data_shape: tuple[int, ...] | None = None,
        seed: int | None = None,
        initial_weights: str = "keras",
        **overrides: Any,
    ) -> GMVAE:
        """A model with the networks of the paper's appendix A.

        Args:
            name: "synthetic", "digits", "mnist", "svhn", "table" or "series".
            num_components: K. Default 10.
            data_shape: tuple, shape of one example; None, the default, is the preset's own.
            seed: integer seed of all weights and noise; None draws one.
            initial_weights: "keras", the default, leaves them to the layers; "near" brings the components near
                each other; "torch" draws all as Torch did in 2016; see `tf_gmvae.initial_weights`.
            **overrides: further arguments of the constructor.

        Returns:
            A built model.

        Raises:
            InputError: if there is no such preset, or it does not go with the shape or an override.

        Example:
            >>> model = tf_gmvae.GMVAE.from_preset("digits", num_components=10, seed=0)
            >>> model.generate(5, component=2, seed=0).shape
            (5, 8, 8, 1)
        """
        preset, seed = presets.get(name), seed_or_none(seed)
        likelihood = likelihoods.get(overrides.pop("likelihood", preset.likelihood))
        sizes = {size: overrides.pop(size) for size in ("latent_dim", "style_dim") if size in overrides}
        arguments = preset.networks(
            preset.data_shape if data_shape is None else data_shape, likelihood, seed, **sizes
        )
        if initial_weights not in weights.WAYS:
            raise InputError(
                f"initial_weights must be one of {', '.join(weights.WAYS)}. Received: {initial_weights!r}"
            )
        model = cls(
            **{**arguments, "likelihood": likelihood, **overrides}, num_components=num_components, seed=seed
        )
        weights.WAYS[initial_weights](model, seed)
        return model

    @classmethod
    def for_table(
        cls, table: Any, *, num_components: int = 10, kinds: Mapping[str, str] | None = None, **arguments: Any
    ) -> GMVAE:
        """A model for the rows of a table, which takes raw rows: their scales are part of it.

        Args:
            table: DataFrame of pandas or polars, `pyarrow.Table`, or array (N, F), NaN where a value is missing.
                What its columns hold is found out (`tables.describing.describe`); those of an array are numbers.
            num_components: K. Default 10.
            kinds: dict of "real", "count", "yes_no" or "category" by the name of the column, where a guess would
                be wrong. Default None.
            **arguments: of `from_preset`, such as `seed`, `latent_dim` and `hold`.

        Returns:
            A built model of the preset "table".

        Raises:
            InputError: if the table has no column to find clusters in, or `kinds` go with an array.

        Example:
            >>> rows = [[1.0, 20.0], [np.nan, 10.0], [3.0, 40.0]]
            >>> tf_gmvae.GMVAE.for_table(rows, num_components=2, seed=0).predict(rows, verbose=0).shape
            (3, 2)
        """
        columns = inputs.columns_of(table, kinds)
        return cls.from_preset(
            "table",
            num_components=num_components,
            data_shape=(len(columns),),
            likelihood=ColumnsLikelihood(columns),
            **arguments,
        )

    @replicas.in_scope
    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Builds every layer, so that the first step and loaded weights find them."""
        shape: tuple[Any, ...] = (None, *input_shape[1:])
        if shape[-1] is None:
            raise InputError(
                "The number of channels or columns of an example must be known. Received: examples of shape "
                f"{shape[1:]}. Give the encoder an input shape that ends in a number, or data with such a shape."
            )
        features = own_networks.build(self.encoder, shape, self.seed, "encoder")
        if len(features) != 2:
            raise InputError(f"The encoder must return features (B, F). Received: shape {features}")
        for head in (self.x_head, self.w_head, *self.style_heads):
            head.build(features)
        self.prior_head.build((None, self.style_dim))
        expected = (None, *shape[1:-1], self.likelihood.num_channels(shape[-1]))
        seed = None if self.seed is None else self.seed + 1
        own_networks.check_takes(self.decoder, self.latent_dim)
        decoded = own_networks.build(self.decoder, (None, self.latent_dim), seed, "decoder")
        if decoded != expected:
            raise InputError(
                f"For examples of shape {shape[1:]} and a {self.likelihood.name} likelihood the decoder must "
                f"return {expected}. Received: shape {decoded}"
            )
        own_networks.check_apart(self.encoder, self.decoder)
        self.data_shape = shape[1:]
        self.built = True
