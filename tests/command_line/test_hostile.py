"""Files from strangers: bombs, code, lies and loops. Each gets one sentence, and nothing is run or written."""

import gzip
import io
import json
import os
import pickle
import struct
import tempfile
import zipfile
import zlib
from pathlib import Path

import keras
import numpy as np
import pyarrow
import pyarrow.feather
import pyarrow.parquet
import pytest
from conftest import run_warm
from support.commands import SCRIPT

# What a process had, at the end of its work.
MEASURE = """
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")), file=sys.__stdout__)
"""
# Of the resident memory of the process that is given all of it: TensorFlow alone takes 0.5 GB.
MOST_MEMORY = 1.5e9


class Exploit:
    """What a pickle runs as it is read."""

    def __init__(self, mark):
        self.mark = str(mark)

    def __reduce__(self):
        return Path.touch, (Path(self.mark),)


def header(shape, dtype="<f8"):
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", 118) + text.ljust(117) + b"\n"


def archive(path, members, size=None):
    with zipfile.ZipFile(path, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)
        for info in file.filelist if size else ():
            info.file_size = size  # what the directory at its end will say
    return path


def png(width, height, data=b""):
    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    size = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


def arrays(folder, mark):
    """.npz and .npy files."""
    plain = io.BytesIO()
    np.save(plain, np.zeros((30, 4), "float32"))
    objects = io.BytesIO()
    np.save(objects, np.array([Exploit(mark)] * 3, object), allow_pickle=True)
    zeros = {"x.npy": plain.getvalue()}
    np.savez(folder / "cut.npz", x=np.random.default_rng(0).normal(size=(300, 4)))
    (folder / "cut.npz").write_bytes((folder / "cut.npz").read_bytes()[:-300])
    (folder / "code.npy").write_bytes(objects.getvalue())
    (folder / "lie.npy").write_bytes(header((10**13, 4)))
    (folder / "pickle.npy").write_bytes(pickle.dumps(Exploit(mark)))
    (folder / "pickle.npz").write_bytes(pickle.dumps(Exploit(mark)))
    (folder / "endless.npy").symlink_to("/dev/zero")
    os.mkfifo(folder / "pipe.npz")
    return {
        archive(folder / "bomb.npz", zeros, size=1 << 44): "bomb.npz unpacks to 17,592.2 GB by its headers",
        archive(folder / "lie.npz", {"x.npy": header((10**13,))}): "lie.npz",
        archive(folder / "code.npz", {"x.npy": objects.getvalue()}): "array x: holds objects of Python",
        archive(folder / "climb.npz", {"../../x.npy": plain.getvalue()}): "climb.npz must hold x_train",
        archive(folder / "none.npz", {}): "none.npz",
        archive(folder / "text.npz", {"x.npy": b"no array"}): "text.npz",
        folder / "cut.npz": "cut.npz",
        folder / "pickle.npz": "pickle.npz is no .npz file, or is cut short",
        folder / "code.npy": "holds objects of Python, not numbers",
        folder / "lie.npy": "lie.npy",
        folder / "pickle.npy": "pickle.npy is no .npy file",
        folder / "endless.npy": "endless.npy is no file",
        folder / "pipe.npz": "pipe.npz is no file",
    }


def tables(folder):
    """Tables in all formats."""
    table = pyarrow.table({"a": np.random.default_rng(0).normal(size=3000)})
    pyarrow.parquet.write_table(table, folder / "cut.parquet")
    pyarrow.feather.write_feather(table, folder / "cut.feather")
    for name in ("cut.parquet", "cut.feather"):
        (folder / name).write_bytes((folder / name).read_bytes()[:-200])
    noise = np.random.default_rng(0).bytes(2000)
    contents = {
        "noise.parquet": noise, "noise.feather": noise, "noise.csv": noise, "zip.csv": b"PK\x03\x04" + bytes(99),
        "quote.csv": b'a,b\n1,"2\n' + b"3,4\n" * 9, "wide.csv": b"a" * 5_000_000, "nul.tsv": b"a\tb\n1\t\0\n",
        "packed.csv": gzip.compress(b"a,b\n" + b"1,2\n" * 99),
    }  # fmt: skip
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    (folder / "endless.csv").symlink_to("/dev/zero")
    os.mkfifo(folder / "pipe.parquet")
    names = [*contents, "cut.parquet", "cut.feather", "endless.csv", "pipe.parquet"]
    return {folder / name: name for name in names}


def pictures(folder):
    """Folders of pictures."""
    contents = {
        "bomb": png(60_000, 60_000), "short": png(2_000, 2_000, b"\0" * 99), "zero": png(0, 0),
        "cut": png(8, 8)[:40], "gif": b"GIF89a" + b"\xff" * 40, "text": b"no picture",
    }  # fmt: skip
    for name, content in contents.items():
        (folder / name).mkdir()
        (folder / name / "x.png").write_bytes(content)
    (folder / "loop").mkdir()
    (folder / "loop" / "again").symlink_to(folder / "loop")
    (folder / "nowhere").mkdir()
    (folder / "nowhere" / "x.png").symlink_to("missing.png")
    (folder / "pipe").mkdir()
    os.mkfifo(folder / "pipe" / "x.png")
    (folder / "endless").mkdir()
    (folder / "endless" / "x.png").symlink_to("/dev/zero")
    (folder / "folders").mkdir()
    (folder / "folders" / "x.png").mkdir()
    cannot = {name: f"{folder / name / 'x.png'} " for name in contents}
    empty = dict.fromkeys(("loop", "nowhere", "pipe", "endless", "folders"), "holds no images")
    return {folder / name: said for name, said in {**cannot, **empty}.items()}


