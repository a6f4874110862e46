"""Sources of shards: piece by piece what `data.load` reads at once, whatever the form of the data."""

import io
import json
import logging
import multiprocessing
import os
import re

import numpy as np
import pyarrow
import pyarrow.feather
import pyarrow.parquet
import pytest
import tensorflow as tf
from data.test_data_tfds import IMAGE, LABEL, prepare
from PIL import Image

from tf_gmvae import InputError, disk
from tf_gmvae.data import load
from tf_gmvae.data.shards.manifest import load_shards
from tf_gmvae.data.streams import opening, parquet, processes, records, source, writing
from tf_gmvae.data.streams.opening import open_source

OPTIONS = dict.fromkeys(("channels", "columns", "label_column", "id_column", "kinds"))
OPTIONS |= {"image_size": "auto", "skip_broken": False, "series": False}
RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    """Several pieces of several blocks, of data that are small."""

    monkeypatch.setattr(source, "PIECE", 9)
    for module in (source, opening, records):
        monkeypatch.setattr(module, "BLOCK", 4)
    monkeypatch.setattr(parquet, "PIECE", 40)


def test_what_was_stopped_goes_on_with_the_files_that_are_missing(tmp_path):
    np.save(tmp_path / "x.npy", RNG.normal(size=(30, 6, 6)))
    found, folder = open_source(str(tmp_path / "x.npy"), **OPTIONS), tmp_path / "shards"

    def stop(done):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        writing.write_shards(found, folder, {"of": "x"}, 1, stop)
    first = {path.name: path.stat().st_mtime_ns for path in folder.glob("train-*")}
    assert len(first) == 2
    with pytest.raises(InputError, match="unfinished shards of other data"):
        writing.write_shards(found, folder, {"of": "y"}, 1, lambda done: None)
    (folder / "train-00002-of-00004.array_record").write_bytes(b"cut short")
    of_before = "train-00003-of-00004.partial"  # in earlier versions
    for name in (of_before, f"{of_before}-1a2b3c4d", f"{disk.PARTIAL}elsewhere-1-0a"):
        (folder / f"{name}.array_record").write_bytes(b"cut short")
    done, written = [], [f"train-{number:05}-of-00004.array_record" for number in range(4)]
    writing.write_shards(found, folder, {"of": "x"}, 1, done.append)
    assert done == [2, 3, 4]
    assert {name: (folder / name).stat().st_mtime_ns for name in first} == first
    assert_same(load_shards(folder).train, load(tmp_path / "x.npy").train)
    assert sorted(path.name for path in folder.iterdir()) == ["shards.json", *written]
    (folder / ".finished").mkdir()  # so a kill at the very end leaves it
    with pytest.raises(InputError, match="holds shards already"):
        writing.write_shards(found, folder, {"of": "x"}, 1, done.append)
    assert sorted(path.name for path in folder.iterdir()) == ["shards.json", *written]


def test_where_there_was_no_room_for_a_plan_there_is_place_for_shards(tmp_path):
    np.save(tmp_path / "x.npy", RNG.normal(size=(3, 6, 6)))
    found = open_source(str(tmp_path / "x.npy"), **OPTIONS)
    notes = tmp_path / "shards" / ".finished"
    notes.mkdir(parents=True)
    (notes / f"{disk.PARTIAL}elsewhere-1-0a.json").write_text("{")
    (notes / "note.txt").write_text("mine")
    with pytest.raises(InputError, match="is there, and no empty folder"):
        writing.write_shards(found, tmp_path / "shards", {"of": "x"}, 1, lambda done: None)
    (notes / "note.txt").unlink()
    writing.write_shards(found, tmp_path / "shards", {"of": "x"}, 1, lambda done: None)
    assert_same(load_shards(tmp_path / "shards").train, load(tmp_path / "x.npy").train)


def pictures_in(folder, count=20, value=9):
    folder.mkdir(exist_ok=True)
    for number in range(count):
        Image.fromarray(np.full((8, 8), value + number, "uint8")).save(folder / f"{number:02}.png")
    return folder


def rows_in(path, count=90, first=0.0, write=pyarrow.parquet.write_table, **more):
    write(pyarrow.table({"a": np.arange(count) + first, "b": np.arange(count) % 7.0, **more}), path)
    return path


