"""What an exported model answers, asked by programs that run nothing of this package."""

import functools
import io
import shutil
import socket
import subprocess
import time

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import ROOT, run_warm
from support import serving_clients
from support.serving_clients import INVALID_ARGUMENT, Refusal
from test_export_pictures import animation
from test_export_pictures import png as black

import tf_gmvae
from layers import SpectralConv2D, SpectralConv2DTranspose
from tf_gmvae import objective, priors
from tf_gmvae.optimizer import FusedAdam
from tf_gmvae.serving import signatures

TERMS = ("reconstruction", "conditional_prior", "w_prior", "z_prior")
SIZES = (1, 7, 256)
# TensorFlow in Python, without this package; its C library; TensorFlow Serving's requests.
WAYS = (*(pytest.param(way, marks=pytest.mark.slow) for way in ("alone", "c_library")), "grpc")


@pytest.fixture(scope="module")
def image_model(digits):
    """A GMVAE of digits, trained for a moment so that batch normalisation has something to be frozen."""
    model = tf_gmvae.GMVAE.from_preset("digits", num_components=5, num_samples=2, seed=0)
    model.compile(FusedAdam(1e-3))
    model.fit(digits[0], batch_size=100, epochs=2, verbose=0)
    return model


@pytest.fixture(scope="module")
def image_export(image_model, tmp_path_factory):
    return tf_gmvae.export(image_model, tmp_path_factory.mktemp("models") / "digits")


def of_table(**arguments):
    # Seeded: one random kernel in 256 has no unit that rows of equal values turn on, and so no answer too large.
    first, second = map(keras.initializers.GlorotUniform, (1, 2))
    encoder = keras.Sequential([keras.Input((6,)), keras.layers.Dense(8, "relu", kernel_initializer=first)])
    decoder = keras.Sequential([keras.Input((3,)), keras.layers.Dense(12, kernel_initializer=second)])
    return tf_gmvae.GMVAE(
        encoder, decoder, latent_dim=3, style_dim=2, num_components=4, likelihood="gaussian",
        prior_units=(8,), seed=0, **arguments,
    )  # fmt: skip


@pytest.fixture(scope="module")
def table_model():
    return of_table()


@pytest.fixture(scope="module")
def table_export(table_model, tmp_path_factory):
    return tf_gmvae.export(table_model, tmp_path_factory.mktemp("models") / "table")


@pytest.fixture(scope="module")
def ask(tmp_path_factory):
    """The ways to ask, by name, as functions of (folder, requests)."""
    program = tmp_path_factory.mktemp("program") / "serving"

    def over_grpc(folder, requests):
        server, port = serving_clients.grpc_server(folder)
        try:
            return serving_clients.grpc_client(port, folder.parent.name, requests)
        finally:
            server.stop(None)

    return {
        "alone": serving_clients.alone,
        "c_library": lambda folder, requests: serving_clients.c_library(folder, requests, program),
        "grpc": over_grpc,
    }


def clusters(posterior):
    return {"cluster": posterior.argmax(axis=1), "probability": posterior.max(axis=1), "posterior": posterior}


def scores(model, examples):
    """ELBO terms at the noise that the documentation states, from the parts of the model."""
    rng = np.random.default_rng(0)
    noise_x, noise_w = (
        rng.standard_normal((model.num_samples, 1, dim)).astype("float32")
        for dim in (model.latent_dim, model.style_dim)
    )
    x_mean, x_log_var, w_mean, w_log_var = model.encode(examples)
    x = x_mean + tf.exp(x_log_var / 2) * noise_x
    means, log_vars = model.mixture_prior(w_mean + tf.exp(w_log_var / 2) * noise_w)
    log_likelihood = model.likelihood.log_prob(examples, model.decode(x))
    terms = objective.elbo_terms(log_likelihood, x, (x_mean, x_log_var), (w_mean, w_log_var), means, log_vars)
    log_posterior = model.examine(examples).log_posterior
    found = {name: getattr(terms, name).numpy() for name in TERMS}
    return {"elbo": terms.elbo.numpy(), **found, "log_posterior": log_posterior}


def generated(model, component, seed, w=None):
    """New examples from the random numbers that the documentation states."""
    dims, components = (model.style_dim + model.latent_dim,), model.num_components
    normals = np.array([tf.random.stateless_normal(dims, (number, 0), alg="philox") for number in seed])
    drawn = [
        tf.random.stateless_uniform((), (number, 1), 0, components, tf.int64, alg="philox") for number in seed
    ]
    component = np.where(component < 0, drawn, component)
    w = normals[:, : model.style_dim] if w is None else w
    rows = np.arange(len(seed))
    mean, log_var = (part.numpy()[rows, component] for part in model.mixture_prior(w))
    x = mean + np.exp(log_var / 2) * normals[:, model.style_dim :]
    return {"examples": model.likelihood.mean(model.decode(x)).numpy(), "component": component, "w": w}


