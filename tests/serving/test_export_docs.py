"""`docs/serving.md` says what is so: its examples run, and the recorded requests are answered."""

import ast
import functools
import re

import numpy as np
import pytest
import tensorflow as tf
from conftest import ROOT, run_warm
from support import serving_clients

import tf_gmvae
from tf_gmvae.serving import images, warmup


@pytest.fixture(scope="module")
def model():
    """Of the shapes that the documentation tells of."""
    return tf_gmvae.GMVAE.from_preset("digits", num_components=10, seed=0)


@pytest.fixture(scope="module")
def version(model, tmp_path_factory):
    return tf_gmvae.export(model, tmp_path_factory.mktemp("serving") / "saved_models" / "digits")


def document():
    return (ROOT / "docs" / "serving.md").read_text()


def python_blocks():
    return [block.split("```")[0] for block in document().split("```python\n")[1:]]


@pytest.mark.slow
def test_the_clients_python_runs_against_a_grpc_server(version):
    server, port = serving_clients.grpc_server(version)
    try:
        code = python_blocks()[1].replace("localhost:8500", f"127.0.0.1:{port}")
        assert str(port) in code
        process = run_warm("-c", code)
    finally:
        server.stop(None)
    assert process.returncode == 0, process.stderr[-3000:]
    floats, shades, files, elbo = process.stdout.strip().split("\n")
    assert floats == shades == files
    assert len(floats.strip("[]").split()) == len(elbo.strip("[]").split()) == 5


def test_the_python_without_a_server_runs(version):
    process = run_warm("-c", python_blocks()[0], cwd=version.parent.parent.parent)
    assert process.returncode == 0, process.stderr[-3000:]


def documented_signatures():
    """Of the table: {signature: {tensor: (dtype, shape)}} where the table says types, else the tensors' names."""
    found, same = {}, None
    for line in document().split("## Speed")[0].splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("| `"):
            continue
        same = cells[2] if cells[2] != "the same" else same
        for name in re.findall("`(.*?)`", cells[0]):
            found[name] = tuple(re.findall(r"`(\w+)`(?: (\w+) (\(.*?\)))?", cell) for cell in (cells[1], same))
    return found


def test_the_table_of_signatures_is_that_of_the_file(version):
    defs = serving_clients.signature_defs(version)
    documented = documented_signatures()
    assert documented.keys() == defs.keys()
    for name, sides in documented.items():
        for tensors, infos in zip(sides, (defs[name].inputs, defs[name].outputs), strict=True):
            assert {key for key, *_ in tensors} == set(infos), name
            for key, dtype, shape in tensors:
                info = infos[key]
                if dtype:
                    assert tf.as_dtype(info.dtype).name == dtype, (name, key)
                    sizes = [dim.size for dim in info.tensor_shape.dim]
                    assert sizes == list(ast.literal_eval(shape.replace("B", "-1"))), (name, key)


def test_the_answer_over_rest_has_all_outputs(version):
    (answer,) = re.findall(r'`\{"predictions": \[\{(.*?)\}\]\}`', document())
    assert set(re.findall(r'"(\w+)":', answer)) == set(
        serving_clients.signature_defs(version)["cluster_bytes"].outputs
    )


def test_saved_model_cli_shows_what_the_document_shows(version):
    command = "-m", "tensorflow.python.tools.saved_model_cli", "show", "--dir", version.parent / "latest"
    process = run_warm(*command, "--all")
    assert process.returncode == 0, process.stderr[-3000:]
    shown = "\n".join(line.rstrip() for line in process.stdout.splitlines())
    assert document().split("as of this one:\n\n```\n")[1].split("\n```")[0] in shown
    for name in serving_clients.signature_defs(version):
        assert f"signature_def['{name}']" in shown


def test_the_recorded_requests_cover_every_signature_and_are_answered(version):
    from tensorflow_serving.apis import prediction_log_pb2

    signatures = tf.saved_model.load(str(version)).signatures
    records = list(tf.data.TFRecordDataset(str(version / warmup.PATH)).as_numpy_iterator())
    logs = [prediction_log_pb2.PredictionLog.FromString(record) for record in records]
    assert {log.WhichOneof("log_type") for log in logs} == {"predict_log"}
    requests = [log.predict_log.request for log in logs]
    assert sorted(request.model_spec.signature_name for request in requests) == sorted(signatures)
    for request in requests:
        assert request.model_spec.name == "digits"
        for key, value in serving_clients.answer_message(signatures, request).outputs.items():
            assert len(tf.make_ndarray(value)) == 1, key


def test_the_server_settings_are_what_the_server_reads():
    from google.protobuf import text_format
    from tensorflow_serving.config import model_server_config_pb2

    text = (ROOT / "docs" / "models.config").read_text()
    config = text_format.Parse(text, model_server_config_pb2.ModelServerConfig())
    (one,) = config.model_config_list.config
    assert (one.name, one.base_path, one.model_platform) == ("digits", "/models/digits", "tensorflow")
    # The message of this one is not among those that are published; these are its fields.
    batching = re.findall(r"(\w+) \{ value: \d+ \}\n", (ROOT / "docs" / "batching.config").read_text())
    assert batching == ["max_batch_size", "batch_timeout_micros", "max_enqueued_batches", "num_batch_threads"]


@functools.cache
def decoder(channels):
    return tf.function(lambda data: images.decode(data, (16, 16, channels)))


@pytest.mark.parametrize(
    ("kind", "channels", "mode"),
    [
        *(("png", *how) for how in [(1, "L"), (1, "RGB"), (3, "RGB"), (3, "RGBA"), (3, "L"), (1, "P")]),
        *(
            ("jpg", *how) for how in [(1, "L"), (1, "RGB"), (3, "RGB"), (3, "L")]
        ),  # a JPEG has neither of the others
    ],
)
def test_encoded_pictures_become_what_a_folder_of_them_becomes(tmp_path, kind, channels, mode):
    from PIL import Image

    rng = np.random.default_rng(0)
    for index, (height, width) in enumerate([(16, 16), (40, 33), (9, 20), (16, 64)]):
        coarse = Image.fromarray(rng.integers(0, 256, (5, 5, 3), "uint8"))
        coarse.resize((width, height)).convert(mode).save(tmp_path / f"{index}.{kind}")
    files = sorted(tmp_path.iterdir())
    expected = tf_gmvae.data.load(str(tmp_path), image_size=16, channels=channels).train.examples.astype(int)
    encoded = tf.constant([file.read_bytes() for file in files])
    decoded = decoder(channels)(encoded).pixels.numpy()
    assert decoded.shape == expected.shape
    # Decoders of JPEG round differently, Pillow rounds between its two passes of resizing.
    differences = np.abs(decoded - expected)
    assert differences.max() <= (1 if kind == "png" else 6)
    if kind == "png":
        assert differences[0].max() == 0  # of the size it has to have
