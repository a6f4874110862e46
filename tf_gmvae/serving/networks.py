"""The copy of a model that is exported."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras

from layers import SpectralConv2D, SpectralConv2DTranspose

if TYPE_CHECKING:
    from tf_gmvae.model.gmvae import GMVAE


_DIRECT = {SpectralConv2D: keras.layers.Conv2D, SpectralConv2DTranspose: keras.layers.Conv2DTranspose}


def serving_copy(model: GMVAE) -> GMVAE:
    """A copy of a model whose convolutions are TensorFlow's own.

    The spectral layers pay off in training. At batch 1 the direct sum is faster, and the graph optimizer that
    runs when a SavedModel is loaded joins it with batch normalisation and ReLU.

    A subclass serves as it is: it may answer by methods, layers and arguments of its own, which no copy has.

    Args:
        model: built `GMVAE`.

    Returns:
        `GMVAE` of the same weights; the model itself if it is of a subclass, or has heads that no copy takes the
        weights of, as those with low-rank adapters (LoRA).
    """
    from tf_gmvae.model.gmvae import GMVAE

    if type(model) is not GMVAE:
        return model
    copy = GMVAE(
        _direct(model.encoder),
        _direct(model.decoder),
        latent_dim=model.latent_dim,
        style_dim=model.style_dim,
        num_components=model.num_components,
        num_samples=model.num_samples,
        likelihood=model.likelihood,
        prior_units=model.prior_units,
        component_prior=model.component_prior.kind,
        style_prior=type(model.style_prior).from_config(model.style_prior.get_config()),
        dtype=model.dtype_policy,
    )
    if not copy.built:
        copy.build((None, *model.data_shape))
    try:
        for ours, theirs in zip(_heads(copy), _heads(model), strict=True):
            ours.set_weights(theirs.get_weights())
    except ValueError:
        return model
    return copy


def _heads(model):
    """What the model itself adds to the networks; the paper's priors of w and z are no layers."""
    found = (model.x_head, model.w_head, model.prior_head, model.component_prior, model.style_prior)
    found += tuple(model.style_heads)
    return tuple(part for part in found if isinstance(part, keras.Layer))


def _direct(network):
    # A network that is a class of the user's own cannot be cloned layer by layer, or would lose its own `call`: it
    # serves as it is.
    is_plain = type(network).__module__.partition(".")[0] == "keras"
    layers = network.layers if is_plain and hasattr(network, "layers") else ()
    if not any(type(layer) in _DIRECT for layer in layers):
        return network
    try:
        clone = keras.models.clone_model(network, clone_function=_direct_layer)
        clone.set_weights(network.get_weights())
    except ValueError:  # also of layers whose weights changed after they were built, as those of float8 do
        return network
    return clone


def _direct_layer(layer):
    kind = _DIRECT.get(type(layer), type(layer))
    return kind.from_config(layer.get_config())