def idx(folder):
    """Folders with MNIST's files, of which the first is bad."""
    head = b"\0\0\x08\x03" + np.array([10, 28, 28], ">u4").tobytes()
    endless = io.BytesIO()
    with gzip.GzipFile(fileobj=endless, mode="wb", compresslevel=1) as file:
        file.write(head)
        for _ in range(2000):
            file.write(bytes(1_000_000))
    contents = {
        "endless": endless.getvalue(), "lie": gzip.compress(head[:4] + b"\xff" * 12), "text": b"no digits",
        "cut": gzip.compress(head)[:9],
    }  # fmt: skip
    for name, content in contents.items():
        (folder / name).mkdir()
        for stem in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
            (folder / name / f"{stem}-ubyte.gz").write_bytes(content)
    return {folder / name: "train-images-idx3-ubyte.gz" for name in contents}


def mat(folder):
    """SVHN's files."""
    contents = {"noise": np.random.default_rng(1).bytes(5000), "empty": b"", "old": b"\0" * 600}
    for name, content in contents.items():
        (folder / name).mkdir()
        for part in ("train", "test"):
            (folder / name / f"{part}_32x32.mat").write_bytes(content)
    return {folder / name: "_32x32.mat" for name in contents}


def models(folder, mark):
    """Runs whose model has code in it."""
    (folder / "points.csv").write_text("a,b\n" + "".join(f"{n},{n % 7}.5\n" for n in range(60)))
    layer = keras.layers.Lambda(lambda x: x)
    code = keras.Sequential([keras.Input((2,)), layer])
    code.save(folder / "code.keras")
    with zipfile.ZipFile(folder / "code.keras") as file:
        parts = {name: file.read(name) for name in file.namelist()}
    config = json.loads(parts["config.json"])
    calls = json.dumps(
        {"module": "os", "class_name": "system", "config": f"touch {mark}", "registered_name": None}
    )
    variants = {
        "lambda": parts,
        "system": {**parts, "config.json": calls.encode()},
        "build": {**parts, "config.json": json.dumps({**config, "module": "subprocess", "class_name": "Popen"})},
        "climb": {**parts, "../../climbed": b"x"},
        "pickle": {**parts, "config.json": pickle.dumps(Exploit(mark))},
    }
    for name, members in variants.items():
        run = folder / "runs" / name
        run.mkdir(parents=True)
        archive(run / "model.keras", members)
        (run / "run.flags").write_text(f"--dataset={folder / 'points.csv'}\n--preset=table\n")
    return {folder / "runs" / name: "model.keras cannot be read" for name in variants}


def places(folder):
    """Names that would climb out of their folder, and flag files that are none."""
    (folder / "noise.flags").write_bytes(b"\xff\xfe\0")
    return {
        ("--dataset=digits", "--name=../../x"): "holds a separator of folders",
        ("--dataset=digits", "--name=/etc/x"): "holds a separator of folders",
        ("--dataset=digits", "--name=..\\x"): "holds a separator of folders",
        ("--dataset=digits", "--name=.."): "begins with a dot",
        ("--dataset=digits", "--name=x\nrm"): "cannot be shown",
        ("--dataset=digits", f"--name={'x' * 300}"): "longer than 200 bytes",
        (f"--flagfile={folder / 'noise.flags'}",): "give --flagfile a text file",
    }


def answers_and_memory(calls, folder):
    """What commands answer, in one process, and the most memory that it had."""
    found, peak = [], 0
    for command, arguments in calls.items():
        asked, told = folder / f"{command}.json", folder / f"{command}.jsonl"
        asked.write_text(json.dumps(arguments))
        process = run_warm("-c", SCRIPT + MEASURE, command, asked, told, "None")
        assert process.returncode == 0, process.stderr[-2000:]
        peak = max(peak, 1024 * int(process.stdout.split()[-1]))
        found += [json.loads(line) for line in told.read_text().splitlines()]
    return found, peak


@pytest.fixture
def listing(tmp_path):
    def made():
        return sorted((str(path), path.lstat().st_mtime_ns) for path in tmp_path.rglob("*"))

    return made


def test_what_strangers_send_gets_a_sentence_and_nothing_is_run_or_written(tmp_path, listing):
    mark = tmp_path / "mark"
    folders = {
        name: tmp_path / name for name in ("arrays", "tables", "pictures", "idx", "mat", "models", "places")
    }
    for folder in folders.values():
        folder.mkdir()
    paths = {**arrays(folders["arrays"], mark), **tables(folders["tables"]), **pictures(folders["pictures"])}
    runs_dir = f"--runs_dir={tmp_path / 'runs'}"
    cases = {
        **{(f"--dataset={path}",): said for path, said in paths.items()},
        **{("--dataset=mnist", f"--data_dir={path}"): said for path, said in idx(folders["idx"]).items()},
        **{("--dataset=svhn", f"--data_dir={path}"): said for path, said in mat(folders["mat"]).items()},
        **places(folders["places"]),
    }
    runs = models(folders["models"], mark)
    before = listing()
    with tempfile.TemporaryDirectory() as elsewhere:
        calls = {
            "train.main": [[runs_dir, *case] for case in cases],
            "train.evaluate": [[f"--run={run}"] for run in runs],
        }
        found, peak = answers_and_memory(calls, Path(elsewhere))
    expected = [*cases.values(), *runs.values()]
    assert len(expected) >= 50
    wrong = [
        (case, answer)
        for case, said, answer in zip([*cases, *runs], expected, found, strict=True)
        if answer[0] != 1 or said not in answer[2] or answer[2].count("\n") != 1 or answer[2][:7] != "error: "
    ]
    assert not wrong
    assert listing() == before
    assert not mark.exists()
    assert peak < MOST_MEMORY