def table_in_memory(path, **more):
    return rows_in(path, write=pyarrow.feather.write_feather, **more)


def array_in(path, shift=0.0):
    np.save(path, np.arange(180.0).reshape(30, 6) + shift)
    return path


@pytest.mark.parametrize(
    "make, change",
    [
        (pictures_in, lambda folder: pictures_in(folder, 21)),  # all after the first would move by one
        (pictures_in, lambda folder: (folder / "19.png").write_bytes((folder / "18.png").read_bytes() + b" ")),
        (pictures_in, lambda folder: (folder / "00.png").rename(folder / "000.png")),
        (rows_in, lambda path: rows_in(path, first=1.0)),
        (table_in_memory, lambda path: table_in_memory(path, first=1.0)),
        (array_in, lambda path: array_in(path, 1.0)),
    ],
)
def test_data_that_have_changed_are_not_mixed(make, change, tmp_path):
    """Nor those of a piece that is to be written yet, which would go with the ones that are."""
    path = make(
        tmp_path / ("x" + {array_in: ".npy", rows_in: ".parquet", table_in_memory: ".arrow"}.get(make, ""))
    )

    def begin(reached):
        return writing.write_shards(open_source(str(path), **OPTIONS), tmp_path / "shards", {}, 1, reached)

    def stop(done):
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        begin(stop)
    done = []
    change(path)
    with pytest.raises(InputError, match="unfinished shards of other data or options"):
        begin(done.append)
    assert done == []
    # What an earlier version began goes on: it did not say of which data.
    (tmp_path / "shards" / ".finished" / "plan.json").write_text("{}")
    begin(done.append)
    assert done[0] == 1 and load_shards(tmp_path / "shards").train.num_examples


@pytest.mark.slow
@pytest.mark.parametrize(
    "task, calls, error, sentence",
    [
        (int, [("1",), ("x",)], RuntimeError, "In another process:(.|\n)*invalid literal for int"),
        (load, [("digits",), ("nowhere.csv",)], InputError, "nowhere.csv does not exist"),
        (os._exit, [(3,), (3,)], InputError, r"ended by another \(exit status 3\).*fewer --processes"),
    ],
)
def test_what_goes_wrong_in_another_process_is_told(task, calls, error, sentence):
    assert sorted(processes.done(int, [("1",)] * 5, 2)) == [0, 1, 2, 3, 4]
    with pytest.raises(error, match=sentence):
        list(processes.done(task, calls, 2))
    assert not multiprocessing.active_children()


def shards_of(folder, name, data_dir=None, **options):
    found = open_source(str(name), data_dir, **{**OPTIONS, **options})
    writing.write_shards(found, folder / "shards", {}, 1, lambda done: None)
    return load_shards(folder / "shards"), found


def assert_same(sharded, whole):
    """That two splits hold the same, in the same order."""
    found = sharded.take(np.arange(sharded.num_examples))
    np.testing.assert_array_equal(found.examples, whole.examples)
    for one, other in ((found.labels, whole.labels), (found.ids, whole.ids)):
        assert (one is None) == (other is None)
        assert one is None or one.tolist() == other.tolist()


def test_a_folder_of_pictures(tmp_path):
    for number in range(40):
        path = tmp_path / "photos" / ("test" if number < 10 else "train") / "ab"[number % 2] / f"{number:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(RNG.integers(0, 255, (9 + number % 3, 12, 3), "uint8")).save(path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(InputError, match=r"39\.png cannot be read"):
        shards_of(tmp_path, tmp_path / "photos")
    whole = load(tmp_path / "photos", image_size="auto", skip_broken=True)
    sharded, source = shards_of(tmp_path / "again", tmp_path / "photos", skip_broken=True)
    assert len(source.pieces) == 6 and sharded.class_names == ("a", "b")
    assert_same(sharded.train, whole.train)
    assert_same(sharded.test, whole.test)
    assert sharded.skipped == whole.skipped == ("train/b/39.png",)
    assert sharded.image_size == whole.image_size == load(sharded.name, image_size=sharded.image_size).image_size
    with pytest.raises(InputError, match="image_size applies to"):
        load(sharded.name, image_size=sharded.image_size + 2)


