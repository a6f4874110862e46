"""Noise that is a function of a seed alone: not of the batch, the call or the device."""

import tensorflow as tf

from tf_gmvae.priors import ComponentPrior, MixturePrior, StandardNormal


def from_seeds(
    seeds: tf.Tensor,
    component_prior: ComponentPrior,
    style_prior: StandardNormal | MixturePrior,
    style_dim: int,
    latent_dim: int,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """What one example of `generate` draws, for every seed.

    Args:
        seeds: int64 tensor (B,).
        component_prior: p(z) over the K components.
        style_prior: p(w).
        style_dim: W.
        latent_dim: D.

    Returns:
        Triple of a component (B,) int64 from p(z), w (B, W) from p(w) and noise (B, D) from N(0, I).
    """
    levels = style_prior.levels()

    def of_one(seed):
        # "auto_select" would choose another generator on another kind of device.
        normals = tf.random.stateless_normal((style_dim + latent_dim,), tf.stack([seed, 0]), alg="philox")
        components = [_component(tf.stack([seed, 1]), component_prior)]
        noises = [normals[:style_dim], normals[style_dim:]]
        for number, level in enumerate(levels, start=1):
            components.append(_component(tf.stack([seed, 2 * number + 1]), level.component_prior))
            noises.append(
                tf.random.stateless_normal((level.style_dim,), tf.stack([seed, 2 * number]), alg="philox")
            )
        return tuple(components), tuple(noises)

    sizes = (style_dim, latent_dim, *style_prior.dims)
    specs = (tf.TensorSpec((), tf.int64),) * (1 + len(levels)), tuple(tf.TensorSpec((size,)) for size in sizes)
    (component, *path), (w, noise, *deeper) = tf.map_fn(of_one, seeds, fn_output_signature=specs)
    return component, style_prior.from_noise(path, [w, *deeper]), noise


def _component(seed, prior):
    if prior.kind == "uniform":
        return tf.random.stateless_uniform((), seed, maxval=prior.num_components, dtype=tf.int64, alg="philox")
    # The first component up to which the probabilities sum to more than a number drawn between 0 and 1.
    drawn = tf.random.stateless_uniform((1,), seed, alg="philox")
    sums = tf.cumsum(tf.exp(prior.log_prob()))[:-1]
    return tf.searchsorted(sums, drawn, side="right", out_type=tf.int64)[0]
