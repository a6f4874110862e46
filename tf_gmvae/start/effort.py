"""How much work a start is: in proportion to few, large images, and about how long it takes."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
import tensorflow as tf

from tf_gmvae.data.split import Split
from tf_gmvae.start.descriptors import is_image

# Pixels of an image. Beyond the first, few images are trained in smaller batches; beyond the second, in fewer
# steps.
_LARGE, _LARGER = 28 * 28, 32 * 32
# The fewest examples of a step that batch normalisation works well with, and steps in which a network learns.
_LEAST_BATCH, _LEAST_STEPS = 32, 60
# Batches of an epoch that smaller batches are made for.
_BATCHES = 8
# Seconds of a map by its number of examples, as measured on two cores: compiling it, and each thousand of them.
_COMPILED, _A_THOUSAND_MAPPED, _A_THOUSAND_IMAGES = 15.0, 2.0, 3.5
# Of a training step, what the steps of either stage take beyond the gradient of the plain VAE.
_OVERHEAD = 1.3


def batch_size_for(asked: int, num_examples: int, data_shape: tuple[int, ...]) -> int:
    """Examples of a step of either training.

    Args:
        asked: integer, the most.
        num_examples: integer N.
        data_shape: tuple, shape of an example.

    Returns:
        Integer: of images larger than 28x28 an eighth of N, but at least 32; of all else what was asked for. Never
        more than N or what was asked for.
    """
    fitting = max(_LEAST_BATCH, num_examples // _BATCHES) if _pixels(data_shape) > _LARGE else asked
    return min(asked, fitting, num_examples)


def least_steps_for(at_most: int, data_shape: tuple[int, ...]) -> int:
    """The fewest steps of either training, however few examples there are.

    Args:
        at_most: integer, those of small examples.
        data_shape: tuple, shape of an example.

    Returns:
        Integer: of images larger than 32x32 fewer, in proportion to their pixels, but at least 60.
    """
    share = min(1.0, _LARGER / _pixels(data_shape))
    return min(at_most, max(_LEAST_STEPS, round(at_most * share)))


def seconds(model: Any, examples: np.ndarray, batch: int, steps: int, num_mapped: int) -> float:
    """About how long a start takes. It draws nothing at random and changes no weight.

    Args:
        model: `GMVAE`.
        examples: array (N, ...) as the model takes them.
        batch: integer, examples of a step.
        steps: integer, steps of both trainings together.
        num_mapped: integer, examples on the map.

    Returns:
        Seconds, a float.
    """
    weights = [w for part in (model.encoder, model.x_head, model.decoder) for w in part.trainable_weights]

    @tf.function(autograph=False)
    def work(values):
        values = model.examples(values)
        with tf.GradientTape() as tape:
            mean = model.encode(values, training=False).x_mean
            params = model.decode(mean[None], training=False)
            loss = -tf.reduce_mean(model.likelihood.log_prob(values, params))
        return tf.add_n([tf.reduce_sum(tf.abs(part)) for part in tape.gradient(loss, weights) if part is not None])

    part = tf.convert_to_tensor(examples[:batch])
    work(part)  # traced
    began = time.perf_counter()
    for _ in range(2):
        work(part).numpy()
    a_step = (time.perf_counter() - began) / 2
    a_thousand = _A_THOUSAND_IMAGES if is_image(examples.shape[1:]) else _A_THOUSAND_MAPPED
    return _COMPILED + a_thousand * num_mapped / 1000 + _OVERHEAD * a_step * steps


def in_words(seconds: float) -> str:
    """A duration as people say it.

    Args:
        seconds: float.

    Returns:
        Text, as "1 minute" or "2 h 10 min".
    """
    minutes = math.ceil(seconds / 60)
    if minutes < 60:
        return f"{minutes} minute{'s' * (minutes > 1)}"
    return f"{minutes // 60} h {minutes % 60} min"


def _pixels(data_shape):
    return math.prod(data_shape[:2]) if len(data_shape) == 3 else 1


def epoch(
    examples: Split, epochs: int, batch_size: int, least_steps: int, max_steps: int | None
) -> tuple[int, int]:
    """Examples of a step, and steps of an epoch, of one of the two trainings.

    Args:
        examples: `Split` of N.
        epochs: integer.
        batch_size: integer, largest number of examples of a step.
        least_steps: integer, of small images and rows all epochs together have at least as many.
        max_steps: integer, all epochs together have at most as many; None for no such bound.

    Returns:
        Pair of integers.
    """
    size = batch_size_for(batch_size, examples.num_examples, examples.data_shape)
    steps = max(examples.num_examples // size, least_steps_for(least_steps, examples.data_shape) // epochs)
    return size, steps if max_steps is None else min(steps, max_steps // epochs)