def png(shades):
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(shades[..., 0] if shades.shape[-1] == 1 else shades).save(file, "PNG")
    return file.getvalue()


def pngs(shades):
    return np.array([png(image) for image in shades], object)


def float_cases(model, examples):
    embedding = model.embed(examples)
    posterior = clusters(model.predict(examples, verbose=0))
    return {
        "serving_default": posterior,
        "cluster": posterior,
        "embed": {"x": embedding.x, "w": embedding.w},
        "reconstruct": {"reconstruction": model.reconstruct(examples)},
        "score": scores(model, examples),
    }


def generate_cases(model, size):
    rng = np.random.default_rng(size)
    component = rng.integers(-1, model.num_components, size)
    seed = rng.integers(-(2**63), 2**63 - 1, size)
    w = rng.standard_normal((size, model.style_dim)).astype("float32")
    yield "generate", {"component": component, "seed": seed}, generated(model, component, seed)
    inputs = {"component": component, "seed": seed, "w": w}
    yield "generate_styled", inputs, generated(model, component, seed, w)


def cases_of_images(model, images):
    """Every signature at every batch size: (name, inputs, expected answer)."""
    for size in SIZES:
        shades = np.round(255 * images[:size]).astype("uint8")
        for name, expected in float_cases(model, images[:size]).items():
            yield name, {"examples": images[:size]}, expected
        for name, expected in float_cases(model, shades.astype("float32") / 255).items():
            if name != "serving_default":
                yield f"{name}_uint8", {"examples": shades}, expected
            else:
                read = {"answered": np.ones(size, bool), "error": np.array([b""] * size, object)}
                yield "cluster_bytes", {"image_bytes": pngs(shades)}, {**expected, **read}
        yield from generate_cases(model, size)


def cases_of_tables(model):
    for size in SIZES:
        table = np.random.default_rng(size).normal(0, 2, (size, 6)).astype("float32")
        for name, expected in float_cases(model, table).items():
            yield name, {"examples": table}, expected
        yield from generate_cases(model, size)


@pytest.fixture(scope="module")
def image_cases(image_model, digits):
    return list(cases_of_images(image_model, digits[0]))


@pytest.fixture(scope="module")
def table_cases(table_model):
    return list(cases_of_tables(table_model))


def assert_answers(cases, answers):
    for (name, inputs, expected), answer in zip(cases, answers, strict=True):
        size = len(next(iter(inputs.values())))
        assert isinstance(answer, dict), (name, size, answer)
        assert answer.keys() == expected.keys(), name
        for key, value in expected.items():
            assert answer[key].shape == value.shape, (name, key)
            message = f"{name} {size} {key}"
            if value.dtype.kind == "f":
                np.testing.assert_allclose(answer[key], value, rtol=1e-5, atol=1e-5, err_msg=message)
            else:
                np.testing.assert_array_equal(answer[key], value, err_msg=message)


@pytest.fixture(scope="module")
def answered(ask, image_cases, image_export, digits):
    """What an export of images answers, by way: to the good requests, to the bad, and to those of batches."""
    good = [case[:2] for case in image_cases]
    bad = [request for case in bad_requests(digits[0]) for request in (case[:2], the_next(digits[0]))]

    @functools.cache
    def answers(way):
        found = ask[way](image_export, good + bad + batches(digits[0]))
        return found[: len(good)], found[len(good) : len(good) + len(bad)], found[len(good) + len(bad) :]

    return answers


@pytest.mark.parametrize("way", WAYS)
def test_every_signature_of_images_answers_as_the_model_does(way, answered, image_cases, image_export):
    assert {name for name, *_ in image_cases} == set(serving_clients.signature_defs(image_export))
    assert_answers(image_cases, answered(way)[0])


@pytest.mark.slow
@pytest.mark.parametrize("way", ["alone", "c_library", "grpc"])
def test_every_signature_of_a_table_answers_as_the_model_does(way, ask, table_cases, table_export):
    assert {name for name, *_ in table_cases} == set(serving_clients.signature_defs(table_export))
    assert_answers(table_cases, ask[way](table_export, [case[:2] for case in table_cases]))


