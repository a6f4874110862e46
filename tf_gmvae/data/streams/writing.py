"""Writes a folder of shards: by several processes, file by file, so that what was killed goes on."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tf_gmvae import disk
from tf_gmvae.data.shards.manifest import FORMAT, MANIFEST
from tf_gmvae.data.shards.split import record_module
from tf_gmvae.data.split import Split
from tf_gmvae.data.streams import processes as others
from tf_gmvae.data.streams.source import Piece, Skipped, Source, Unseen, fingerprint_of
from tf_gmvae.errors import InputError

# What is known of finished files, until all are.
_NOTES = ".finished"
# Bytes that are read for one record, about; records of so many stand together. A record of its own for each small
# example would make the index of a file, which is held in memory, as large as a hundredth of the data.
_GROUP_BYTES, _LARGEST_GROUP = 16_384, 64
# Bytes at a time for check sums.
_READ = 2**20


def write_shards(
    source: Source, output: Path, made_of: Mapping[str, Any], processes: int, reached: Callable[[float], None]
) -> dict[str, Any]:
    """Writes what is not written yet, and at last the manifest.

    Args:
        source: The data.
        output: Folder, new, empty, or left by a call with the same `made_of` and data that was killed.
        made_of: What decides the shards: name and options of the data. Kept in the manifest.
        processes: Integer, how many write at a time.
        reached: Function that is called with the number of finished files.

    Returns:
        The manifest; its `unseen` are the values of each column of a table that count as missing, since none like
        them was among the rows by which it was described.

    Raises:
        InputError: If data cannot be read, are of different shapes, or there is something else in the folder.
    """
    record_module()
    _begin(output, made_of, source.pieces)
    total = len(source.pieces)
    names = _names(source.pieces)
    waiting = [number for number in range(total) if not _note(output, names[number]).is_file()]
    reached(total - len(waiting))
    calls = [(source.pieces[number], output, names[number]) for number in waiting]
    side_by_side = source.is_parallel and processes > 1 and len(waiting) > 1
    written = others.done(_write, calls, processes) if side_by_side else _here(calls)
    try:
        with contextlib.closing(written):
            for count, _ in enumerate(written, total - len(waiting) + 1):
                reached(count)
    finally:
        _remove_partial(output)
    notes = [json.loads(_note(output, name).read_text(encoding="utf-8")) for name in names]
    manifest = _manifest(source, made_of, notes)
    with disk.whole(output / MANIFEST) as partial:
        partial.write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    shutil.rmtree(output / _NOTES)
    return manifest


def _here(calls: Sequence[tuple[Piece, Path, str]]) -> Generator[int, None, None]:
    """As `processes.done`, in this process."""
    for number, call in enumerate(calls):
        _write(*call)
        yield number


def _begin(output, made_of, pieces):
    """Makes the folder, or finds what a call that was killed has left."""
    plan = output / _NOTES / "plan.json"
    wanted = json.loads(json.dumps(made_of))
    planned = {**wanted, "data": fingerprint_of(piece.fingerprint for piece in pieces)}
    if (output / MANIFEST).is_file():
        shutil.rmtree(output / _NOTES, ignore_errors=True)  # of a call that was killed at its very end
        raise InputError(f"{output} holds shards already: give them to train.main, or another --output.")
    if plan.is_file():
        with contextlib.suppress(ValueError):
            if json.loads(plan.read_text(encoding="utf-8")) in (planned, wanted):  # of now, of earlier versions
                _remove_partial(output)
                return
        raise InputError(f"{output} holds unfinished shards of other data or options: remove it, or give another.")
    if output.exists() and not (output.is_dir() and _is_empty(output)):
        raise InputError(f"{output} is there, and no empty folder: give another --output.")
    plan.parent.mkdir(parents=True, exist_ok=True)
    with disk.whole(plan) as partial:
        partial.write_text(json.dumps(planned), encoding="utf-8")


def _is_empty(output):
    """Whether a folder holds nothing, or what a call left that found no room for its plan."""
    notes = output / _NOTES
    left = [path for path in output.iterdir() if path != notes or not notes.is_dir()]
    return not left and (not notes.is_dir() or all(".partial" in path.name for path in notes.iterdir()))


def _remove_partial(output):
    """What was killed leaves these. A process that writes one still has it removed, and its work is not taken."""
    of_now, notes = f"{disk.PARTIAL}*", output / _NOTES
    of_earlier_versions = (*output.glob("*.partial*.array_record"), *notes.glob("*.partial*"))
    for path in (*output.glob(of_now), *notes.glob(of_now), *of_earlier_versions):
        if path.is_file():
            path.unlink(missing_ok=True)


def _names(pieces):
    counts = {split: sum(piece.split == split for piece in pieces) for split in ("train", "test")}
    seen = dict.fromkeys(counts, 0)
    names = []
    for piece in pieces:
        names.append(f"{piece.split}-{seen[piece.split]:05d}-of-{counts[piece.split]:05d}.array_record")
        seen[piece.split] += 1
    return names


def _note(output, name):
    return output / _NOTES / f"{name}.json"


def _write(piece: Piece, output: Path, name: str) -> None:
    """One file, and what is known of it."""
    path = output / name
    note: dict[str, Any] = {"name": name, "split": piece.split, "num_examples": 0, "unseen": Counter()}
    writer = None
    with disk.whole(path) as partial, disk.as_os_errors(path):
        try:
            for split in piece.read():
                if isinstance(split, Skipped):
                    note["skipped"] = split.ids
                    continue
                if isinstance(split, Unseen):
                    note["unseen"][split.column] += split.num_values
                    continue
                _add(note, split, name)
                if writer is None:
                    group = min(_LARGEST_GROUP, max(1, _GROUP_BYTES // split.examples[0].nbytes))
                    options = f"group_size:{group},uncompressed"
                    writer = record_module().ArrayRecordWriter(str(partial), options)
                for record in _records(split):
                    writer.write(record)
        finally:
            if writer is not None:
                writer.close()
    if writer is None:
        path.unlink()
    else:
        note["num_bytes"] = path.stat().st_size
        note["sha256"] = checksum(path)
    with disk.whole(_note(output, name)) as partial:
        partial.write_text(json.dumps(note), encoding="utf-8")


def _add(note, split, name):
    known = split.examples[~np.isnan(split.examples)] if split.missing else split.examples
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)
    new = {
        "data_shape": list(split.data_shape), "dtype": split.dtype.name, "missing": split.missing,
        "has_ids": split.ids is not None, "has_labels": split.has_labels,
    }  # fmt: skip
    if note["num_examples"]:
        _check_alike(note, new, name)
        low, high = min(low, note["extremes"][0]), max(high, note["extremes"][1])
    most = -1 if split.labels is None else int(split.labels.max())
    note.update(new, extremes=[low, high], num_classes=max(most + 1, note.get("num_classes", 0)))
    note["num_examples"] += split.num_examples


def _check_alike(one, other, name):
    for key in ("data_shape", "dtype", "missing", "has_ids", "has_labels"):
        if one[key] != other[key]:
            raise InputError(
                f"The data of {name} differ in {key.replace('_', ' ')}, {one[key]} and {other[key]}: give all the "
                "same, of pictures with --image_size and --channels."
            )


def _records(split: Split) -> Iterator[bytes]:
    from tensorflow.core.example.example_pb2 import Example

    little = split.examples if split.dtype == np.uint8 else split.examples.astype("<f4")
    for row in range(split.num_examples):
        example = Example()
        feature = example.features.feature
        feature["x"].bytes_list.value.append(little[row].tobytes())
        if split.labels is not None:
            feature["label"].int64_list.value.append(int(split.labels[row]))
        if split.ids is not None:
            feature["id"].bytes_list.value.append(str(split.ids[row]).encode())
        yield example.SerializeToString()


def _manifest(source, made_of, notes):
    skipped = [name for note in notes for name in note.get("skipped", ())]
    notes = [note for note in notes if note["num_examples"]]
    if not any(note["split"] == "train" for note in notes):
        raise InputError("There is no example: the data are empty.")
    unseen: Counter[str] = Counter()
    for note in notes:
        unseen.update(note.get("unseen", {}))  # which an earlier version did not note
    splits: dict[str, Any] = {}
    for note in notes:
        _check_alike(notes[0], note, note["name"])
        split = splits.setdefault(note["split"], {"files": [], "extremes": note["extremes"], "num_classes": 0})
        split["files"].append({key: note[key] for key in ("name", "num_examples", "num_bytes", "sha256")})
        (low, high), (least, most) = split["extremes"], note["extremes"]
        split["extremes"] = [min(low, least), max(high, most)]
        split["num_classes"] = max(split["num_classes"], note["num_classes"])
        split["has_ids"] = note["has_ids"]
    for split in splits.values():
        split["num_classes"] = split["num_classes"] or None
    return {
        "format": FORMAT,
        "made_of": made_of,
        "data_shape": notes[0]["data_shape"],
        "dtype": notes[0]["dtype"],
        "missing": notes[0]["missing"],
        "class_names": source.class_names,
        "columns": None if source.columns is None else source.columns.as_config(),
        "image_size": source.image_size,
        "skipped": skipped,
        "unseen": unseen,
        "splits": splits,
    }


def checksum(path: Path) -> str:
    """SHA-256 of a file.

    Args:
        path: The file.

    Returns:
        Hexadecimal digits.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_READ):
            digest.update(block)
    return digest.hexdigest()
