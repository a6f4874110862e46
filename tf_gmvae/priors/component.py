"""The prior of the component z: the paper's 1/K, and weights that are learned."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf
from keras import ops
from numpy.typing import ArrayLike

from tf_gmvae import objective
from tf_gmvae.checks import whole_number
from tf_gmvae.errors import InputError

# Of a component to which a start gives no example, in examples: its logarithm stays finite.
LEAST_SHARE = 1e-4


@keras.saving.register_keras_serializable(package="tf_gmvae")
class UniformWeights:
    """p(z) = 1/K, the paper's prior of the component (Eq. 1b).

    Args:
        num_components: K.

    Attributes:
        log_weights: None, which `objective` takes for -log K.
    """

    kind: ClassVar[str] = "uniform"
    log_weights: None = None

    def __init__(self, num_components: int) -> None:
        self.num_components = whole_number("num_components", num_components)

    @property
    def most_kl(self) -> float:
        """What the z-prior term never exceeds, nats: log K."""
        return math.log(self.num_components)

    @property
    def probabilities(self) -> np.ndarray:
        """Float64 array (K,), each 1/K."""
        return np.full(self.num_components, 1.0 / self.num_components)

    def log_prob(self) -> tf.Tensor:
        """log p(z) of every component, tensor (K,), nats."""
        return ops.convert_to_tensor(np.log(self.probabilities).astype("float32"))

    def kl(self, log_resp: tf.Tensor) -> tf.Tensor:
        """KL(p(z | x, w) || p(z)), the z-prior term by Eq. 6.

        Args:
            log_resp: tensor (M, B, K), from `objective.log_responsibilities`.

        Returns:
            Tensor (B,), nats.
        """
        return objective.z_prior(log_resp)

    def sample(self, rng: np.random.Generator, num_samples: int) -> np.ndarray:
        """Draws components.

        Args:
            rng: NumPy generator.
            num_samples: integer N.

        Returns:
            Integer array (N,).
        """
        return rng.integers(self.num_components, size=num_samples)

    def start_from(self, shares: np.ndarray) -> None:
        """Leaves the weights as they are, whatever the shares (K,) of a start."""

    def split(self, source: int, target: int) -> None:
        """Leaves the weights as they are: a component that takes the half of another has as much as that."""

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {"num_components": self.num_components}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> UniformWeights:
        """The object of a config."""
        return cls(**config)


@keras.saving.register_keras_serializable(package="tf_gmvae")
class LearnedWeights(keras.layers.Layer):
    """p(z) = pi = softmax of K logits, which begin equal and are trained with the rest; not the paper's.

    For data whose clusters are of unequal size: the responsibilities (Eq. 3) take log pi_k in, and the z-prior
    term is the divergence from pi.

    Args:
        num_components: K.
        **kwargs: of `keras.layers.Layer`.
    """

    kind: ClassVar[str] = "learned"
    # The z-prior term never exceeds - log min_k pi_k, which has no bound while pi is learned.
    most_kl: float = math.inf

    def __init__(self, num_components: int, **kwargs: Any) -> None:
        super().__init__(**{"dtype": "float32", "name": "component_prior", **kwargs})
        self.num_components = whole_number("num_components", num_components)
        # Read while the model computes, within its policy: in half precision it would not go with the densities.
        self.logits = self.add_weight(
            shape=(self.num_components,), initializer="zeros", autocast=False, name="logits"
        )
        self.built = True

    @property
    def log_weights(self) -> tf.Tensor:
        """log pi, tensor (K,), nats."""
        return ops.log_softmax(ops.convert_to_tensor(self.logits))

    @property
    def probabilities(self) -> np.ndarray:
        """pi as a float64 array (K,), which sums to one."""
        found = np.exp(ops.convert_to_numpy(self.log_weights).astype("float64"))
        return found / found.sum()

    def log_prob(self) -> tf.Tensor:
        """See `UniformWeights`."""
        return self.log_weights

    def kl(self, log_resp: tf.Tensor) -> tf.Tensor:
        """See `UniformWeights`."""
        return objective.z_prior(log_resp, self.log_weights)

    def sample(self, rng: np.random.Generator, num_samples: int) -> np.ndarray:
        """See `UniformWeights`."""
        return rng.choice(self.num_components, size=num_samples, p=self.probabilities)

    def start_from(self, shares: np.ndarray) -> None:
        """Sets pi.

        Args:
            shares: array (K,), the parts of the examples that a start gives to the components.
        """
        self.logits.assign(np.log(np.maximum(shares, LEAST_SHARE)))

    def split(self, source: int, target: int) -> None:
        """Gives half of the weight of one component to another, in place of the one that it has.

        Args:
            source: number of the component whose weight is shared.
            target: number of the one that gets the half.
        """
        logits = self.logits.numpy()
        logits[[source, target]] = logits[source] - math.log(2)
        self.logits.assign(logits)

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {**super().get_config(), "num_components": self.num_components}


ComponentPrior = UniformWeights | LearnedWeights
COMPONENT_PRIORS: dict[str, type[ComponentPrior]] = {
    prior.kind: prior for prior in (UniformWeights, LearnedWeights)
}


def component_prior(kind: str, num_components: int) -> ComponentPrior:
    """The prior of the component of a kind.

    Args:
        kind: "uniform" or "learned".
        num_components: K.

    Returns:
        `UniformWeights` or `LearnedWeights`.

    Raises:
        InputError: if there is no such kind.
    """
    if kind not in COMPONENT_PRIORS:
        raise InputError(f"component_prior must be one of {', '.join(COMPONENT_PRIORS)}. Received: {kind!r}")
    return COMPONENT_PRIORS[kind](num_components)


def chosen(component: ArrayLike | None, drawn: np.ndarray, num_components: int, name: str) -> np.ndarray:
    """The components of N examples.

    Args:
        component: an integer for all or N integers; None takes those that were drawn.
        drawn: integer array (N,).
        num_components: K.
        name: text, name of the argument.

    Returns:
        Integer array (N,).

    Raises:
        InputError: if one is out of range, or there are not as many.
    """
    try:
        component = np.broadcast_to(drawn if component is None else component, drawn.shape)
    except ValueError:
        raise InputError(
            f"`{name}` must be an integer, or a list of one for each example. Received: {component!r}"
        ) from None
    if not np.issubdtype(component.dtype, np.integer) or not (
        component.min() >= 0 and component.max() < num_components
    ):
        raise InputError(f"`{name}` must be an integer from 0 to {num_components - 1}. Received: {component}")
    return component
