"""What the methods do of all that a Keras model can: how they are saved and exported, and what they refuse."""

from __future__ import annotations

from typing import Any, NoReturn

import keras

from layers.keras_private import sublayers
from tf_gmvae.errors import InputError
from tf_gmvae.model.exporting import Exporting


class KerasWays(Exporting):
    """The methods of `ClusteringMethod` behind `save` and `export`, and those that have no meaning here."""

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments, and the numbers of the layers that do not train, if there are any."""
        frozen = [number for number, layer in enumerate(sublayers(self)) if not layer.trainable]
        return {
            **({"frozen": frozen} if frozen else {}),
            "name": self.name,
            "data_shape": self.data_shape,
            "num_components": self.num_components,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> keras.Model:
        """The method of a config."""
        method = super().from_config({key: config[key] for key in config if key != "frozen"}, custom_objects)
        if frozen := config.get("frozen"):
            for number, layer in enumerate(sublayers(method)):  # a layer comes before those within it
                layer.trainable = number not in frozen
        return method

    def compile(self, *arguments: Any, **options: Any) -> None:
        """Nothing to choose; as in Keras, it makes what has become `trainable`, or no longer is, take effect.

        Args:
            *arguments: refused, as each of the optimizers that the constructor makes belongs to its weights.
            **options: refused likewise.

        Raises:
            InputError: if there are any.
        """
        if arguments or options:
            choices = ", ".join(name for name in self.get_config() if name not in ("name", "data_shape", "frozen"))
            raise InputError(
                f"{type(self).__name__} trains by optimizers of its own: leave compile out, or without arguments; "
                f"what can be chosen is {choices}, and the epochs of fit."
            )
        self.train_function = None

    def get_compile_config(self) -> None:
        """None: the constructor compiles, each optimizer with the weights that it trains."""

    def evaluate(self, *arguments: Any, **options: Any) -> NoReturn:
        """Refused: what a method minimises is known while it trains."""
        raise InputError(
            f"{type(self).__name__} has no evaluate: predict gives assignments, which tf_gmvae.evaluation.scores "
            "compares with labels."
        )

    def train_on_batch(self, *arguments: Any, **options: Any) -> NoReturn:
        """Refused: the methods order their examples themselves."""
        raise InputError(f"{type(self).__name__} is trained by fit, on all examples: batches are its own affair.")

    test_on_batch = evaluate

    def quantize(self, *arguments: Any, **options: Any) -> NoReturn:
        """Refused: files could not be read, since a method makes its networks anew, in full precision."""
        raise InputError(
            f"{type(self).__name__} cannot be quantized, since its file is read into networks of float32: leave "
            "quantize out."
        )
