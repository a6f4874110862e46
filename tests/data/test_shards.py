"""Data in shards: the same examples as in memory, in an order that any step can begin from; bad files named."""

import json
import shutil

import keras
import numpy as np
import pytest

import tf_gmvae
from tf_gmvae import InputError
from tf_gmvae.data import Dataset, Split, load, to_batches
from tf_gmvae.data.shards import batches
from tf_gmvae.data.shards.manifest import load_shards
from tf_gmvae.data.shards.permutation import permuted
from tf_gmvae.data.streams import source, writing

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(256, size=(230, 6, 5, 1)).astype("uint8")
LABELS = np.arange(230) % 4
IDS = np.array([f"picture {n}" for n in range(230)])


def model_of_images(cls=tf_gmvae.GMVAE, seed=0, **options):
    def dense(units):
        return keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(units, "relu")])

    decoder = keras.Sequential([keras.layers.Dense(30), keras.layers.Reshape((6, 5, 1))])
    networks = {"encoder": dense(16), "decoder": decoder}
    model = cls(num_components=3, latent_dim=2, style_dim=2, seed=seed, **networks, **options)
    model.compile()
    return model


def written(folder, dataset, piece=100):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source, "PIECE", piece)
        found = source.of_dataset(dataset)
    writing.write_shards(found, folder, {"dataset": dataset.name}, 1, lambda done: None)
    return load_shards(folder)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "shards"
    written(folder, Dataset("images", Split(IMAGES, LABELS, IDS), Split(IMAGES[:30], LABELS[:30], IDS[:30])))
    return folder


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 16, 17, 1000, 4096, 5001])
def test_every_permutation_has_every_number_once(size):
    for seed in ((0, 0), (0, 1), (2**31 - 1, 7)):
        assert sorted(permuted(np.arange(size), size, seed)) == list(range(size))


def test_permutations_of_any_size_in_parts_and_of_other_seeds():
    size = 10**15
    positions = np.arange(size - 1000, size)
    found = permuted(positions, size, (3, 1))
    assert len(set(found.tolist())) == 1000 and found.min() >= 0 and found.max() < size
    np.testing.assert_array_equal(permuted(positions[500:], size, (3, 1)), found[500:])
    for seed in ((3, 2), (4, 1)):
        assert not np.isin(found, permuted(positions, size, seed)).any()