def test_parquet_files_whose_rows_are_sorted_by_class(tmp_path):
    (tmp_path / "rows").mkdir()
    for part in range(3):
        columns = {
            "id": [f"row {40 * part + n}" for n in range(40)],
            "size": RNG.normal(size=40) + 5 * part,
            "colour": [None, "red", "green"][part : part + 1] * 20 + ["blue"] * 20,
            "kind": [["oak", "elm", "ash"][part]] * 40,
        }
        path = tmp_path / "rows" / f"{part}.parquet"
        pyarrow.parquet.write_table(pyarrow.table(columns), path, row_group_size=15)
    options = {"label_column": "kind", "id_column": "id"}
    whole = load(tmp_path / "rows", **options)
    sharded, source = shards_of(tmp_path, tmp_path / "rows", **options)
    assert len(source.pieces) == 3 and sharded.class_names == whole.class_names == ("ash", "elm", "oak")
    assert sharded.columns == whole.columns
    assert_same(sharded.train, whole.train)
    with pytest.raises(InputError, match="no column 'x' for label_column"):
        shards_of(tmp_path / "other", tmp_path / "rows", label_column="x")


def test_parquet_files_that_lack_columns_of_others(tmp_path):
    """As in memory: there are no values."""
    held = {
        "id": np.arange(20), "size": RNG.normal(size=20), "visits": np.arange(20) * 11 % 500,
        "open": [True, False] * 10, "colour": ["red", "green", "blue", "red"] * 5, "grade": [1, 2, 5, 2] * 5,
        "place": list(RNG.normal(size=(20, 2))),
        "since": np.arange("2021-01-01", "2021-01-21", dtype="datetime64[D]"),
    }  # fmt: skip
    (tmp_path / "rows").mkdir()
    for number, lacking in enumerate(([], ["size", "open", "colour"], ["id", "visits", "grade", "since"])):
        kept = {name: values for name, values in held.items() if name not in lacking}
        pyarrow.parquet.write_table(pyarrow.table(kept), tmp_path / "rows" / f"{number}.parquet")
    whole = load(tmp_path / "rows", id_column="id", kinds={"grade": "category"})
    sharded, _ = shards_of(tmp_path, tmp_path / "rows", id_column="id", kinds={"grade": "category"})
    assert sharded.columns == whole.columns and len(whole.columns) == 8
    assert_same(sharded.train, whole.train)
    for lacking, sentence in (
        ("place", r"rows, column 'place': has no list in 20 of 60 rows"),
        ("grade", r"2\.parquet has no column"),
    ):
        kept = {name: values for name, values in held.items() if name != lacking}
        pyarrow.parquet.write_table(pyarrow.table(kept), tmp_path / "rows" / "2.parquet")
        with pytest.raises(InputError, match=sentence):
            shards_of(tmp_path / lacking, tmp_path / "rows", label_column="grade")


def test_parquet_files_of_which_some_have_categories_of_pandas(tmp_path):
    (tmp_path / "rows").mkdir()
    wood = pyarrow.array(["oak", "elm", "ash", None, "oak"] * 6)
    held = (wood, wood.dictionary_encode(), wood.cast("large_string"), wood.take([0, 1] * 15).dictionary_encode())
    for number, column in enumerate(held):
        rows_in(tmp_path / "rows" / f"{number}.parquet", 30, number, wood=column, kind=column.fill_null("fir"))
    whole = load(tmp_path / "rows", label_column="kind")
    sharded, _ = shards_of(tmp_path, tmp_path / "rows", label_column="kind")
    assert sharded.columns == whole.columns and whole.columns.columns[2].levels == ("ash", "elm", "oak")
    assert sharded.class_names == whole.class_names == ("ash", "elm", "fir", "oak")
    assert_same(sharded.train, whole.train)


def test_a_label_that_is_empty_is_told_by_its_row(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "_ROWS", 10)
    kinds = ["oak", "elm"] * 20
    kinds[37] = None
    pyarrow.parquet.write_table(
        pyarrow.table({"size": RNG.normal(size=40), "kind": kinds}), tmp_path / "a.parquet"
    )
    for read in (load, lambda path, **options: shards_of(tmp_path, path, **options)):
        with pytest.raises(InputError, match="the label column 'kind' is empty in row 37: fill it"):
            read(tmp_path / "a.parquet", label_column="kind")


