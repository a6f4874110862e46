"""A random state of a layer's own, which is saved with it and shared out among replicas."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from layers.replicas import num_replicas, replica_number
from layers.validation import seed_or_none

if TYPE_CHECKING:
    import tensorflow as tf


class SeededLayer(keras.layers.Layer):
    """A layer that draws noise.

    Its random state is saved with it, so a training that goes on from a `.keras` or weights file draws the noise
    that the uninterrupted training would have drawn.

    Args:
        seed: integer seed of the noise; None draws one. Default None.
        **kwargs: arguments of `keras.layers.Layer`.
    """

    def __init__(self, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed = seed = seed_or_none(seed)
        self.seed_generator = keras.random.SeedGenerator(seed)
        self._initial_state = self.seed_generator.state.value.numpy()
        self.built = True

    def _draw(self, draw: Callable, shape: tuple, axis: int, **kwargs: Any) -> tf.Tensor:
        """Random numbers for this replica.

        Replicas keep the same random state. Each draws the noise of the whole batch and takes its part of it, so
        that their examples get noise of their own, and that of a single device where they share evenly.

        Args:
            draw: function of `keras.random`.
            shape: tuple, shape of the noise of this replica's examples.
            axis: integer, the axis of the examples.
            **kwargs: further arguments of `draw`.
        """
        count, part = num_replicas(), shape[axis]
        noise = draw((*shape[:axis], count * part, *shape[axis + 1 :]), seed=self.seed_generator, **kwargs)
        if count == 1:
            return noise
        begin = replica_number() * part
        return noise[(slice(None),) * axis + (slice(begin, begin + part),)]

    def reset(self) -> None:
        """Takes the noise back to its start: the next call repeats the first one."""
        self.seed_generator.state.assign(self._initial_state)

    def save_own_variables(self, store: MutableMapping[str, Any]) -> None:
        """Stores the random state, which Keras leaves out of weight files."""
        store["seed_state"] = self.seed_generator.state.value.numpy()
        store["initial_state"] = self._initial_state

    def load_own_variables(self, store: MutableMapping[str, Any]) -> None:
        """Restores the random state; a file of a model without this layer, as of one without `hold`, has none."""
        if "seed_state" not in store:
            return
        self.seed_generator.state.assign(np.array(store["seed_state"]))
        self._initial_state = np.array(store["initial_state"])

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {**super().get_config(), "seed": self.seed}
