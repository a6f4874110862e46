"""`train.score`: what one machine cannot hold, on Apache Beam's local runner, with one process and with two."""

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pyarrow.parquet
import pytest
from conftest import ROOT
from PIL import Image
from sklearn.datasets import load_digits

import tf_gmvae
from tf_gmvae.data.split import Split
from tf_gmvae.tables.describing import describe
from tf_gmvae.tables.likelihood import ColumnsLikelihood
from train.run.exported import Exported

pytestmark = pytest.mark.beam
# In the file of their own of those that have an id and no score.
ROWS = {"wide": 750, "large": 752}
TWO = ["--beam=direct_running_mode=multi_processing", "--beam=direct_num_workers=2"]


def begun(*arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "train.score", *map(str, arguments)], cwd=ROOT, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip


def score(*arguments):
    process = begun(*arguments)
    out, errors = process.communicate(timeout=300)
    return process.returncode, out, errors


def scored(folder):
    """Rows by their ids, and the reasons of those that have none."""
    rows, bad = {}, {}
    for path in folder.glob("clusters-*.parquet"):
        for row in pyarrow.parquet.read_table(path).to_pylist():
            assert row["id"] not in rows
            rows[row["id"]] = row
    for path in folder.glob("errors-*.jsonl"):
        for line in path.read_text().splitlines():
            record = json.loads(line)
            name, file, row = record["id"], record["file"], record.get("row")
            assert name in (file, f"{file}:{row}") or ROWS[name] == row
            assert os.path.lexists(file) and " in row " not in record["reason"]
            bad[name] = record["reason"]
    assert not [path for path in folder.iterdir() if path.name.startswith("beam-temp-")]
    return rows, bad


@pytest.fixture(scope="module")
def fruit(tmp_path_factory):
    """The export of a model of a table, files of rows of it, good and bad, and the good rows by id."""
    folder = tmp_path_factory.mktemp("fruit")
    rng = np.random.default_rng(0)
    table = {
        "size": rng.normal(5, 2, 3000), "weight": rng.normal(100, 30, 3000),
        "colour": np.array(["red", "green", "blue"], object)[rng.integers(0, 3, 3000)],
    }  # fmt: skip
    columns, _ = describe(table)
    model = tf_gmvae.GMVAE.from_preset(
        "table", data_shape=(3,), likelihood=ColumnsLikelihood(columns), num_components=4, seed=0
    )
    version = tf_gmvae.export(model, folder / "models", clusters={"outlier_below": -8.0, "names": list("abcd")})
    (folder / "rows").mkdir()
    names = [f"f{number}" for number in range(3000)]
    for part in range(3):
        lines = [
            [
                names[n],
                float(table["size"][n]),
                "" if n % 50 == 0 else float(table["weight"][n]),
                table["colour"][n],
            ]
            for n in range(part, 3000, 4)
        ]
        with (folder / "rows" / f"{part}.csv").open("w", newline="") as file:
            csv.writer(file).writerows([["code", "size", "weight", "colour"], *lines])
    last = np.arange(3, 3000, 4)
    rest = {"code": [names[n] for n in last], **{key: list(values[last]) for key, values in table.items()}}
    pyarrow.parquet.write_table(pyarrow.table(rest), folder / "rows" / "3.parquet", row_group_size=100)
    with (folder / "rows" / "1.csv").open("a") as file:
        file.write("wide,very,5,red\nshort,5\nlarge,1e300,5,red\n007, 5.5, 99, mauve\n")
    (folder / "rows" / "noise.parquet").write_bytes(rng.bytes(500))
    (folder / "rows" / "other.csv").write_text("a,b\n1,2\n")
    (folder / "rows" / "names.csv").write_text("code,size,weight,colour\n")
    for hidden in ("._0.csv", ".partial-elsewhere-1-0a.csv"):  # are no data
        (folder / "rows" / hidden).write_text("code,size,weight,colour\nhidden,5,5,red\n")
    for link in ("gone.csv", ".gone.csv"):
        (folder / "rows" / link).symlink_to(folder / "nowhere.csv")
    given = {**table, "weight": table["weight"].copy()}
    given["weight"][[n for n in range(0, 3000, 50) if n % 4 != 3]] = np.nan
    expected = dict(zip(names, columns.numbers(given), strict=True))
    new = {"size": np.array([5.5]), "weight": np.array([99.0]), "colour": np.array(["mauve"], object)}
    return version, folder / "rows", {**expected, "007": columns.numbers(new)[0]}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """The export of a model of digits, and a folder of pictures, some broken."""
    folder = tmp_path_factory.mktemp("pictures")
    model = tf_gmvae.GMVAE.from_preset("digits", num_components=10, seed=0)
    version = tf_gmvae.export(model, folder / "models")
    shades = (load_digits().images[:300] * 15).astype("uint8")
    for number, image in enumerate(shades):
        path = folder / "photos" / f"{number % 7}" / f"{number:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
    broken = [folder / "photos" / "0" / "000.png", folder / "photos" / "3" / "010.png"]
    broken[0].write_bytes(broken[0].read_bytes()[:50])
    broken[1].write_bytes(b"no picture")
    return version, folder / "photos", shades, list(map(str, broken))