def test_columns_are_described_by_a_sample_of_all_rows(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(parquet, "DESCRIBED", 2000)
    same = {"rest": np.full(20_000, "x"), "Class": np.arange(20_000) % 5}
    same["wood"] = np.array(["oak", *map(str, range(18)), "elm"] + ["oak", "elm"] * 9_990)
    rows = pyarrow.table({"a": np.sort(RNG.normal(3.0, 2.0, 20_000)), "b": np.arange(20_000) % 7 % 3, **same})
    pyarrow.parquet.write_table(rows, tmp_path / "rows.parquet", row_group_size=1000)
    with caplog.at_level(logging.INFO):
        sharded, _ = shards_of(tmp_path, tmp_path / "rows.parquet")
    columns = sharded.columns.columns
    assert columns[0].center[0] == pytest.approx(3.0, abs=0.2) and columns[0].scale == pytest.approx(2.0, abs=0.2)
    lost, kinds, like_labels = caplog.messages
    by = r"rows\.parquet, by (1,9|2,0)\d\d of its 20,000 rows: "
    assert re.search(by + r"column 'rest' is the same in every row\.$", lost)
    assert (
        re.search(by + r"4 columns: 3 numbers, 1 category\.$", kinds)
        and "Column 'Class' is taken as data" in like_labels
    )
    missing = int(np.isnan(sharded.train.take(np.arange(20)).examples[:, 3]).sum())
    assert 10 < missing < 19
    manifest = json.loads((tmp_path / "shards" / "shards.json").read_text(encoding="utf-8"))
    assert manifest["unseen"] == {"wood": missing}


def test_a_set_of_tfds(tmp_path):
    prepare(tmp_path, "tiny", image=IMAGE, label=LABEL)
    whole = load("tfds:tiny", tmp_path)
    sharded, _ = shards_of(tmp_path, "tfds:tiny", tmp_path)
    assert sharded.class_names == ("cat", "dog", "elk") and len(sharded.train.files) == 3
    assert_same(sharded.train, whole.train)
    assert_same(sharded.test, whole.test)


@pytest.mark.parametrize("shape, series", [((30, 5), False), ((30, 12, 2), True), ((30, 6, 6), False)])
def test_arrays_on_the_disk(tmp_path, shape, series):
    np.save(tmp_path / "x.npy", RNG.normal(size=shape))
    sharded, source = shards_of(tmp_path, tmp_path / "x.npy", series=series)
    assert source.is_parallel and len(sharded.train.files) == 4
    assert_same(sharded.train, load(tmp_path / "x.npy", series=series).train)
    assert (sharded.columns is None) == (len(shape) == 3)


def encoded(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize("content", ["objects", "noise", "cut short", "nothing", "one number", "a line"])
def test_a_npy_file_of_something_else_gets_a_sentence(content, tmp_path):
    path = tmp_path / "x.npy"
    np.save(path, {"objects": np.array([{}] * 9), "one number": np.array(3.0)}.get(content, np.arange(90.0)))
    if content in ("noise", "cut short", "nothing"):
        path.write_bytes({"noise": b"some noise" * 20, "nothing": b""}.get(content, path.read_bytes()[:200]))
    with pytest.raises(InputError, match=r"x\.npy (is|has|could)"):
        shards_of(tmp_path, path)


def write_records(path, images, name="image", **more):
    with tf.io.TFRecordWriter(str(path)) as writer:
        for number, image in enumerate(images):
            example = tf.train.Example()
            example.features.feature[name].bytes_list.value.append(image)
            for key, values in more.items():
                if values[number] is None:
                    continue
                example.features.feature[key].int64_list.value.append(int(values[number]))
            writer.write(example.SerializeToString())


@pytest.mark.parametrize("name", ["image", "image/encoded"])
def test_tfrecord_files(tmp_path, name):
    images = RNG.integers(0, 255, (30, 8, 8), "uint8")
    folder = tmp_path / "records"
    folder.mkdir()
    for part in range(2):
        files = [encoded(image) for image in images[10 * part : 10 * part + 10]]
        write_records(folder / f"train.tfrecord-0000{part}", files, name, label=np.arange(10) % 3)
    write_records(folder / "test.tfrecord", map(encoded, images[20:]), name, label=np.arange(10) % 3)
    sharded, _ = shards_of(tmp_path, folder)
    found = sharded.train.take(np.arange(20))
    np.testing.assert_array_equal(found.examples[..., 0], images[:20])
    np.testing.assert_array_equal(found.labels, np.tile(np.arange(10) % 3, 2))
    assert sharded.test.num_examples == 10
    with pytest.raises(InputError, match=r"TFRecord files, which cannot be shuffled.*train\.shards"):
        load(folder)


@pytest.mark.parametrize(
    "images, name, sentence",
    [([b"no picture"], "image", "is no picture"), ([b"x"], "sound", r"must have the bytes of pictures.*sound"), (
        [], "image", "holds no record")],
)  # fmt: skip
def test_tfrecord_files_of_something_else(tmp_path, images, name, sentence):
    write_records(tmp_path / "a.tfrecord", images, name)
    with pytest.raises(InputError, match=sentence):
        shards_of(tmp_path, tmp_path)


def test_the_test_part_of_tfrecord_files_goes_by_the_word(tmp_path):
    files = [encoded(image) for image in RNG.integers(0, 255, (6, 8, 8), "uint8")]
    names = ("birds-test.tfrecord-00000-of-00001", "test-00001.tfrecord", "test.tfrecord")
    for name in (*names, "birds-train.tfrecord-00000-of-00001", "latest.tfrecord", "contest.tfrecord"):
        write_records(tmp_path / name, files)
    found, _ = shards_of(tmp_path / "out", tmp_path)
    assert (found.train.num_examples, found.test.num_examples) == (18, 18)


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        ([1, None, 2], "a record with 0 values of 'label'"),
        ([None, 1, 2], "records with 'label', and others without"),
    ],
)
def test_labels_of_tfrecord_files_are_not_lost(labels, sentence, tmp_path):
    files = [encoded(image) for image in RNG.integers(0, 255, (3, 8, 8), "uint8")]
    write_records(tmp_path / "a.tfrecord", files, label=labels)
    with pytest.raises(InputError, match=sentence):
        shards_of(tmp_path / "out", tmp_path)


