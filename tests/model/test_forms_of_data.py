"""Every entry point takes the same forms of data, on the same scale, and answers the rest in one sentence."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from support.remembered import remembered

import tf_gmvae
from tf_gmvae import InputError, evaluation
from tf_gmvae.data import Split, to_batches
from tf_gmvae.optimizer import FusedAdam
from tf_gmvae.start import initialization

METHODS = ("fit", "evaluate", "predict", "embed", "score", "initialize")


class Batches(keras.utils.PyDataset):
    """An array in batches of 50, as a Keras data set of Python."""

    def __init__(self, examples):
        super().__init__()
        self.examples = examples

    def __len__(self):
        return math.ceil(len(self.examples) / 50)

    def __getitem__(self, index):
        return self.examples[50 * index : 50 * (index + 1)]


class Frame:
    """What of a DataFrame is asked for."""

    def __init__(self, values):
        self.values, self.shape = values, values.shape

    def to_numpy(self):
        return self.values


FORMS = {
    "array": lambda examples: examples,
    "tensor": tf.convert_to_tensor,
    "lists": lambda examples: examples.tolist(),
    "frame": Frame,
    "split": Split,
    "data set": lambda examples: tf.data.Dataset.from_tensor_slices(examples).batch(50),
    "labelled data set": lambda examples: tf.data.Dataset.from_tensor_slices((examples, examples[:, 0])).batch(50),
    "PyDataset": Batches,
    "generator": lambda examples: (examples[i : i + 50] for i in range(0, len(examples), 50)),
}


@pytest.fixture(autouse=True)
def few_steps(monkeypatch):
    monkeypatch.setattr(initialization, "LEAST_STEPS", 20)


def answer(model, method, data):
    """What the method makes of the data, the same for the same examples."""
    if method == "initialize":
        start = model.initialize(data, pretraining_epochs=1, guided_epochs=0, verbose=0)
        assert start.indices.tolist() == list(range(200))
        return np.concatenate([weight.ravel() for weight in model.get_weights()])
    if method == "fit":
        shuffle = {} if isinstance(data, tf.data.Dataset) else {"shuffle": False}
        return model.fit(data, batch_size=None if _is_stream(data) else 50, verbose=0, **shuffle).history["elbo"]
    if method == "evaluate":
        batch_size = None if _is_stream(data) else 50
        return model.evaluate(data, batch_size=batch_size, verbose=0, return_dict=True)["elbo"]
    if method == "predict":
        return model.predict(data, verbose=0)
    found = getattr(model, method)(data, batch_size=50)
    return np.concatenate([np.reshape(part, (200, -1)) for part in found], axis=1)


def _is_stream(data):
    return isinstance(data, tf.data.Dataset | keras.utils.PyDataset) or hasattr(data, "__next__")


@pytest.mark.parametrize("method", [*METHODS[:-1], pytest.param(METHODS[-1], marks=pytest.mark.slow)])
def test_the_form_of_the_data_changes_no_answer(make_table_model, table, method):
    model = make_table_model(num_samples=1)
    put_back = remembered(model)
    expected = answer(model, method, table)
    for name, form in FORMS.items():
        if name == "generator" and method == "predict":
            continue  # Keras draws a first batch to look at, and predicts without it
        if method == "initialize" and name in ("tensor", "lists", "frame", "labelled data set"):
            continue  # each takes seconds, and all are read in one place
        put_back()
        found = answer(model, method, form(table))
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4, err_msg=name)


def test_half_precision_of_tensors_and_arrays_is_read_as_that_of_data_sets(table_model, table):
    half = tf.cast(table, "bfloat16")
    expected = table_model.predict(tf.data.Dataset.from_tensors(half), verbose=0)
    for form in (half, half.numpy(), half.numpy().astype("float32")):
        np.testing.assert_allclose(table_model.predict_on_batch(form), expected, atol=1e-6)


@pytest.mark.skipif(np.dtype("longdouble").itemsize == 8, reason="it is float64 here")
def test_long_doubles_are_read_as_doubles(table_model, table):
    rows = table.astype("longdouble")
    for answer in (
        table_model.predict_on_batch,
        lambda data: table_model.distributions(data).q_x.mean(),
        lambda data: table_model.embed(data).x,
        lambda data: table_model.embed(iter([data])).x,
    ):
        np.testing.assert_allclose(answer(rows), answer(table), atol=1e-6)
    rows[3, 0] = np.finfo("longdouble").max
    with pytest.raises(InputError, match=r"The value at index \(3, 0\) is inf"):
        table_model.embed(rows)


def counts_model(**overrides):
    encoder = keras.Sequential([keras.Input((6,)), keras.layers.Dense(16, "relu", kernel_initializer=_kernel(1))])
    decoder = keras.Sequential([keras.Input((2,)), keras.layers.Dense(6, kernel_initializer=_kernel(2))])
    arguments = {"latent_dim": 2, "style_dim": 2, "num_components": 2, "prior_units": (8,), "seed": 0}
    model = tf_gmvae.GMVAE(encoder, decoder, **{"likelihood": "poisson", **arguments, **overrides})
    model.compile(FusedAdam(1e-2))
    return model


def _kernel(seed):
    return keras.initializers.GlorotUniform(seed)


def counts(count=300):
    """Counts of two clusters, uint8 (N, 6), and their clusters."""
    rng, labels = np.random.default_rng(0), np.arange(count) % 2
    rates = np.array([[1, 1, 1, 8, 8, 8], [8, 8, 8, 1, 1, 1]])
    return rng.poisson(rates[labels]).astype("uint8"), labels


@pytest.mark.parametrize(
    ("likelihood", "scale"),
    [
        pytest.param("poisson", 1.0, marks=pytest.mark.slow),
        ("bernoulli", 255.0),
        pytest.param("unit_gaussian", 255.0, marks=pytest.mark.slow),
    ],
)
def test_uint8_are_on_one_scale_whichever_way_they_come(likelihood, scale):
    examples, _ = counts()
    model = counts_model(likelihood=likelihood)
    floats = examples.astype("float32") / scale
    expected = model.score(floats)
    forms = [examples, Split(examples), tf.data.Dataset.from_tensor_slices(examples).batch(256)]
    forms += [to_batches(Split(examples), 256), to_batches(Split(floats), 256)]
    for form in forms:
        np.testing.assert_allclose(model.score(form).elbo, expected.elbo, rtol=1e-5)
        np.testing.assert_allclose(model.predict(form, verbose=0), model.predict(floats, verbose=0), atol=1e-6)
    for form in (examples, tf.constant(examples)):  # as of an own loop
        np.testing.assert_allclose(model.encode(form).x_mean, model.embed(floats).x, atol=1e-6)
        model.evaluation_sampler.reset()
        of_batch = model.elbo_terms(form[:256]).elbo
        np.testing.assert_allclose(of_batch, expected.elbo[:256], rtol=1e-5)
    put_back, histories = remembered(model), []
    for form in (examples, floats, Split(examples)):
        put_back()
        histories.append(model.fit(form, batch_size=50, shuffle=False, verbose=0).history["elbo"])
    np.testing.assert_allclose(histories[1:], histories[:1] * 2, rtol=1e-5)


@pytest.mark.slow
def test_counts_are_learned_as_counts(monkeypatch):
    monkeypatch.setattr(initialization, "LEAST_STEPS", 150)
    examples, labels = counts()
    model = counts_model()
    start = model.initialize(Split(examples), pretraining_epochs=1, guided_epochs=1, verbose=0)
    assert evaluation.hungarian_accuracy(start.labels, labels) > 0.97
    assert evaluation.hungarian_accuracy(model.predict(examples, verbose=0), labels) > 0.97
    assert model.generate(200, seed=0).mean() == pytest.approx(examples.mean(), rel=0.3)
    assert model.score(examples).elbo.mean() == pytest.approx(
        model.score(examples.astype("float32")).elbo.mean(), rel=1e-5
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("likelihood", "words"), [("poisson", "of counts 0 to 255"), ("bernoulli", "of shades 0 to 255")]
)
def test_an_export_has_the_scale_of_the_model(likelihood, words, tmp_path):
    encoder = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten(), keras.layers.Dense(8)])
    decoder = keras.Sequential([keras.Input((2,)), keras.layers.Dense(16), keras.layers.Reshape((4, 4, 1))])
    images = np.random.default_rng(0).integers(0, 9, (5, 4, 4, 1)).astype("uint8")
    model = tf_gmvae.GMVAE(
        encoder, decoder, latent_dim=2, style_dim=2, num_components=2, prior_units=(4,), likelihood=likelihood
    )
    folder = tf_gmvae.export(model, tmp_path / likelihood)
    assert words in (folder / "model_card.md").read_text()
    served = tf.saved_model.load(folder)
    answer = served.signatures["cluster_uint8"](examples=tf.constant(images))["posterior"]
    np.testing.assert_allclose(answer, model.predict(images, verbose=0), atol=1e-5)
    encoded = tf.stack([tf.io.encode_png(image) for image in images])
    answer = served.signatures["cluster_bytes"](image_bytes=encoded)["posterior"]
    np.testing.assert_allclose(answer, model.predict(images, verbose=0), atol=1e-5)


def endless():
    return tf.data.Dataset.from_tensors(np.zeros((5, 6), "float32")).repeat()


class EndlessBatches(keras.utils.PyDataset):
    """Batches for ever, as Keras takes them."""

    num_batches = None

    def __getitem__(self, index):
        return np.zeros((5, 6), "float32")


def empty_in_secret():
    return tf.data.Dataset.from_tensor_slices(np.zeros((9, 6), "float32")).filter(lambda row: row[0] > 1).batch(2)


BAD = {
    "two arrays": (lambda: [np.zeros((9, 6)), np.zeros((9, 6))], METHODS, "one array of examples .* list of 2"),
    "dict": (lambda: {"x": np.zeros((9, 6))}, METHODS, "one array of examples .* dict of 1 arrays"),
    "no row": (lambda: np.zeros((0, 6), "float32"), METHODS, "There is no example"),
    "empty": (lambda: tf.data.Dataset.from_tensors(np.zeros((2, 6))).take(0), METHODS, "There is no example"),
    "empty in secret": (empty_in_secret, METHODS, "There is no example"),
    "endless": (endless, METHODS, r"no end: .*data.take\(steps\)"),
    "endless PyDataset": (EndlessBatches, METHODS, "no end: let its __len__ return"),
    "words": (lambda: np.array([["a"] * 6] * 9), METHODS, "must be numbers. Received: .*<U1"),
    "ragged": (lambda: [[1.0] * 6, [1.0] * 5], METHODS, "different lengths: cut or resample"),
    "ragged arrays": (lambda: [np.ones(6), np.ones(5)], METHODS, "different lengths: cut or resample"),
    "ragged objects": (lambda: np.array([np.ones(6), np.ones(5)], object), METHODS, "lengths: cut or resample"),
    "sparse": (lambda: __import__("scipy.sparse").sparse.eye(6), METHODS, r"Pass data.toarray\(\)"),
    "data set of dicts": (
        lambda: tf.data.Dataset.from_tensor_slices({"image": np.ones((4, 6)), "label": np.ones(4)}).batch(2),
        METHODS,
        "takes one array of examples .* a dict of 2 arrays",
    ),
    "data set of pairs": (
        lambda: tf.data.Dataset.from_tensors(((np.ones((4, 6)), np.ones((4, 6))), np.ones(4))),
        METHODS,
        "takes one array of examples .* a tuple of 2 arrays",
    ),
    "ragged batches": (
        lambda: tf.data.Dataset.from_tensors(tf.ragged.constant([[1.0] * 6, [1.0] * 5])),
        METHODS,
        r"a data set of RaggedTensors. Pass data.map\(lambda batch: batch.to_tensor\(\)\)",
    ),
    "not batched": (
        lambda: tf.data.Dataset.from_tensor_slices(np.ones((4, 6), "float32")),
        METHODS,
        r"shape \(\) .* axis of examples is missing, so pass .* data.batch\(32\)",
    ),
    "sparse tensor": (lambda: tf.sparse.eye(6), METHODS, r"SparseTensor. Pass tf.sparse.to_dense\(data\)"),
    "number": (lambda: 3, ("embed", "score", "initialize"), "takes an array, a Split, .* Received"),
}


@pytest.fixture(scope="module")
def table_model(make_table_model):
    """A model for all that is refused, which leaves it as it was."""
    return make_table_model()


@pytest.mark.parametrize("kind", BAD)
def test_what_cannot_be_read_gets_a_sentence(table_model, kind):
    make, methods, sentence = BAD[kind]
    before = table_model.get_weights()
    for method in methods:
        with pytest.raises(InputError, match=sentence) as caught:
            getattr(table_model, method)(make(), **({"verbose": 0} if method in METHODS[:3] else {}))
        assert "\n" not in str(caught.value)
    for one, other in zip(table_model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, other)


def test_without_an_end_there_are_steps(table_model, table):
    assert table_model.predict(endless(), steps=2, verbose=0).shape == (10, 4)
    with pytest.raises(InputError, match="no end"):
        table_model.fit(table, validation_data=endless(), verbose=0)


@pytest.mark.parametrize("weights", ["sample_weight", "class_weight"])
def test_weights_are_refused_with_and_without_labels(table_model, table, weights):
    value = {0: 1.0} if weights == "class_weight" else np.ones(200)
    for labels in (None, np.zeros(200)):
        with pytest.raises(InputError, match=f"drop {weights}"):
            table_model.fit(table, labels, verbose=0, **{weights: value})
    with pytest.raises(InputError, match="drop sample_weight"):
        table_model.evaluate(table, sample_weight=np.ones(200), verbose=0)
    with pytest.raises(InputError, match="drop sample_weight"):
        table_model.fit(table, validation_data=(table, None, np.ones(200)), verbose=0)
    with pytest.raises(InputError, match=f"drop {weights}"):
        table_model.train_on_batch(table, **{weights: value})


@pytest.mark.parametrize("size", [0, -1, 2.5, "a", True])
def test_sizes_of_batches_and_numbers_of_steps_are_whole_numbers(table_model, table, size):
    of_keras, ours = ("fit", "evaluate", "predict"), ("embed", "score", "reconstruct", "log_likelihood")
    cases = [(method, "batch_size") for method in of_keras + ours]
    cases += [("fit", name) for name in ("steps_per_epoch", "validation_steps", "validation_batch_size")]
    for method, name in [*cases, ("evaluate", "steps"), ("predict", "steps")]:
        for data in (table, tf.data.Dataset.from_tensor_slices(table).batch(50)):
            with pytest.raises(InputError, match=rf"`{name}` must be an integer >= 1. Received: {name}={size!r}"):
                getattr(table_model, method)(data, **{name: size})
    with pytest.raises(InputError, match="`steps_per_execution` must be an integer >= 1"):
        table_model.compile(steps_per_execution=size)


class Encoder(keras.Model):
    """A plain subclass, which cannot tell its output's shape without a call."""

    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(16)

    def call(self, examples):
        return tf.nn.relu(self.dense(tf.reshape(examples, (-1, np.prod(examples.shape[1:])))))


