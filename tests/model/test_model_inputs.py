"""Bad data get one sentence, whichever way they come."""

import numpy as np
import pandas
import pytest
import tensorflow as tf

import tf_gmvae
from tf_gmvae import GMVAEClusterer, InputError
from tf_gmvae.inputs import readable


@pytest.fixture(scope="module")
def model():
    model = tf_gmvae.GMVAE.from_preset("digits", num_components=2, seed=0)
    model.compile()
    return model


def spoilt(digits, kind):
    images = digits[0].copy()
    if kind == "range":
        return images * 255
    if kind == "channel":
        return images[..., 0]
    if kind == "first":
        return np.moveaxis(images, -1, 1)
    if kind == "size":
        return np.zeros((9, 28, 28, 1), "float32")
    images[7, 2, 3, 0] = {"nan": np.nan, "infinite": np.inf, "negative": -0.5}[kind]
    return images


SENTENCES = {
    "range": "bernoulli likelihood takes finite values within .0, 1.: .*divide by 255",
    "nan": r"index \(7, 2, 3, 0\) is nan.*repair or drop",
    "infinite": r"index \(7, 2, 3, 0\) is inf.*repair or drop",
    "negative": r"index \(7, 2, 3, 0\) is -0.5.*scale them",
    "channel": r"\(8, 8\) do not fit a model built for \(8, 8, 1\): add the channel axis",
    "first": r"\(1, 8, 8\) do not fit .*: their channels come first, so pass x.transpose\(0, 2, 3, 1\)",
    "size": r"\(28, 28, 1\) do not fit a model built for \(8, 8, 1\): reshape",
}
METHODS = ("fit", "evaluate", "predict", "embed", "score")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", SENTENCES)
def test_arrays(model, digits, method, kind):
    before = model.get_weights()
    with pytest.raises(tf_gmvae.InputError, match=SENTENCES[kind]) as caught:
        getattr(model, method)(spoilt(digits, kind))
    assert "\n" not in str(caught.value)
    for ours, theirs in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", SENTENCES)
def test_data_sets(model, digits, method, kind):
    batches = tf.data.Dataset.from_tensor_slices(spoilt(digits, kind)).batch(100)
    sentence = SENTENCES[kind]
    if kind in ("range", "nan", "infinite", "negative") and method in ("fit", "evaluate", "predict"):
        sentence = "A batch holds values that are NaN, infinite or out of range.*divide by 255"
    with pytest.raises(tf_gmvae.InputError, match=sentence) as caught:
        getattr(model, method)(batches)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["range", "channel", "first"])
def test_the_advice_works(model, digits, kind):
    bad = spoilt(digits, kind)
    mended = {
        "range": lambda: [bad / 255, bad.astype("uint8")],
        "channel": lambda: [bad[..., None]],
        "first": lambda: [bad.transpose(0, 2, 3, 1)],
    }
    for images in mended[kind]():
        assert model.predict(images, verbose=0).shape == (400, 2)


def test_shades_of_sixteen_bits_have_a_divisor_of_their_own(model, digits):
    deep = (digits[0] * 65535).astype("uint16")
    with pytest.raises(tf_gmvae.InputError, match=r"shades of 0 to 65535: divide by 65535\)"):
        model.embed(deep)
    assert np.isfinite(model.embed(deep / 65535).x).all()


def test_objects_that_are_all_numbers_are_an_array_of_them(digits):
    read = readable(digits[0].astype(object))
    assert read.dtype.kind == "f"
    np.testing.assert_array_equal(read, digits[0])


def test_a_column_of_arrays_of_one_length_is_an_array_of_them(table):
    column = pandas.DataFrame({"embedding": list(table)})["embedding"]
    for data in (column, column.to_numpy(), column.map(list).to_numpy()):
        np.testing.assert_array_equal(readable(data), table)
        np.testing.assert_array_equal(GMVAEClusterer()._array(data, reset=True), table)
    column[3] = table[3, :2]
    for read in (readable, lambda data: GMVAEClusterer()._array(data, reset=True)):
        with pytest.raises(InputError, match="different lengths"):
            read(column.to_numpy())


def test_batches_of_several_shapes_are_fine(model, digits):
    model.predict(digits[0][:3], verbose=0)
    model.predict(digits[0][:50], verbose=0)
    assert model.predict(digits[0], batch_size=37, verbose=0).shape == (400, 2)


def test_errors_that_are_not_ours_pass(model):
    def fail(index):
        with tf.control_dependencies([tf.debugging.Assert(index < 0, ["another fault"])]):
            return tf.zeros((8, 8, 1))

    batches = tf.data.Dataset.range(1).map(fail).batch(1)
    with pytest.raises(tf.errors.InvalidArgumentError, match="another fault"):
        model.predict(batches, verbose=0)