def bad_requests(images):
    good = images[:2]
    numbers = np.zeros(2, "int64")
    bad_w = np.full((2, 16), np.nan, "float32")
    return [
        ("cluster", {"examples": good[:, :4]}, "is not compatible with expected shape"),
        ("cluster", {"examples": good.reshape(2, 4, 16, 1)}, "is not compatible with expected shape"),
        ("cluster", {"examples": good[..., 0]}, "is not compatible with expected shape"),
        ("cluster", {"examples": good.astype("uint8")}, "float"),
        ("cluster_uint8", {"examples": good}, "uint8"),
        ("cluster", {"examples": good[:0]}, "the batch is empty"),
        ("cluster_bytes", {"image_bytes": np.array([], object)}, "the batch is empty"),
        ("generate", {"component": numbers[:0], "seed": numbers[:0]}, "the batch is empty"),
        ("cluster", {"examples": good * np.nan}, "finite values within [0, 1]"),
        ("score", {"examples": good * 255}, "divide by 255"),
        ("generate", {"component": numbers + 5, "seed": numbers}, "`component` must be 0 to 4"),
        ("generate", {"component": numbers - 2, "seed": numbers}, "`component` must be 0 to 4"),
        ("generate", {"component": numbers, "seed": numbers[:1]}, "one row an example"),
        ("generate_styled", {"component": numbers, "seed": numbers, "w": bad_w}, "`w` holds values"),
        ("generate_styled", {"component": numbers, "seed": numbers, "w": bad_w[:, :3]}, "not compatible with"),
    ]


def the_next(images):
    """A good request, after a bad one."""
    return "cluster", {"examples": images[:3]}


@pytest.mark.parametrize("way", WAYS)
def test_bad_requests_are_refused_and_the_next_good_one_is_answered(way, answered, image_model, digits):
    images = digits[0]
    cases, answers = bad_requests(images), answered(way)[1]
    expected = image_model.predict(images[:3], verbose=0)
    for (name, inputs, said), refusal, answer in zip(cases, answers[::2], answers[1::2], strict=True):
        assert isinstance(refusal, Refusal), (name, {key: value.shape for key, value in inputs.items()})
        assert refusal.code == INVALID_ARGUMENT, refusal
        assert said in refusal.message, refusal.message
        np.testing.assert_allclose(answer["posterior"], expected, atol=1e-5)


def test_what_has_no_cluster_has_no_other_answer():
    answers = signatures.of(of_table(style_prior=priors.MixturePrior(2)))
    for name in ("cluster", "embed", "reconstruct", "levels"):
        for value in (1e20, 3e38):
            with pytest.raises(tf.errors.InvalidArgumentError, match="answer to an example is no number"):
                answers[name].function(tf.fill((2, 6), value))


def batches(images):
    """Requests for five examples, and for one of them."""
    seeds = np.arange(5)
    return [
        ("score", {"examples": images[:5]}),
        ("score", {"examples": images[3:4]}),
        ("generate", {"component": seeds - 1, "seed": seeds}),
        ("generate", {"component": seeds[2:3], "seed": seeds[3:4]}),
        ("cluster_bytes", {"image_bytes": some_broken(images)}),
    ]


def some_broken(images):
    """Pictures of five examples, of which the second is cut off, the fourth none."""
    sent = pngs(np.round(255 * images[:5]).astype("uint8"))
    sent[1], sent[3] = sent[1][:40], b"no picture"
    return sent


@pytest.mark.parametrize("way", WAYS)
def test_a_broken_picture_has_its_error_and_the_others_their_answers(way, answered, image_model, digits):
    answer = answered(way)[2][4]
    shades = np.round(255 * digits[0][:5]).astype("uint8").astype("float32") / 255
    expected = image_model.predict(shades, verbose=0)
    np.testing.assert_array_equal(answer["answered"], [True, False, True, False, True])
    for row, error in enumerate(answer["error"]):
        if row in (0, 2, 4):
            assert error == b""
            np.testing.assert_allclose(answer["posterior"][row], expected[row], atol=1e-5)
            assert answer["cluster"][row] == expected[row].argmax()
        else:
            assert (answer["cluster"][row], answer["probability"][row]) == (-1, 0)
            assert not answer["posterior"][row].any()
    assert answer["error"][1].startswith(b"The picture is cut off or damaged: send it whole")
    assert answer["error"][3].startswith(b"The picture has an unknown image file format: send PNG or JPEG")


def test_an_answer_does_not_depend_on_the_batch_it_is_in(answered):
    whole, part, drawn, one, _ = answered("grpc")[2]
    np.testing.assert_allclose(part["elbo"], whole["elbo"][3:4], rtol=1e-5)
    np.testing.assert_allclose(one["examples"], drawn["examples"][3:4], atol=1e-5)
    np.testing.assert_array_equal(one["component"], [2])


