"""The work of a start: as ever for small examples, less for few, large images, and told beforehand."""

import re

import numpy as np
import pytest

import tf_gmvae
from tf_gmvae.start import effort, initialization


@pytest.mark.parametrize(
    ("num_examples", "data_shape", "size", "steps"),
    [
        (1_438, (8, 8, 1), 200, 500),
        (60_000, (28, 28, 1), 200, 500),
        (50, (28, 28, 1), 50, 500),
        (178, (13,), 178, 500),
        (300, (2_000, 1), 200, 500),
        (604_388, (32, 32, 3), 200, 500),
        (200, (32, 32, 3), 32, 500),
        (200, (64, 64, 3), 32, 125),
        (1_600, (64, 64, 1), 200, 125),
        (20, (128, 128, 3), 20, 60),
    ],
)
def test_few_large_images_take_less_work(num_examples, data_shape, size, steps):
    assert effort.batch_size_for(200, num_examples, data_shape) == size
    assert effort.least_steps_for(500, data_shape) == steps


@pytest.mark.parametrize(
    ("seconds", "words"), [(3, "1 minute"), (61, "2 minutes"), (3_600, "1 h 0 min"), (7_790, "2 h 10 min")]
)
def test_durations_in_words(seconds, words):
    assert effort.in_words(seconds) == words


@pytest.mark.slow
def test_the_time_is_told_and_telling_changes_nothing(monkeypatch, capsys):
    monkeypatch.setattr(initialization, "LEAST_STEPS", 4)
    images = np.random.default_rng(0).integers(0, 256, (40, 8, 8, 1), dtype=np.uint8)
    weights = []
    for verbose in (2, 0):
        model = tf_gmvae.GMVAE.from_preset("digits", num_components=3, seed=0)
        model.compile()
        model.initialize(images, pretraining_epochs=1, guided_epochs=1, verbose=verbose)
        weights.append(model.get_weights())
    said = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"Start: about \d+ minutes?\.", said[0]) and said[1].startswith("Start 1/3")
    for told, silent in zip(*weights, strict=True):
        np.testing.assert_array_equal(told, silent)