def check_fruit(fruit, folder):
    version, files, expected = fruit
    rows, bad = scored(folder)
    assert rows.keys() == expected.keys()
    model = Exported(version)
    split = Split(np.stack([expected[name] for name in rows]), missing=True)
    answer = model.answer(split)
    np.testing.assert_allclose(
        [row["posterior"] for row in rows.values()], np.exp(answer.log_posterior), atol=1e-5
    )
    np.testing.assert_allclose([row["elbo"] for row in rows.values()], answer.elbo, rtol=1e-4)
    np.testing.assert_allclose([row["x"] for row in rows.values()], model.codes(split), atol=1e-4)
    clusters = answer.log_posterior.argmax(axis=1)
    np.testing.assert_array_equal([row["cluster"] for row in rows.values()], clusters)
    assert [row["name"] for row in rows.values()] == ["abcd"[k] for k in clusters]
    assert [row["outlier"] for row in rows.values()] == [row["elbo"] < -8 for row in rows.values()]
    reasons = {
        "wide": "must hold numbers, but holds 'very'", "large": "infinite value, or one too large",
        f"{files / '1.csv'}:751": "a line has 2 values in place of 4: 'short,5'",
        str(files / "gone.csv"): "is a link that leads nowhere",
        str(files / "noise.parquet"): "cannot be read after row 0, and the rest",
        str(files / "other.csv"): "lacks the columns 'size', 'weight', 'colour'",
    }  # fmt: skip
    found = {("other" if "other" in name else name): reason for name, reason in bad.items()}
    assert len(found) == len(reasons)
    for name, said in reasons.items():
        assert said in found["other" if "other" in name else name], bad


@pytest.mark.parametrize("processes", [[], TWO], ids=["one", "two"])
def test_rows_of_many_files_are_answered_once_each(fruit, tmp_path, processes):
    version, files, _ = fruit
    status, out, errors = score(
        f"--model={version}", f"--input={files}/*", f"--output={tmp_path / 'out'}", "--id_column=code", *processes
    )
    assert status == 0, errors
    assert "3,001 examples" in out and "4 could not be scored" in out
    assert "2 files could not be read to the end, and the rest of them is not scored" in out
    assert "1 value was not in training, and counts as missing." in out
    check_fruit(fruit, tmp_path / "out")