def test_scores_are_those_of_model_score_but_for_the_noise(digits):
    from tf_gmvae.serving import signatures

    model = tf_gmvae.GMVAE.from_preset("digits", num_components=5, num_samples=300, seed=0)
    examples = digits[0][:50]
    answer = signatures.of(model)["score"].function(examples)
    expected = model.score(examples)
    np.testing.assert_allclose(answer["w_prior"], expected.w_prior, rtol=1e-5)  # has no noise in it
    for name in ("elbo", *TERMS):
        # With so many samples either estimate is within a few per cent of what both estimate.
        np.testing.assert_allclose(answer[name], getattr(expected, name), rtol=0.15, err_msg=name)
    total = answer["reconstruction"] - answer["conditional_prior"] - answer["w_prior"] - answer["z_prior"]
    np.testing.assert_allclose(answer["elbo"], total, rtol=1e-5)


def test_drawn_components_are_uniform_and_styles_normal(image_model):
    from tf_gmvae.serving import draws

    by = (priors.UniformWeights(5), priors.StandardNormal(), 16, 32)
    draw = tf.function(lambda seeds: draws.from_seeds(seeds, *by))
    component, w, noise = draw(tf.range(2000, dtype=tf.int64))
    assert np.bincount(component, minlength=5) == pytest.approx(400, abs=90)
    for values in (w.numpy(), noise.numpy()):
        assert values.mean() == pytest.approx(0, abs=0.03)
        assert values.std() == pytest.approx(1, abs=0.03)
    assert np.abs(np.corrcoef(w.numpy().T) - np.eye(16)).max() < 0.1


def test_the_exported_copy_has_plain_convolutions_and_the_model_keeps_its_own():
    from tf_gmvae.serving import networks

    model = tf_gmvae.GMVAE.from_preset("mnist", num_components=3, seed=0)
    copy = networks.serving_copy(model)
    kinds = [[type(layer) for layer in network.layers] for network in (model.encoder, copy.encoder)]
    assert SpectralConv2D in kinds[0]
    assert SpectralConv2D not in kinds[1]
    images = np.random.default_rng(0).random((3, 28, 28, 1)).astype("float32")
    np.testing.assert_allclose(copy(images), model(images), atol=1e-5)
    assert not np.shares_memory(copy.encoder.weights[0].numpy(), model.encoder.weights[0].numpy())


@pytest.mark.parametrize("adapted", [False, True], ids=["float8", "LoRA"])
def test_what_a_copy_takes_no_weights_of_serves_as_it_is(adapted):
    from tf_gmvae.serving import networks

    model = tf_gmvae.GMVAE.from_preset("digits", num_components=3, seed=0)
    if adapted:
        model.x_head.streams.enable_lora(2)
        model.x_head.streams.lora_kernel_b.assign_add(tf.ones_like(model.x_head.streams.lora_kernel_b))
    else:
        model.encoder.quantize("float8")
    images = np.random.default_rng(0).random((3, 8, 8, 1)).astype("float32")
    copy = networks.serving_copy(model)
    np.testing.assert_allclose(copy(images), model(images), atol=1e-5)
    assert (copy is model, copy.encoder is model.encoder) == (adapted, True)
    assert adapted or not any(type(layer) is SpectralConv2DTranspose for layer in copy.decoder.layers)


def test_a_network_with_a_call_of_its_own_keeps_it():
    from tf_gmvae.serving import networks

    class Negative(keras.Sequential):
        def call(self, images, training=None, mask=None):
            return super().call(1.0 - images, training=training, mask=mask)

    encoder = Negative([keras.Input((8, 8, 1)), SpectralConv2D(2, 3, activation="relu"), keras.layers.Flatten()])
    decoder = keras.Sequential([keras.Input((2,)), keras.layers.Dense(64), keras.layers.Reshape((8, 8, 1))])
    model = tf_gmvae.GMVAE(encoder, decoder, latent_dim=2, style_dim=2, num_components=3, prior_units=(), seed=0)
    images = np.random.default_rng(0).random((4, 8, 8, 1)).astype("float32")
    found, expected = networks.serving_copy(model).encode(images), model.encode(images)
    np.testing.assert_allclose(found.x_mean, expected.x_mean, atol=1e-6)


def test_what_cannot_be_exported_is_named_before_any_work(image_model, tmp_path):
    with pytest.raises(tf_gmvae.InputError, match="export takes a GMVAE. Received: Sequential"):
        tf_gmvae.export(keras.Sequential([keras.layers.Dense(1)]), tmp_path / "one")
    with pytest.raises(tf_gmvae.InputError, match="`clusters` must be a dict that JSON can hold .*ndarray"):
        tf_gmvae.export(image_model, tmp_path / "two", clusters={"names": np.array(["a"])})
    assert not list(tmp_path.iterdir())


