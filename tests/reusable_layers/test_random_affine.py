"""Views of images: what the parameters mean, that each image has its own, and that a state is kept."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from layers import RandomAffine


def spot(size=21, row=10, column=10):
    image = np.zeros((1, size, size, 1), "float32")
    image[0, row, column] = 1.0
    return image


def centre_of(image):
    image = np.asarray(image)[..., 0]
    rows, columns = np.indices(image.shape)
    return np.array([(image * rows).sum(), (image * columns).sum()]) / image.sum()


def test_without_motion_or_training_images_stay():
    images = np.random.default_rng(0).random((4, 9, 13, 3)).astype("float32")
    still = RandomAffine(rotation=0, shift=0, scale=0, shear=0, seed=0)
    np.testing.assert_allclose(still(images), images, atol=1e-5)
    np.testing.assert_array_equal(RandomAffine(seed=0)(images, training=False), images)


def test_a_shift_moves_by_at_most_its_share_of_the_side():
    images, sides = np.zeros((400, 11, 21, 1), "float32"), np.array([11, 21])
    images[:, 5, 10] = 1.0
    moved = RandomAffine(rotation=0, shift=0.2, scale=0, shear=0, seed=0)(images)
    moves = np.array([centre_of(image) for image in moved]) - [5, 10]
    assert (np.abs(moves).max(axis=0) <= 0.2 * sides + 1e-3).all()
    assert (np.abs(moves).max(axis=0) > 0.18 * sides).all()
    np.testing.assert_allclose(moves.mean(axis=0), 0, atol=0.5)
    assert len(np.unique(moves.round(4), axis=0)) > 390  # to each its own


def test_a_rotation_turns_about_the_centre():
    moved = RandomAffine(rotation=30, shift=0, scale=0, shear=0, seed=0)(np.repeat(spot(column=16), 400, axis=0))
    offsets = np.array([centre_of(image) for image in moved]) - 10
    np.testing.assert_allclose(np.linalg.norm(offsets, axis=1), 6, atol=0.3)
    angles = np.degrees(np.arctan2(offsets[:, 0], offsets[:, 1]))
    assert 27 < angles.max() < 32 and -32 < angles.min() < -27


def test_scale_and_shear_move_what_they_should():
    apart = np.repeat(spot(column=16) + spot(column=4), 300, axis=0)
    widths = []
    for image in np.asarray(RandomAffine(rotation=0, shift=0, scale=0.5, shear=0, seed=0)(apart)):
        weight = image[10, :, 0] / image[10, :, 0].sum()
        widths.append(np.sqrt((weight * (np.arange(21) - 10) ** 2).sum()))
    assert 2.7 < min(widths) < 3.6 and 8.0 < max(widths) < 9.3
    sheared = RandomAffine(rotation=0, shift=0, scale=0, shear=0.5, seed=0)(np.repeat(spot(row=16), 300, axis=0))
    offsets = np.array([centre_of(image) for image in sheared]) - 10
    np.testing.assert_allclose(offsets[:, 0], 6, atol=0.1)  # its row stays
    assert 2.5 < np.abs(offsets[:, 1]).max() <= 3.01


@pytest.mark.parametrize("dtype", ["uint8", "int32", "float32"])
def test_the_type_of_images_is_known_before_they_are(dtype):
    inputs = keras.Input((8, 8, 2), dtype=dtype)
    outputs = RandomAffine(seed=0)(inputs)
    assert (outputs.dtype, outputs.shape) == (dtype, (None, 8, 8, 2))
    assert keras.Model(inputs, outputs)(tf.zeros((3, 8, 8, 2), dtype)).dtype == dtype


def test_whole_numbers_are_rounded():
    shades = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 1)).astype("uint8")
    moved = RandomAffine(seed=0)(shades).numpy()
    assert moved.dtype == np.uint8
    np.testing.assert_array_equal(moved, np.rint(RandomAffine(seed=0)(shades.astype("float32"))))


def test_the_edge_goes_on_outside():
    images = np.full((8, 12, 12, 3), 0.7, "float32")
    np.testing.assert_allclose(RandomAffine(seed=0)(images), images, atol=1e-5)


def test_the_seed_decides_and_the_state_is_saved(tmp_path):
    images = np.random.default_rng(0).random((3, 8, 8, 1)).astype("float32")
    model = keras.Sequential([keras.Input((8, 8, 1)), RandomAffine(seed=3)])
    first = model(images, training=True).numpy()
    model.save(tmp_path / "model.keras")
    second = model(images, training=True).numpy()
    assert np.abs(first - second).max() > 0.01
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(images, training=True), second)
    loaded.layers[-1].reset()
    np.testing.assert_array_equal(loaded(images, training=True), first)
    assert loaded.layers[-1].get_config()["shift"] == 0.06


def test_keras_own_map_and_xla_give_the_same(monkeypatch):
    images = np.random.default_rng(0).random((5, 9, 12, 2)).astype("float32")
    layer = RandomAffine(seed=3)
    drawn = layer._draw(keras.random.uniform, (5, 5), axis=0, minval=-1.0, maxval=1.0)
    monkeypatch.setattr(layer, "_draw", lambda *arguments, **further: drawn)  # XLA draws others from a seed
    moved = layer(images, training=True).numpy()
    assert np.abs(moved - images).mean() > 0.05
    compiled = tf.function(lambda images: layer(images, training=True), jit_compile=True)(images)
    np.testing.assert_allclose(compiled, moved, atol=1e-4)
    across, down = (np.reshape(each, (5, 9, 12)) for each in layer._origins(5, 9, 12))
    # The map of Keras, from where three values come that lie next to each other within the image.
    corners = ((across[:, v, u], down[:, v, u]) for v, u in ((4, 5), (4, 6), (5, 5)))
    (c, f), (right, right_f), (below, below_f) = corners
    a, d, b, e = right - c, right_f - f, below - c, below_f - f
    rows = np.stack([a, b, c - 5 * a - 4 * b, d, e, f - 5 * d - 4 * e, 0 * a, 0 * a], axis=1)
    expected = keras.ops.image.affine_transform(images, rows, fill_mode="nearest", data_format="channels_last")
    np.testing.assert_allclose(moved, expected, atol=1e-4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rotation": -1}, "rotation"),
        ({"rotation": "a"}, "rotation"),
        ({"shift": None}, "shift"),
        ({"shift": float("nan")}, "shift"),
        ({"scale": 1.0}, r"scale.*in \[0, 1\)"),
    ],
)
def test_bad_arguments_get_a_sentence(arguments, message):
    with pytest.raises(ValueError, match=message):
        RandomAffine(**arguments)
    with pytest.raises(ValueError, match="incompatible with the layer"):
        RandomAffine(seed=0)(spot()[0])
