"""What this project uses of Keras' private parts is there, does what it is used for, and stands in one file."""

import re

import keras
import numpy as np
import pytest

from layers import keras_private

PACKAGES = ("layers", "tf_gmvae", "train")


@pytest.fixture(scope="module")
def trained():
    normalised = keras.layers.BatchNormalization()
    inner = keras.Sequential([keras.layers.Dense(2, activity_regularizer="l2"), normalised])
    model = keras.Sequential([keras.Input((3,)), inner])
    model.compile(keras.optimizers.Adam())
    model.optimizer.build(model.trainable_variables)
    return model, inner, normalised


@pytest.mark.parametrize(
    ("owner", "name"), [(owner, name) for owner, names in keras_private.REPLACED.items() for name in names]
)
def test_what_methods_of_ours_replace_is_there(owner, name):
    assert callable(getattr(owner, name))


def test_layers_come_before_those_within_them(trained):
    model, inner, normalised = trained
    found = keras_private.sublayers(model)
    assert found[0] is model and found.index(inner) < found.index(normalised)
    assert keras_private.sublayers(model, include_self=False) == found[1:]


def test_losses_of_a_batch_are_dropped(trained):
    model, *_ = trained
    model(np.ones((4, 3), "float32"))
    assert model.losses
    keras_private.drop_losses(model)
    assert not model.losses


def test_a_built_model_may_get_further_layers(trained):
    model = keras.Model()
    model.build((None, 3))
    model._tracker.lock("it is built")
    keras_private.unlock(model)
    model.further = keras.layers.Dense(2)
    assert model.further in model.layers


def test_the_epoch_to_begin_at_is_forgotten(trained):
    model, *_ = trained
    assert keras_private.first_epoch(model) is None
    model._initial_epoch = 3
    assert keras_private.first_epoch(model) == 3
    keras_private.forget_first_epoch(model)
    assert keras_private.first_epoch(model) is None


def test_seeds_that_were_not_given_are_seen():
    given, not_given = keras.initializers.GlorotUniform(3), keras.initializers.GlorotUniform()
    assert keras_private.was_given_no_seed(not_given) and not keras_private.was_given_no_seed(given)
    assert not keras_private.was_given_no_seed(keras.initializers.Zeros())
    keras_private.global_seed()  # None or a number, as tests before have left it


def test_moments_and_axes_are_those_of_the_variable_and_the_layer(trained):
    model, _, normalised = trained
    kernel = model.trainable_variables[0]
    assert [moment.shape for moment in keras_private.moments(model.optimizer, kernel)] == [kernel.shape] * 2
    assert list(keras_private.reduction_axes(normalised)) == [0]


def test_no_other_file_knows_them(root):
    mine = root / "layers" / "keras_private.py"
    known = set(re.findall(r"\.(_[a-z]\w*)", mine.read_text()))
    assert "_flatten_layers" in known
    used = re.compile(rf"\.({'|'.join(known)})\b|keras\.src")
    for package in PACKAGES:
        for path in (root / package).rglob("*.py"):
            if path != mine:
                assert not used.search(path.read_text()), path