def test_networks_that_cannot_be_cloned_are_exported_as_they_are(tmp_path):
    class Encoder(keras.Model):
        def __init__(self):
            super().__init__()
            self.convolution, self.flat = SpectralConv2D(2, 3), keras.layers.Flatten()

        def build(self, shape):
            self.convolution.build(shape)
            self.built = True

        def call(self, images):
            return self.flat(self.convolution(images))

        def compute_output_shape(self, shape):
            return (shape[0], 6 * 6 * 2)

    decoder = keras.Sequential([keras.Input((2,)), keras.layers.Dense(64), keras.layers.Reshape((8, 8, 1))])
    model = tf_gmvae.GMVAE(Encoder(), decoder, latent_dim=2, style_dim=2, num_components=3, prior_units=())
    images = np.random.default_rng(0).random((4, 8, 8, 1)).astype("float32")
    with pytest.raises(tf_gmvae.InputError, match="nothing to export"):
        tf_gmvae.export(model, tmp_path)
    posterior = model(images).numpy()
    signature = tf.saved_model.load(str(tf_gmvae.export(model, tmp_path))).signatures["cluster"]
    np.testing.assert_allclose(signature(examples=tf.constant(images))["posterior"], posterior, atol=1e-5)


MEASURE = """
import sys
import tensorflow as tf

def peak():
    return next(int(line.split()[1]) // 1024 for line in open("/proc/self/status") if line.startswith("VmHWM"))

ask = tf.saved_model.load(sys.argv[1]).signatures["cluster_bytes"]
files = [open(name, "rb").read() for name in sys.argv[2:]]
ask(image_bytes=tf.constant(files[:1]))
before, refused = peak(), 0
for file in files[1:-1]:
    refused += not ask(image_bytes=tf.constant([file]))["answered"][0]
grown = peak() - before
print(refused, grown, len(ask(image_bytes=tf.constant(files[-1:]))["cluster"]))
"""


@pytest.mark.slow
def test_a_small_file_of_many_pixels_takes_no_memory_of_a_server(image_export, tmp_path):
    contents = [black(9, 9), black(8000, 8000), animation(40, (2000, 2000)), black(6000, 4000)]
    names = [tmp_path / str(number) for number in range(len(contents))]
    for name, content in zip(names, contents, strict=True):
        name.write_bytes(content)
    process = run_warm("-c", MEASURE, image_export, *names)
    assert process.returncode == 0, process.stderr[-3000:]
    refused, megabytes, answered = map(int, process.stdout.split())
    assert refused == 1  # of the animation, the first picture is answered
    assert megabytes < 150
    assert answered == 1  # a photograph of 24 megapixels


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.mark.skipif(not shutil.which("tensorflow_model_server"), reason="tensorflow_model_server is not on PATH")
def test_tensorflow_serving_answers_over_grpc_and_rest(image_model, image_export, image_cases, digits, tmp_path):
    import json
    import urllib.request

    port, rest_port = free_port(), free_port()
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen(
            [
                "tensorflow_model_server", f"--port={port}", f"--rest_api_port={rest_port}", "--model_name=digits",
                f"--model_base_path={image_export.parent}", "--enable_batching",
                f"--batching_parameters_file={ROOT / 'docs' / 'batching.config'}",
            ],
            stdout=log, stderr=log,
        )  # fmt: skip
        try:
            url = f"http://127.0.0.1:{rest_port}/v1/models/digits"
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline:
                try:
                    urllib.request.urlopen(url, timeout=5).close()
                    break
                except OSError:
                    time.sleep(0.2)
            requests = [case[:2] for case in image_cases]
            assert_answers(image_cases, serving_clients.grpc_client(port, "digits", requests))
            bad = bad_requests(digits[0])
            for refusal in serving_clients.grpc_client(port, "digits", [case[:2] for case in bad]):
                assert isinstance(refusal, Refusal), refusal
                assert refusal.code == INVALID_ARGUMENT, refusal
            body = {"signature_name": "cluster", "instances": digits[0][:3].tolist()}
            with urllib.request.urlopen(f"{url}:predict", json.dumps(body).encode(), timeout=60) as reply:
                predictions = json.load(reply)["predictions"]
            expected = image_model.predict(digits[0][:3], verbose=0)
            np.testing.assert_allclose([one["posterior"] for one in predictions], expected, atol=1e-5)
        finally:
            server.terminate()
            server.wait(30)