class Decoder(keras.Model):
    def __init__(self, shape):
        super().__init__()
        self.shape = (*shape[:-1], 2 * shape[-1])
        self.dense = keras.layers.Dense(int(np.prod(self.shape)))

    def call(self, x):
        return keras.ops.reshape(self.dense(x), (-1, *self.shape))


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(12,), (4, 3), (2, 3, 2), (2, 3, 1, 2)])
def test_networks_of_any_kind_and_examples_of_any_shape(shape):
    examples = np.random.default_rng(0).normal(size=(60, *shape)).astype("float32")
    model = tf_gmvae.GMVAE(
        Encoder(),
        Decoder(shape),
        latent_dim=3,
        style_dim=2,
        num_components=3,
        likelihood="gaussian",
        prior_units=(8,),
    )
    model.compile()
    assert not model.built
    start = model.initialize(Split(examples), pretraining_epochs=1, guided_epochs=1, verbose=0)
    assert start.labels.shape == (60, 3)
    model.fit(examples, verbose=0)
    assert model.data_shape == shape
    assert model.predict(examples, verbose=0).shape == (60, 3)
    assert model.reconstruct(examples).shape == examples.shape
    assert model.generate(2).shape == (2, *shape)


def test_series_in_arrays_are_kept_as_they_are():
    series = np.zeros((5, 7, 3))
    assert Split.from_arrays(series).data_shape == (7, 3, 1)
    assert Split.from_arrays(series, series=True).data_shape == (7, 3)
