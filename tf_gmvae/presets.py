"""The networks of the paper's appendix A, a small sibling for 8x8 digits, and one for series.

| preset | data shape | x | w | likelihood |
| --- | --- | --- | --- | --- |
| synthetic | (2,), or any (F,) | 2 | 2 | gaussian |
| table | any (F,) | F, from 2 to 10 | as x | gaussian; by `GMVAE.for_table` that of its columns |
| digits | (8, 8, 1), or any even size >= 6 | 32 | 16 | bernoulli |
| mnist | (28, 28, 1), or any even size >= 14 | 200 | 150 | bernoulli |
| svhn | (32, 32, 3), or any size that 8 divides | 200 | 150 | bernoulli |
| series | (64, 1), or any (T, C) from T = 8 | 32 | 16 | gaussian |

Convolutions are followed by batch normalisation (running-average momentum 0.9, epsilon 1e-5) and ReLU.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras

from tf_gmvae.blocks import Blocks
from tf_gmvae.checks import check_channels_last, whole_number, whole_numbers
from tf_gmvae.errors import InputError
from tf_gmvae.likelihoods import Likelihood
from tf_gmvae.series_networks import LEAST_LENGTH, series
from tf_gmvae.tables import networks

# Of (blocks, data shape, decoder channels) to the layers of encoder and decoder.
Layers = Callable[[Blocks, tuple[int, ...], int], tuple[list[keras.Layer], list[keras.Layer]]]


def _synthetic(blocks, data_shape, channels):
    encoder = [*blocks.dense(120, "relu"), *blocks.dense(120, "relu")]
    decoder = [*blocks.dense(120, "relu"), *blocks.dense(120, "relu"), *blocks.dense(channels)]
    return encoder, decoder


def _digits(blocks, data_shape, channels):
    height, width = ((size - 2) // 2 for size in data_shape[:2])
    encoder = [
        *blocks.conv_bn(16, 3, stride=1),
        *blocks.conv_bn(32, 4, stride=2),
        keras.layers.Flatten("channels_last"),
        *blocks.dense_bn(128),
    ]
    decoder = [
        *blocks.dense_bn(128),
        *blocks.full_conv_from_vector(32, height, width),
        *blocks.full_conv_bn(16, 4, stride=2),
        *blocks.full_conv(channels, 3, stride=1),
    ]
    return encoder, decoder


def _mnist(blocks, data_shape, channels):
    height, width = ((size - 10) // 2 for size in data_shape[:2])
    encoder = [
        *blocks.conv_bn(16, 6, stride=1),
        *blocks.conv_bn(32, 6, stride=1),
        *blocks.conv_bn(64, 4, stride=2),
        keras.layers.Flatten("channels_last"),
        *blocks.dense_bn(500),
    ]
    decoder = [
        *blocks.dense_bn(500),
        *blocks.full_conv_from_vector(64, height, width),
        *blocks.full_conv_bn(32, 4, stride=2),
        *blocks.full_conv_bn(16, 6, stride=1),
        *blocks.full_conv(channels, 6, stride=1),
    ]
    return encoder, decoder


def _svhn(blocks, data_shape, channels):
    height, width = (size // 8 for size in data_shape[:2])
    encoder = [
        *blocks.conv_bn(64, 4, stride=2),
        *blocks.conv_bn(128, 4, stride=2),
        *blocks.conv_bn(256, 4, stride=2),
        keras.layers.Flatten("channels_last"),
        *blocks.dense_bn(500),
    ]
    decoder = [
        *blocks.dense_bn(500),
        *blocks.full_conv_from_vector(256, height, width),
        *blocks.full_conv_bn(128, 4, stride=2),
        *blocks.full_conv_bn(64, 4, stride=2),
        *blocks.full_conv(channels, 4, stride=2),
    ]
    return encoder, decoder


@dataclass(frozen=True)
class Preset:
    """Networks and sizes of one row of appendix A.

    Attributes:
        name: text, name of the preset.
        data_shape: the shape of an example it is meant for.
        fits: whether the networks can be built for another shape.
        latent_dim: D; None follows the columns of a table.
        style_dim: W; likewise.
        prior_units: tuple, units of the hidden layers of the mixture prior head.
        likelihood: name of p(y | x).
        layers: function of (blocks, data shape, decoder channels) to the two stacks of layers.
    """

    name: str
    data_shape: tuple[int, ...]
    fits: Callable[[tuple[int, ...]], bool]
    latent_dim: int | None
    style_dim: int | None
    prior_units: tuple[int, ...]
    likelihood: str
    layers: Layers

    def networks(
        self,
        data_shape: tuple[int, ...],
        likelihood: Likelihood,
        seed: int | None = None,
        latent_dim: int | None = None,
        style_dim: int | None = None,
    ) -> dict[str, Any]:
        """Arguments of `GMVAE` for examples of a shape.

        Args:
            data_shape: tuple, shape of one example.
            likelihood: a `Likelihood`, whose parameters the decoder returns and whose features the encoder begins
                with.
            seed: integer seed of the weights; None draws one. Default None.
            latent_dim: D; None is the preset's. Default None.
            style_dim: W; None is the preset's. Default None.

        Returns:
            Dict with encoder, decoder, latent_dim, style_dim and prior_units.

        Raises:
            InputError: if the networks cannot be built for that shape.
        """
        data_shape = whole_numbers("data_shape", data_shape)
        self.check_shape(data_shape)
        of_columns = networks.dimensions(data_shape[-1])
        latent_dim = self.latent_dim or of_columns if latent_dim is None else latent_dim
        latent_dim = whole_number("latent_dim", latent_dim)
        features = likelihood.features()
        encoder, decoder = self.layers(Blocks(seed), data_shape, likelihood.num_channels(data_shape[-1]))
        encoder = encoder if features is None else [features, *encoder]
        return {
            "encoder": keras.Sequential([keras.Input(data_shape), *encoder], name="encoder"),
            "decoder": keras.Sequential([keras.Input((latent_dim,)), *decoder], name="decoder"),
            "latent_dim": latent_dim,
            "style_dim": self.style_dim or of_columns if style_dim is None else style_dim,
            "prior_units": self.prior_units,
        }

    def check_shape(self, data_shape: tuple[int, ...]) -> None:
        """Refuses examples that the networks cannot be built for.

        Args:
            data_shape: tuple, shape of one example.

        Raises:
            InputError: if they cannot.
        """
        if len(data_shape) != len(self.data_shape) or not self.fits(data_shape):
            raise InputError(
                f"Preset {self.name!r} is for examples of shape {self.data_shape} or alike. Received: "
                f"{data_shape}. Choose another preset, resize, or give GMVAE an encoder and a decoder."
            )


def _even_from(least):
    return lambda shape: all(size >= least and size % 2 == 0 for size in shape[:2])


PRESETS = {
    preset.name: preset
    for preset in (
        Preset(
            name="synthetic", data_shape=(2,), fits=lambda shape: True,
            latent_dim=2, style_dim=2, prior_units=(120,), likelihood="gaussian", layers=_synthetic,
        ),
        Preset(
            name="table", data_shape=(10,), fits=lambda shape: True,
            latent_dim=None, style_dim=None, prior_units=(128,), likelihood="gaussian", layers=networks.table,
        ),
        Preset(
            name="digits", data_shape=(8, 8, 1), fits=_even_from(6),
            latent_dim=32, style_dim=16, prior_units=(128,), likelihood="bernoulli", layers=_digits,
        ),
        Preset(
            name="mnist", data_shape=(28, 28, 1), fits=_even_from(14),
            latent_dim=200, style_dim=150, prior_units=(500,), likelihood="bernoulli", layers=_mnist,
        ),
        Preset(
            name="svhn", data_shape=(32, 32, 3), fits=lambda shape: all(size % 8 == 0 for size in shape[:2]),
            latent_dim=200, style_dim=150, prior_units=(500,), likelihood="bernoulli", layers=_svhn,
        ),
        Preset(
            name="series", data_shape=(64, 1), fits=lambda shape: shape[0] >= LEAST_LENGTH,
            latent_dim=32, style_dim=16, prior_units=(128,), likelihood="gaussian", layers=series,
        ),
    )
}  # fmt: skip


def get(name: str) -> Preset:
    """The preset of that name.

    Args:
        name: "synthetic", "table", "digits", "mnist", "svhn" or "series".

    Returns:
        A `Preset`.

    Raises:
        InputError: if there is none of that name.
    """
    if name not in PRESETS:
        raise InputError(f"Unknown preset {name!r}: choose one of {', '.join(PRESETS)}.")
    return PRESETS[name]


def for_shape(data_shape: tuple[int, ...]) -> Preset:
    """The preset for examples of a shape.

    Args:
        data_shape: tuple, shape of one example.

    Returns:
        The `Preset` made for this very shape; else for vectors "table", for series (T, C) "series", for small
        images "digits", and of "mnist" and "svhn" the first that can be built for it.

    Raises:
        InputError: if no preset fits.
    """
    data_shape = tuple(data_shape)
    alike = [preset for preset in PRESETS.values() if len(preset.data_shape) == len(data_shape)]
    exact = [preset for preset in alike if preset.data_shape[:2] == data_shape[:2]]
    if len(data_shape) == 3 and min(data_shape[:2]) >= 14:
        alike = [preset for preset in alike if preset.name != "digits"]
    for preset in (*exact, *reversed(alike)):
        if preset.fits(data_shape):
            return preset
    check_channels_last(data_shape)
    raise InputError(
        f"No preset fits examples of shape {data_shape}: resize or pad images to an even height and width of at "
        "least 6 (option image_size of folders and files; arrays by tf.image.resize), mark series (N, T, C) as "
        "such (option series of files; arrays by tf_gmvae.data.Split), or give GMVAE your own encoder and decoder."
    )