def test_a_permutation_is_no_more_orderly_than_numpys():
    # Wherever an example stands, and whatever stands beside it, every other place is as likely, over the seeds.
    found = np.array([permuted(np.array([0, 1, 700]), 1000, (seed, 2)) for seed in range(10_000)])
    for column in (found[:, 0], found[:, 2], (found[:, 1] - found[:, 0]) % 1000):
        counts = np.bincount(column // 100, minlength=10)
        assert ((counts - 1000) ** 2 / 1000).sum() < 27.9, counts  # chi-squared, 9 degrees, one in a thousand
    moved = permuted(np.arange(100_000), 100_000, (0, 0))
    assert abs(np.corrcoef(moved, np.arange(100_000))[0, 1]) < 0.01
    assert abs(np.corrcoef(moved[1:], moved[:-1])[0, 1]) < 0.01


def test_shards_hold_what_was_written(folder):
    dataset = load(folder)
    assert [len(dataset.train.files), len(dataset.test.files)] == [3, 1]
    assert (dataset.train.num_examples, dataset.test.num_examples) == (230, 30)
    assert (dataset.train.data_shape, dataset.train.dtype, dataset.train.num_classes) == ((6, 5, 1), "uint8", 4)
    numbers = RNG.permutation(230)
    part = dataset.train.take(numbers)
    np.testing.assert_array_equal(part.examples, IMAGES[numbers])
    np.testing.assert_array_equal(part.labels, LABELS[numbers])
    np.testing.assert_array_equal(part.ids, IDS[numbers])


@pytest.mark.parametrize("options", [{}, {"drop_remainder": True}, {"num_epochs": 3}, {"batch_size": 230}])
def test_batches_have_every_example_once_an_epoch(folder, options):
    options = {"batch_size": 40, **options}
    seen = []
    for examples, numbers in to_batches(load(folder).train, shuffle_seed=1, with_numbers=True, **options):
        np.testing.assert_array_equal(examples, IMAGES[numbers])
        seen += numbers.numpy().tolist()
    epochs, kept = options.get("num_epochs", 1), 200 if "drop_remainder" in options else 230
    assert len(seen) == kept * epochs
    for epoch in range(epochs):
        own = seen[kept * epoch : kept * (epoch + 1)]
        assert len(set(own)) == kept and own != sorted(own)
    assert epochs == 1 or seen[:230] != seen[230:460]


def test_a_data_set_that_begins_again_has_another_order_and_noise(folder):
    """As for every epoch of Keras: it goes through the epochs that one without an end has."""
    train = load(folder).train

    def batches_of(num_epochs, **more):
        return to_batches(train, 40, shuffle_seed=2, num_epochs=num_epochs, binarize="sample", **more)

    endless = list(batches_of(None).take(4 * 6).as_numpy_iterator())
    one, two = batches_of(1), batches_of(2)
    for begun, data_set in enumerate((one, one, one, two)):
        first, number = (6 * begun, 6) if data_set is one else (0, 12)
        found = list(data_set.as_numpy_iterator())
        for batch, expected in zip(found, endless[first : first + number], strict=True):
            np.testing.assert_array_equal(batch, expected)
    again = list(two.as_numpy_iterator())
    assert len(again) == 12 and (again[0] != endless[0]).any()
    np.testing.assert_array_equal(again[0], endless[12])
    # What begins at a later step does so the first time, and the second.
    later = batches_of(1, skip_batches=2)
    for begin in (2, 8):
        np.testing.assert_array_equal(next(iter(later.as_numpy_iterator())), endless[begin])


def test_order_labels_and_binarizing_are_those_of_memory(folder):
    sharded, memory = load(folder).train, Split(IMAGES, LABELS)
    for options in ({}, {"with_labels": True}, {"binarize": "sample", "num_epochs": 2}, {"binarize": "threshold"}):
        for ours, theirs in zip(
            to_batches(sharded, 32, **options), to_batches(memory, 32, **options), strict=True
        ):
            for one, other in zip(keras.tree.flatten(ours), keras.tree.flatten(theirs), strict=True):
                np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("read", [10, 80, 1024])
@pytest.mark.parametrize("skipped", [1, *(pytest.param(n, marks=pytest.mark.slow) for n in (5, 6)), 13])
def test_any_step_can_be_begun_from_and_workers_share_it(folder, skipped, read, monkeypatch):
    monkeypatch.setattr(batches, "READ", read)
    train = load(folder).train
    options = {"shuffle_seed": 5, "num_epochs": None, "drop_remainder": True}
    whole = list(to_batches(train, 40, **options).take(skipped + 4).as_numpy_iterator())[skipped:]
    shares = [
        list(to_batches(train, 40, **options, skip_batches=skipped, share=(n, 3)).take(4).as_numpy_iterator())
        for n in range(3)
    ]
    for step in range(4):
        np.testing.assert_array_equal(np.concatenate([share[step] for share in shares]), whole[step])


def test_tables_keep_their_columns_and_what_is_missing(tmp_path):
    rows = RNG.normal(size=(120, 3)).astype("float32")
    rows[5, 1] = np.nan
    np.savetxt(tmp_path / "rows.csv", rows, delimiter=",", header="a,b,c", comments="")
    loaded = load(tmp_path / "rows.csv")
    dataset = written(tmp_path / "shards", loaded)
    assert dataset.columns == loaded.columns and dataset.train.missing
    np.testing.assert_array_equal(dataset.train.take(np.arange(120)).examples, loaded.train.examples)
    # Vectors become a table, whose columns are described.
    vectors = written(tmp_path / "vectors", Dataset("floats", Split(rows[10:])))
    assert vectors.train.dtype == "float32" and len(vectors.columns) == 3


@pytest.mark.parametrize("likelihood", ["bernoulli", "unit_gaussian", None])
def test_vectors_of_bytes_stay_what_they_are(likelihood, tmp_path):
    """What they stand for is the model's affair: shades, or of a table numbers."""
    rows = IMAGES.reshape(230, 30)
    sharded = written(tmp_path / "shards", Dataset("bytes", Split(rows))).train
    assert sharded.dtype == "uint8" and not sharded.missing
    if likelihood is None:
        model = tf_gmvae.GMVAE.for_table(rows.astype("float32"), num_components=3, seed=0)
    else:
        options = {"data_shape": (30,), "num_components": 3, "likelihood": likelihood, "seed": 0}
        model = tf_gmvae.GMVAE.from_preset("synthetic", **options)
    model.compile(run_eagerly=True)
    np.testing.assert_allclose(model.score(sharded).elbo, model.score(rows).elbo, rtol=1e-5)
    np.testing.assert_allclose(
        model.predict(sharded, verbose=0), model.predict(rows, batch_size=256, verbose=0), atol=1e-6
    )


def test_some_are_taken_as_from_an_array(folder):
    train, memory = load(folder).train, Split(IMAGES, LABELS, IDS)
    for numbers in (LABELS == 3, [-1, 0, -230], np.array([7, 7], "uint8"), np.arange(0)):
        if len(numbers):
            found, expected = train.take(numbers), memory.take(numbers)
            np.testing.assert_array_equal(found.examples, expected.examples)
            assert found.ids.tolist() == expected.ids.tolist()
    for wrong in ([230], [-231], [0.0], np.ones(7, bool), ["a"]):
        with pytest.raises(IndexError, match="integers from -230 to 229, or 230 bools"):
            train.take(wrong)


@pytest.mark.parametrize("name", ["examples", "labels", "ids"])
def test_what_is_not_in_memory_says_so(folder, name):
    with pytest.raises(InputError, match=rf"The {name} of {folder} are in shards.*take\(numbers\)"):
        getattr(load(folder).train, name)


def test_models_take_shards_for_arrays(folder):
    train = load(folder).train
    model = model_of_images()
    start = model.initialize(train, max_steps=2, max_examples=100, verbose=0)
    assert len(start.indices) == 100 and start.indices.max() > 100
    history = model.fit(train, batch_size=50, epochs=2, verbose=0)
    assert int(model.optimizer.iterations) == 10 and np.isfinite(history.history["elbo"]).all()
    np.testing.assert_allclose(model.predict(train, verbose=0), model.predict(IMAGES, verbose=0), atol=1e-5)
    np.testing.assert_allclose(model.embed(train).x, model.embed(IMAGES).x, atol=1e-4)


class Seen(tf_gmvae.GMVAE):
    """Keeps the numbers of the images that it would be trained on, and what stands beside them."""

    def train_step(self, data):
        examples, *beside = data if isinstance(data, tuple) else (data,)
        numbers = {image.tobytes(): number for number, image in enumerate(IMAGES)}
        self.rows += [numbers[image.tobytes()] for image in examples.numpy()]
        self.beside += [row for given in beside for row in given.numpy().tolist()]
        self.optimizer.iterations.assign_add(1)
        return {"loss": 0.0}


def seeing(**options):
    model = model_of_images(Seen, **options)
    model.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    model.rows, model.beside = [], []
    return model


def test_fits_on_shards_go_on_as_those_on_arrays(folder):
    train, straight, model = load(folder).train, seeing(), seeing()
    straight.fit(train, batch_size=50, epochs=2, verbose=0)
    for steps in (3, 4):
        model.fit(train, LABELS, batch_size=50, steps_per_epoch=steps, verbose=0)
    model.fit(train, batch_size=50, epochs=4, initial_epoch=3, steps_per_epoch=3, verbose=0)
    assert model.rows == straight.rows and sorted(model.rows[:230]) == list(range(230))
    assert model.rows[:230] != model.rows[230:]


def test_shards_keep_their_order_or_draw_one_as_arrays_do(folder):
    train, in_order, drawn, anew = load(folder).train, seeing(), seeing(seed=None), seeing(seed=None)
    for steps in (1, 2):
        in_order.fit(train, batch_size=50, steps_per_epoch=steps, shuffle=False, verbose=0)
    assert in_order.rows == [*range(50), *range(100)]
    seeded = seeing()
    for model in (drawn, anew, seeded):
        model.fit(train, batch_size=50, steps_per_epoch=1, verbose=0)
    assert len({tuple(model.rows) for model in (drawn, anew, seeded)}) == 3


def test_assignments_stand_beside_shards(folder):
    given = np.eye(3, dtype="float32")[np.arange(230) % 3] * (0.5 + np.arange(230) / 460)[:, None]
    model = seeing(hold=5.0)
    model.fit(load(folder).train, given, batch_size=50, steps_per_epoch=2, verbose=0)
    np.testing.assert_array_equal(model.beside, given[model.rows])
    with pytest.raises(InputError, match="takes .examples, assignments.*Received: examples alone"):
        model.fit(load(folder).train, verbose=0)
    with pytest.raises(InputError, match="230 examples and assignments of shape .229, 3"):
        model.fit(load(folder).train, given[1:], verbose=0)


def test_shards_are_evaluated_by_batches_of_the_size_that_is_asked_for(folder):
    model, train = seeing(), load(folder).train
    for size in (None, 100):
        expected = model.evaluate(IMAGES, batch_size=size, verbose=0)
        assert model.evaluate(train, LABELS, batch_size=size, verbose=0) == pytest.approx(expected, rel=1e-5)
    sizes = {"batch_size": 50, "validation_batch_size": 100}
    history = model.fit(IMAGES[:50], validation_data=(train, LABELS), verbose=0, **sizes).history
    assert history["val_loss"][0] == pytest.approx(expected[0], rel=1e-5)


def damaged(folder, tmp_path, **changes):
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    manifest = json.loads((copy / "shards.json").read_text())
    first = manifest["splits"]["train"]["files"][0]
    for key, value in changes.items():
        (first if key in first else manifest)[key] = value
    (copy / "shards.json").write_text(json.dumps(manifest))
    return copy


@pytest.mark.parametrize(
    "changes, sentence",
    [
        ({"name": "../../etc/passwd"}, "names a file outside of its folder"),
        ({"name": "/etc/passwd"}, "names a file outside of its folder"),
        ({"name": "gone.array_record"}, "gone.array_record is missing"),
        ({"num_bytes": 10**6}, "bytes in place of 1,000,000"),
        ({"num_examples": 10**15}, r"shards.json is damaged.*too short"),
        ({"num_examples": -1}, "shards.json is damaged"),
        ({"data_shape": [10**9, 10**9]}, r"shards.json is damaged.*too short"),
        ({"data_shape": "x"}, "shards.json is damaged"),
        ({"dtype": "object"}, "shards.json is damaged"),
        ({"format": 2}, "of format 2, not 1: update"),
        ({"splits": {}}, "shards.json is damaged"),
        ({"splits": 5}, "shards.json is damaged"),
        ({"class_names": ["a"]}, "4 labels, 1 names"),
    ],
)
def test_manifests_that_lie(folder, tmp_path, changes, sentence):
    copy = damaged(folder, tmp_path, **changes)
    with pytest.raises(InputError, match=sentence):
        load(copy).train.take(np.arange(5))


def test_damaged_files(folder, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    file = copy / "train-00000-of-00003.array_record"
    content = bytearray(file.read_bytes())
    content[70_000:90_000] = bytes(20_000)
    content[200:3000] = bytes(2800)
    file.write_bytes(content)
    with pytest.raises(InputError, match=rf"{file} is damaged"):
        load(copy).train.take(np.arange(100))
    # In a training, too, it is one sentence.
    model = model_of_images()
    with pytest.raises(InputError, match=rf"{file} is damaged.*make the shards again"):
        model.fit(load(copy).train, batch_size=50, verbose=0)
    file.write_bytes(content[:5000])
    with pytest.raises(InputError, match="5,000 bytes in place of"):
        load(copy)
    (copy / "shards.json").write_text("{")
    with pytest.raises(InputError, match=r"shards\.json is damaged"):
        load(copy)
