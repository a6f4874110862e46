"""Style w to the K Gaussian components of the mixture prior p(x | w, z)."""

import keras
from keras import ops

from layers.validation import whole_number


@keras.saving.register_keras_serializable(package="tf_gmvae")
class MixturePriorHead(keras.layers.Layer):
    """The network beta of Eq. 1c: w to 2K streams of size D, K means and K log-variances.

    The K streams of either kind come out of one matrix product, so that cost grows with K only in the size of
    that product. Leading axes are free: (B, W), (M, B, W) and deeper all work.

    Args:
        num_components: K, components of the mixture.
        latent_dim: D, dimensions of x.
        hidden_units: units of the hidden layers; an empty tuple makes the streams linear in w.
        activation: of the hidden layers (the paper's is tanh).
        seed: integer seed of the initial weights; None draws one.
        **kwargs: of `keras.layers.Layer`.

    Call arguments:
        w: tensor (..., W).

    Returns:
        Pair `(means, log_vars)`, each (..., K, D).

    Raises:
        ValueError: if a size is not an integer >= 1.

    Example:
        >>> means, log_vars = MixturePriorHead(num_components=10, latent_dim=2)(np.zeros((3, 5, 4)))
        >>> means.shape
        TensorShape([3, 5, 10, 2])
    """

    def __init__(self, num_components, latent_dim, hidden_units=(500,), activation="tanh", seed=None, **kwargs):
        super().__init__(**kwargs)
        self.num_components = whole_number("num_components", num_components)
        self.latent_dim = whole_number("latent_dim", latent_dim)
        if not isinstance(hidden_units, list | tuple):
            raise ValueError(
                f"`hidden_units` must be a tuple of integers. Received: hidden_units={hidden_units!r}"
            )
        self.hidden_units = tuple(whole_number("hidden_units", units) for units in hidden_units)
        self.activation = keras.activations.get(activation)
        self.seed = seed

        self.hidden = [
            keras.layers.Dense(
                units,
                activation=self.activation,
                kernel_initializer=keras.initializers.GlorotUniform(self._seed_of(index)),
                dtype=self.dtype_policy,
                name=f"hidden_{index}",
            )
            for index, units in enumerate(self.hidden_units)
        ]
        # Glorot's scale would count all K streams as one layer's outputs and shrink the components towards
        # each other as K grows; the fan-in alone leaves their spread independent of K. Two layers rather than
        # one and a split of its outputs, which would copy every stream, and every gradient back.
        self.means, self.log_vars = (
            keras.layers.Dense(
                self.num_components * self.latent_dim,
                kernel_initializer=keras.initializers.LecunUniform(self._seed_of(len(self.hidden) + index)),
                dtype=self.dtype_policy,
                name=name,
            )
            for index, name in enumerate(("means", "log_vars"))
        )

    def _seed_of(self, index):
        return None if self.seed is None else self.seed + index

    def build(self, input_shape):
        """Builds the hidden layers and both products."""
        for layer, units in zip(self.hidden, self.hidden_units, strict=True):
            layer.build(input_shape)
            input_shape = (*input_shape[:-1], units)
        self.means.build(input_shape)
        self.log_vars.build(input_shape)

    def call(self, w):
        """See the class."""
        for layer in self.hidden:
            w = layer(w)
        shape = (*ops.shape(w)[:-1], self.num_components, self.latent_dim)
        return ops.reshape(self.means(w), shape), ops.reshape(self.log_vars(w), shape)

    def compute_output_shape(self, input_shape):
        """Shapes of the means and of the log-variances."""
        shape = (*input_shape[:-1], self.num_components, self.latent_dim)
        return shape, shape

    def get_config(self):
        """Constructor arguments."""
        return {
            **super().get_config(),
            "num_components": self.num_components,
            "latent_dim": self.latent_dim,
            "hidden_units": list(self.hidden_units),
            "activation": keras.activations.serialize(self.activation),
            "seed": self.seed,
        }