def test_labels_that_are_no_numbers_are_not_dropped(tmp_path):
    with tf.io.TFRecordWriter(str(tmp_path / "a.tfrecord")) as writer:
        example = tf.train.Example()
        example.features.feature["image"].bytes_list.value.append(encoded(np.zeros((8, 8), "uint8")))
        example.features.feature["label"].bytes_list.value.append(b"cat")
        writer.write(example.SerializeToString())
    with pytest.raises(InputError, match="has 'label', but no whole number in it: write labels as int64"):
        shards_of(tmp_path / "out", tmp_path)


def test_damaged_tfrecord_files(tmp_path):
    path = tmp_path / "a.tfrecord"
    write_records(path, [encoded(image) for image in RNG.integers(0, 255, (9, 8, 8), "uint8")])
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(InputError, match="is damaged"):
        shards_of(tmp_path / "out", tmp_path)


def test_options_that_do_not_go_with_the_data_are_refused_as_load_does(tmp_path):
    (tmp_path / "pics").mkdir()
    Image.fromarray(RNG.integers(0, 255, (9, 9), "uint8")).save(tmp_path / "pics" / "0.png")
    np.save(tmp_path / "x.npy", RNG.normal(size=(20, 4)))
    pyarrow.parquet.write_table(pyarrow.table({"a": [1.5, 2.5]}), tmp_path / "t.parquet")
    for name, given in (
        ("pics", {"label_column": "a"}), ("pics", {"series": True}), ("pics", {"channels": 2}),
        ("pics", {"image_size": 0}), ("t.parquet", {"image_size": 28}), ("x.npy", {"skip_broken": True}),
        ("x.npy", {"id_column": "a"}),
    ):  # fmt: skip
        path, (option,) = str(tmp_path / name), given
        told = []
        for opens in (load, open_source):
            with pytest.raises(InputError, match=f"^`?{option}`? ") as caught:
                opens(path, None, **{**OPTIONS, **given})
            told.append(str(caught.value))
        assert told[0] == told[1]