def test_rows_without_ids_are_known_by_their_numbers_in_the_file(fruit, tmp_path):
    """Beside rows that do not count, and up to what cannot be read."""
    note = "x" * 2000
    lines = [f'5,100,"red",{note}', f'5,100,"red\nor not",{note}', "1", f"5,wide,red,{note}"] * 300
    path = tmp_path / "rows.csv"
    path.write_bytes("\n".join(["size,weight,colour,note", *lines, ""]).encode() + b"5,100,\xff,\n" * 5)
    status, out, errors = score(f"--model={fruit[0]}", f"--input={path}", f"--output={tmp_path / 'out'}")
    assert status == 0, errors
    rows, bad = scored(tmp_path / "out")
    reason = bad.pop(str(path))
    last = int(re.match(r"cannot be read after row (\d+), and the rest of it is not scored: .*UTF8", reason)[1])
    assert "1 file could not be read to the end" in out and 500 < last < 1200
    assert rows.keys() == {f"{path}:{n}" for n in range(last) if n % 4 < 2}
    assert {f"{path}:{n}" for n in range(last) if n % 4 > 1} <= bad.keys()
    for name, reason in bad.items():
        wrong = {2: "has 1 values in place of 4", 3: "but holds 'wide'"}
        assert wrong[int(name.split(":")[1]) % 4] in reason


def test_what_is_killed_is_run_again(fruit, tmp_path):
    version, files, _ = fruit
    arguments = [f"--model={version}", f"--input={files}/*", f"--output={tmp_path / 'out'}", "--id_column=code"]
    process = begun(*arguments)
    while not list((tmp_path / "out").glob("beam-temp-*")) and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not list((tmp_path / "out").glob("clusters-*"))
    status, _, errors = score(*arguments)
    assert status == 0, errors
    check_fruit(fruit, tmp_path / "out")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_is_stopped_says_so_and_begins_again(fruit, tmp_path, number):
    version, files, _ = fruit
    (tmp_path / "many").mkdir()
    for copy in range(20):
        shutil.copy(files / "0.csv", tmp_path / "many" / f"{copy}.csv")
    rows = len((files / "0.csv").read_text().splitlines()) - 1
    out = tmp_path / "out"
    arguments = [f"--model={version}", f"--input={tmp_path}/many/*", f"--output={out}"]
    process = begun(*arguments)
    while not list(out.glob("beam-temp-clusters-*/*")) and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(number)
    _, errors = process.communicate()
    assert process.returncode == 128 + number
    assert errors.strip() == "Stopped; the same command begins again."
    status, said, errors = score(*arguments)
    assert status == 0 and f"{20 * rows:,} examples" in said and not errors


def test_pictures_are_answered_and_broken_ones_have_a_reason(pictures, tmp_path):
    version, photos, shades, broken = pictures
    status, out, errors = score(f"--model={version}", f"--input={photos}/*/*.png", f"--output={tmp_path / 'out'}")
    assert status == 0, errors
    assert "298 examples" in out and "2 could not be scored" in out
    rows, bad = scored(tmp_path / "out")
    assert bad.keys() == set(broken)
    assert "cut off or damaged" in bad[broken[0]] and "unknown image file format" in bad[broken[1]]
    order = [int(name[-7:-4]) for name in rows]
    answer = Exported(version).answer(Split(shades[order, :, :, None]))
    np.testing.assert_allclose(
        [row["posterior"] for row in rows.values()], np.exp(answer.log_posterior), atol=1e-5
    )
    assert "outlier" not in next(iter(rows.values()))


def test_bad_calls_get_a_sentence(fruit, tmp_path):
    version, files, _ = fruit
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("mine")
    good = {"--model": version, "--input": f"{files}/*", "--output": tmp_path / "out"}
    cases = [
        ({"--model": tmp_path}, "is no exported model"),
        ({"--output": tmp_path / "full"}, "is not empty (it holds letter.txt): give another"),
        ({"--output": tmp_path / "full" / "letter.txt"}, "is a file, not a folder"),
        ({"--beam": "runner"}, "--beam is written as --beam=runner=FlinkRunner. Received: 'runner'"),
        ({"--input": tmp_path / "none" / "*"}, "matches no file"),
        ({"--input": files / "names.csv"}, "or none with a record"),  # into the same folder
        ({"--input": files}, "is a folder: give a pattern of its files, as --input="),
    ]
    for changed, said in cases:
        status, _, errors = score(*(f"{name}={value}" for name, value in {**good, **changed}.items()))
        assert status == 1 and said in errors, (changed, errors[-500:])
        assert "Traceback" not in errors
    assert not list(good["--output"].glob("*"))
