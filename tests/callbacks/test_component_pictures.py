"""What TensorBoard gets to show, read back by TensorBoard itself."""

import io
import json
import re
import time
import urllib.request
from urllib.parse import quote

import numpy as np
import pytest
from conftest import start_warm
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import tf_gmvae
from tf_gmvae import drawing
from tf_gmvae.callbacks.collapse_watch import CollapseWatch
from tf_gmvae.callbacks.component_pictures import ComponentPictures
from tf_gmvae.data import Split, to_batches
from tf_gmvae.optimizer import FusedAdam


@pytest.fixture(scope="module")
def trained(digits, tmp_path_factory):
    """A model of 4 components after three epochs on 50 digits, and what the callbacks wrote."""
    folder = tmp_path_factory.mktemp("logs")
    model = tf_gmvae.GMVAE.from_preset("digits", num_components=4, seed=0)
    model.compile(FusedAdam(1e-3))
    split = Split(*(values[:50] for values in digits))
    names = tuple("digit" + " \t\n"[k % 3] + str(k) for k in range(10))  # as a stranger's file may have them
    model.fit(
        to_batches(split, 25),
        epochs=3,
        verbose=0,
        callbacks=[
            CollapseWatch(split.examples, folder / "watch"),
            ComponentPictures(split, folder / "components", every=2, class_names=names, seed=5),
        ],
    )
    return model, split, folder


def events(folder):
    found = EventAccumulator(str(folder), size_guidance={"tensors": 0})
    found.Reload()
    return found


def test_components_are_drawn_every_few_epochs(trained):
    model, _, folder = trained
    drawn = events(folder / "components").Tensors("components")
    assert [event.step for event in drawn] == [0, 1]
    width, height, encoded = drawn[-1].tensor_proto.string_val[:3]
    assert (int(width), int(height)) == (8 * 10 - 2, 4 * 10 - 2)
    picture = np.asarray(Image.open(io.BytesIO(encoded)))
    assert picture.shape == (38, 78)
    # The epoch after the last drawing has changed the model a little: the same components in the same places.
    samples = drawing.samples(model, 8, seed=5)
    assert samples.shape == (4, 8, 8, 8, 1)
    third = np.round(255 * samples[2, 1, :, :, 0])
    assert np.abs(picture[20:28, 10:18] - third).mean() < 20


def test_usage_is_a_histogram_of_components(trained):
    _, _, folder = trained
    usage = events(folder / "watch").Tensors("usage")
    assert [event.step for event in usage] == [0, 1, 2]


@pytest.mark.slow
def test_tensorboards_projector_shows_examples_with_component_and_label(trained, tmp_path):
    model, split, folder = trained
    said = tmp_path / "said"
    said.touch()
    # TensorFlow's own reader of events, with which it shows what lies elsewhere than on this machine, too.
    call = ["-m", "tensorboard.main", f"--logdir={folder}", "--port=0", "--load_fast=false", "--reload_interval=1"]
    server = start_warm(*call, out=said)
    try:
        while not (found := re.findall(r"http://localhost:\d+/", said.read_text())):
            assert server.poll() is None, said.read_text()
            time.sleep(0.05)
        address = found[0]

        def get(path):
            with urllib.request.urlopen(f"{address}data/plugin/projector/{path}", timeout=60) as answer:
                return answer.read()

        deadline = time.monotonic() + 120
        while json.loads(get("runs")) != ["components"]:  # it looks for runs in the background
            assert time.monotonic() < deadline
            time.sleep(0.5)
        info = json.loads(get("info?run=components"))["embeddings"]
        assert [embedding["tensorName"] for embedding in info] == ["mean of x", "mean of w"]
        for embedding, means in zip(info, model.embed(split.examples), strict=True):
            name = quote(embedding["tensorName"])
            values = np.frombuffer(get(f"tensor?run=components&name={name}&num_rows=50"), "float32")
            np.testing.assert_allclose(values.reshape(means.shape), means, rtol=1e-3, atol=1e-4)
            rows = get(f"metadata?run=components&name={name}&num_rows=51").decode().splitlines()
            assert rows[0] == "component\tlabel" and len(rows) == 51
            clusters = model.predict(split.examples, verbose=0).argmax(axis=1)
            assert rows[1:] == [f"{k}\tdigit {label}" for k, label in zip(clusters, split.labels, strict=True)]
            assert embedding["sprite"]["singleImageDim"] == [8, 8]
            sprites = Image.open(io.BytesIO(get(f"sprite_image?run=components&name={name}")))
            assert sprites.size == (64, 56)
            np.testing.assert_array_equal(
                np.asarray(sprites)[8:16, 8:16], np.round(255 * split.examples[9, :, :, 0])
            )  # the tenth, in a sheet of eight a row
    finally:
        server.kill()
        server.wait()


@pytest.mark.slow
def test_tables_without_labels_have_a_projector_and_no_pictures(make_table_model, table, tmp_path):
    model = make_table_model()
    callback = ComponentPictures(Split(table), tmp_path, every=1)
    model.fit(table, batch_size=100, epochs=1, verbose=0, callbacks=[callback])
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "metadata.tsv", "projector_config.pbtxt", "w.tsv", "x.tsv",
    ]  # fmt: skip
    clusters = model.predict(table, verbose=0).argmax(axis=1)
    assert (tmp_path / "metadata.tsv").read_text().split() == [str(k) for k in clusters]
    assert "sprite" not in (tmp_path / "projector_config.pbtxt").read_text()


def test_large_images_become_small_sprites(tmp_path):
    images = np.random.default_rng(0).integers(0, 255, (3, 160, 200, 3)).astype("uint8")
    callback = ComponentPictures(Split(images), tmp_path)
    assert callback._write_sprites() == (50, 40)
    assert Image.open(tmp_path / "sprites.png").size == (100, 80)
