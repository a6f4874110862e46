"""What the parts of `GMVAE` are to a type checker: Keras models, whose attributes and methods they use."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

    Part = keras.Model
else:
    Part = object  # `GMVAE` itself brings `keras.Model` along, behind all its parts
