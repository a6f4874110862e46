"""The signatures of an exported GMVAE."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import tensorflow as tf

from tf_gmvae.errors import NO_NUMBER, InputError
from tf_gmvae.model import shared_noise
from tf_gmvae.serving import draws, images
from tf_gmvae.serving.checks import require

if TYPE_CHECKING:
    from tf_gmvae.model.gmvae import GMVAE


class Signature(NamedTuple):
    """One question that a client can ask.

    Attributes:
        function: `tf.function` of one input signature, to a dict of named tensors.
        about: what it answers, a phrase.
    """

    function: tf.types.experimental.PolymorphicFunction
    about: str


def of(model: GMVAE) -> dict[str, Signature]:
    """All signatures of a model. The first axis of every tensor is the batch, of any size.

    Args:
        model: built `GMVAE`.

    Returns:
        Dict of name to `Signature`. Those of `uint8` examples are there for images (H, W, C) alone, since columns
        of a table are not shades of 0 to 255, and that of encoded pictures for images of 1 or 3 channels.
    """
    shape = tuple(model.data_shape)
    floats = tf.TensorSpec((None, *shape), tf.float32, "examples")
    answers = {
        "cluster": (_cluster, "the likeliest component, its probability, and p(z given y) for all K"),
        "embed": (_embed, "means of q(x given y) and of q(w given y)"),
        "reconstruct": (_reconstruct, "mean of p(y given x) at the mean of q(x given y)"),
        "score": (
            _score,
            "evidence lower bound and its terms, a low elbo marks the unusual, and log p(z given y); nats",
        ),
    }
    if model.style_heads:
        answers["levels"] = (_levels, "posteriors over the components of every level; level_1 is p(z given y)")
    found = {name: Signature(_function(model, answer, floats), about) for name, (answer, about) in answers.items()}
    found["serving_default"] = Signature(_function(model, _cluster, floats), "as cluster")
    if len(shape) == 3:
        shades = tf.TensorSpec((None, *shape), tf.uint8, "examples")
        for name, (answer, _) in answers.items():
            found[f"{name}_uint8"] = Signature(
                _function(model, answer, shades), f"as {name}, of {_uint8_are(model)}"
            )
        if shape[-1] in (1, 3) and None not in shape:
            found["cluster_bytes"] = Signature(
                _cluster_bytes(model, shape),
                f"as cluster, of encoded PNG or JPEG files of any size up to {images.MAX_PIXELS:,} pixels; "
                "`error` says what is wrong with one, whose cluster is -1, and which spoils no other",
            )
    found["generate"] = Signature(
        _generate(model, with_style=False), "a new example of a component (-1 draws one), w drawn"
    )
    found["generate_styled"] = Signature(_generate(model, with_style=True), "a new example at a component and a w")
    return found


def _cluster_bytes(model, shape):
    spec = tf.TensorSpec((None,), tf.string, "image_bytes")

    @tf.function(input_signature=[spec], autograph=False)
    def function(image_bytes):
        pixels, error = images.decode(_checked(image_bytes, spec), shape)
        answer = _cluster(model, model.examples(pixels))
        answered = tf.equal(error, "")
        return {
            **answer,
            "cluster": tf.where(answered, answer["cluster"], -1),
            "probability": tf.where(answered, answer["probability"], 0.0),
            "posterior": tf.where(answered[:, tf.newaxis], answer["posterior"], 0.0),
            "answered": answered,
            "error": error,
        }

    return function


def _function(model, answer, spec):
    @tf.function(input_signature=[spec], autograph=False)
    def function(values):
        return answer(model, model.examples(_checked(values, spec)))

    return function


def _checked(values, spec):
    # A session checks no shapes: without this, sizes that happen to fit the matrices would be answered.
    values = tf.ensure_shape(values, spec.shape)
    with tf.control_dependencies([_not_empty(values)]):
        return tf.identity(values)


def _uint8_are(model):
    return "counts 0 to 255" if model.likelihood.uint8_scale == 1.0 else "shades 0 to 255"


def _cluster(model, examples):
    called = _by_name(model, model(examples, training=False))
    posterior = called.get("posterior")
    posterior = _known(tf.exp(model.latents_of_batch(examples).log_posterior) if posterior is None else posterior)
    return {
        "cluster": tf.argmax(posterior, axis=-1),
        "probability": tf.reduce_max(posterior, axis=-1),
        **_of_known(called, posterior),
        "posterior": posterior,
    }


def _by_name(model, called):
    """What a model's `call` returns, by name: p(z | y), or of a subclass a dictionary, which may have more."""
    if tf.is_tensor(called) and called.shape.rank in (2, None):
        return {"posterior": called}
    if isinstance(called, Mapping) and all(isinstance(key, str) and tf.is_tensor(called[key]) for key in called):
        return called
    received = f"a tensor of shape {called.shape}" if tf.is_tensor(called) else f"a {type(called).__name__}"
    raise InputError(
        f"Exports answer what `call` returns, so that of {type(model).__name__} must return p(z | y), a tensor "
        f"(B, K), or a dictionary of tensors by name, without others in it. Received: {received}."
    )


def _embed(model, examples):
    latents = model.latents_of_batch(examples)
    return _of_known({"x": latents.x, "w": latents.w}, latents.log_posterior)


def _reconstruct(model, examples):
    latents = model.latents_of_batch(examples)
    return _of_known({"reconstruction": model.likelihood.mean(model.decode(latents.x))}, latents.log_posterior)


def _score(model, examples):
    sampled = model.sampled(examples, sampler=shared_noise.sampler(model))
    terms, _ = model.terms(sampled)
    # Of clusters that lie far apart the posterior is 0 in float32, which tells nothing of the second likeliest.
    log_posterior = model.log_responsibilities(sampled.encoding)
    return {"elbo": _known(terms.elbo), **terms._asdict(), "log_posterior": _known(log_posterior)}


def _levels(model, examples):
    latents = model.latents_of_batch(examples)
    found = enumerate((latents.log_posterior, *latents.levels), start=1)
    return {f"level_{number}": tf.exp(_known(log_posterior)) for number, log_posterior in found}


def _generate(model, with_style):
    components = model.num_components
    component_spec = tf.TensorSpec((None,), tf.int64, "component")
    w_spec = tf.TensorSpec((None, model.style_dim), tf.float32, "w")
    seed_spec = tf.TensorSpec((None,), tf.int64, "seed")

    def answer(component, seed, w):
        drawn, drawn_w, noise = draws.from_seeds(
            seed, model.component_prior, model.style_prior, model.style_dim, model.latent_dim
        )
        w = drawn_w if w is None else w
        checks = [
            _not_empty(seed),
            require(
                tf.reduce_all((component >= -1) & (component < components)),
                f"`component` must be 0 to {components - 1}, or -1 to draw one.",
            ),
            require(
                tf.reduce_all(tf.math.is_finite(w)), "`w` holds values that are NaN or infinite: repair them."
            ),
            require(
                tf.reduce_all(tf.shape(seed)[0] == tf.stack([tf.shape(component)[0], tf.shape(w)[0]])),
                "every input must have one row an example: give as many components and w as seeds.",
            ),
        ]
        with tf.control_dependencies(checks):
            component = tf.where(component < 0, drawn, component)
        return {"examples": model.generate_batch(component, w, noise), "component": component, "w": w}

    if with_style:

        @tf.function(input_signature=[component_spec, w_spec, seed_spec], autograph=False)
        def function(component, w, seed):
            return answer(component, seed, tf.ensure_shape(w, w_spec.shape))

    else:

        @tf.function(input_signature=[component_spec, seed_spec], autograph=False)
        def function(component, seed):
            return answer(component, seed, None)

    return function


def _of_known(answers, log_posterior):
    # A decoder may make plausible values of a latent that says nothing: what has no cluster has no answer at all.
    with tf.control_dependencies([_known(log_posterior)]):
        return {name: tf.identity(answer) for name, answer in answers.items()}


def _known(answers):
    is_known = tf.reduce_all(~tf.math.is_nan(answers))
    with tf.control_dependencies([require(is_known, f"The answer to an example is {NO_NUMBER}")]):
        return tf.identity(answers)


def _not_empty(values):
    # The joined convolutions that TensorFlow makes when it loads the graph fail on no example, unintelligibly.
    return require(tf.shape(values)[0] > 0, "the batch is empty: send one example or more.")
