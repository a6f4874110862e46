"""A pipeline of Apache Beam that asks an exported model about more than one machine holds.

Needs Apache Beam, the extra `beam`; nothing but `train.score` imports it.
"""

from __future__ import annotations

import glob
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow
import tensorflow as tf
from apache_beam.io import fileio, filesystems, localfilesystem
from apache_beam.utils import shared

from tf_gmvae.data.described import named
from tf_gmvae.data.split import Split
from tf_gmvae.errors import InputError
from tf_gmvae.serving import images
from train.run import answers, table_blocks
from train.run.exported import BATCH, Exported

# Pictures that are decoded and asked about at a time.
PICTURES = 64
# Of a picture's file, which is read whole.
MOST_BYTES = 2**27
# Counters: what could not be scored, files that could not be read to the end, values that were not in training.
BAD, CUT, UNSEEN = "bad", "cut", "unseen"
# One copy of the model for all threads of a process.
_MODELS = shared.Shared()


def schema(model: Exported) -> pyarrow.Schema:
    """Of the rows that are written.

    Args:
        model: `Exported`.

    Returns:
        `pyarrow.Schema`: the columns of `clusters.parquet` but for `split`, p(z | y) and the mean of q(x | y).
    """
    floats = pyarrow.list_(pyarrow.float32())
    fields: list[tuple[str, Any]] = [
        ("id", pyarrow.string()), ("cluster", pyarrow.int32()), ("name", pyarrow.string()),
        ("probability", pyarrow.float32()), ("runner_up", pyarrow.int32()), ("elbo", pyarrow.float32()),
    ]  # fmt: skip
    if model.outlier_below is not None:
        fields.append(("outlier", pyarrow.bool_()))
    return pyarrow.schema([*fields, ("posterior", floats), ("x", floats)])


class ReadTable(beam.DoFn):
    """Files of a table to pairs of ids and rows, block by block; what is no row of the model's has a reason.

    Args:
        model: path of the exported model.
        id_column: name of the column by which rows are known. Default None: "file:number", from 0 on.
    """

    def __init__(self, model: str, id_column: str | None = None) -> None:
        self.model, self.id_column = model, named(id_column=id_column)[2]
        self.unseen = beam.metrics.Metrics.counter("score", UNSEEN)

    def setup(self) -> None:
        """Loads the model, whose columns say how rows are read."""
        self._columns = _loaded(self.model).columns

    def process(self, file: fileio.ReadableFile) -> Iterator[Any]:
        """Pairs of a list of ids and a float32 array (n, F), n at most 256."""
        path, after = file.metadata.path, 0
        odd: list[tuple[int, str]] = []  # rows of other numbers of values, which are left out
        try:
            for batch, numbers in self._batches(file, odd):
                for begin in range(0, batch.num_rows, BATCH):
                    part = pyarrow.Table.from_batches([batch.slice(begin, BATCH)])
                    yield from self._rows(path, numbers[begin : begin + BATCH], part)
                    after = numbers[begin : begin + BATCH][-1] + 1
        except (pyarrow.ArrowException, InputError, OSError, ValueError) as error:
            reason = f"cannot be read after row {after}, and the rest of it is not scored: {_short(error)}"
            yield _bad(path, reason, CUT, file=path)
        for number, reason in odd:
            yield _bad(f"{path}:{number}", reason, file=path, row=number)

    def _rows(self, path, numbers, part):
        try:
            found = table_blocks.rows(part, path, self._columns, self.id_column)
        except InputError as error:
            if part.num_rows == 1:
                (name,) = _named(table_blocks.ids(part, self.id_column), path, numbers)
                yield _bad(name, _short(error), file=path, row=int(numbers[0]))
            else:  # row by row, for the others are as good as they were
                for row in range(part.num_rows):
                    yield from self._rows(path, numbers[row : row + 1], part.slice(row, 1))
        else:
            self.unseen.inc(found.num_unseen)
            yield _named(found.ids, path, numbers), found.numbers

    def _batches(
        self, file: fileio.ReadableFile, odd: list[tuple[int, str]]
    ) -> Iterable[tuple[pyarrow.RecordBatch, np.ndarray]]:
        """Pairs of some rows and their numbers in the file."""
        suffix = PurePosixPath(file.metadata.path).suffix.lower()
        with file.open(mime_type="application/octet-stream") as content:
            if suffix == ".parquet":
                from pyarrow import parquet

                read = 0
                for batch in parquet.ParquetFile(content).iter_batches():
                    yield batch, np.arange(read, read + batch.num_rows)
                    read += batch.num_rows
            elif suffix in (".csv", ".tsv"):
                separator = "\t" if suffix == ".tsv" else ","
                yield from table_blocks.of_delimited(content, separator, self._columns, self.id_column, odd)
            else:
                raise InputError("a table is a .parquet, .csv or .tsv file")


class ReadPicture(beam.DoFn):
    """Files to pairs of their paths and contents."""

    def process(self, file: fileio.ReadableFile) -> Iterator[Any]:
        """One pair."""
        path = file.metadata.path
        if file.metadata.size_in_bytes > MOST_BYTES:
            yield _bad(path, f"is larger than {MOST_BYTES:,} bytes, and no picture for this model", file=path)
            return
        try:
            yield path, file.read()
        except OSError as error:
            yield _bad(path, f"cannot be read: {_short(error)}", file=path)


class Score(beam.DoFn):
    """What an exported model says of examples: a dict for each, of the fields of `schema`.

    An element is a pair of ids and rows, as `ReadTable` makes it, or a list of pairs of `ReadPicture`.

    Args:
        model: path of the exported model.
    """

    def __init__(self, model: str) -> None:
        self.model = model
        self.scored = beam.metrics.Metrics.counter("score", "examples")

    def setup(self) -> None:
        """Loads the model, once a process."""
        self._exported = _loaded(self.model)
        shape = self._exported.data_shape
        self._decode = tf.function(
            lambda contents: images.decode(contents, shape),
            input_signature=[tf.TensorSpec((None,), tf.string)],
            autograph=False,
        )

    def process(self, element: Any) -> Iterator[Any]:
        """The rows of a batch."""
        if isinstance(element, list):
            names, examples, reasons = self._decoded(element)
            yield from (_bad(path, reason, file=path) for path, reason in reasons)
        else:
            names, examples = element
        if len(names):
            yield from self._scored(names, examples)

    def _decoded(self, pairs):
        names = [name for name, _ in pairs]
        pixels, errors = self._decode(tf.constant([content for _, content in pairs]))
        errors = [error.decode() for error in errors.numpy()]
        good = np.array([not error for error in errors])
        reasons = [(name, error) for name, error in zip(names, errors, strict=True) if error]
        return [name for name, is_good in zip(names, good, strict=True) if is_good], pixels.numpy()[good], reasons

    def _scored(self, names, examples):
        model = self._exported
        split = Split(examples, ids=np.array(names, dtype=str), missing=model.columns is not None)
        answer = model.answer(split)
        columns = answers.rows({"all": split}, lambda split: answer, model.outlier_below, model.names)
        del columns["split"]
        columns["posterior"], columns["x"] = np.exp(answer.log_posterior), model.codes(split)
        self.scored.inc(len(names))
        for row in range(len(names)):
            yield {name: values[row].tolist() for name, values in columns.items()}


def pipeline(
    begin: beam.Pipeline, pattern: str, model: str, output: str, id_column: str | None = None
) -> beam.Pipeline:
    """Adds all steps to a pipeline.

    Args:
        begin: `beam.Pipeline`.
        pattern: pattern of the files, of any file system that Beam knows. Hidden ones, whose names begin with a
            dot, are left out unless the pattern's last part begins so.
        model: path of the exported model, at which every worker finds it.
        output: folder, in which `clusters-*.parquet` and `errors-*.jsonl` are written.
        id_column: see `ReadTable`. Default None: that of the model, where it has one.

    Returns:
        The same pipeline.
    """
    exported = Exported(model)
    all_meant = _is_hidden(pattern)
    files = (
        begin
        | fileio.MatchFiles(pattern)
        | "leave out hidden files" >> beam.Filter(lambda found: all_meant or not _is_hidden(found.path))
        | beam.Reshuffle()  # or all files would stay with the worker that found them
        | fileio.ReadMatches()
    )
    if exported.columns is None:
        read = files | "read pictures" >> beam.ParDo(ReadPicture()).with_outputs(BAD, main="good")
        batches = read.good | beam.BatchElements(min_batch_size=1, max_batch_size=PICTURES)
    else:
        read = files | "read tables" >> beam.ParDo(ReadTable(model, id_column or exported.id_column)).with_outputs(
            BAD, main="good"
        )
        batches = read.good
    scored = batches | beam.ParDo(Score(model)).with_outputs(BAD, main="good")
    _ = scored.good | beam.io.WriteToParquet(f"{output}/clusters", schema(exported), file_name_suffix=".parquet")
    links = [path for path in _lost(pattern) if all_meant or not _is_hidden(path)]
    lost = begin | beam.Create(links) | "tell of links" >> beam.Map(_of_link)
    bad = (read[BAD], scored[BAD], lost) | beam.Flatten()
    _ = bad | beam.Map(json.dumps) | beam.io.WriteToText(f"{output}/errors", file_name_suffix=".jsonl")
    return begin


def _loaded(path):
    return _MODELS.acquire(lambda: Exported(path), tag=path)


def _is_hidden(path):
    """As files in the making are, and what other systems note beside files."""
    return PurePosixPath(path).name.startswith(".")


def _named(ids, path, numbers):
    """Ids of rows, or the file and their numbers in it."""
    return [f"{path}:{number}" for number in numbers] if ids is None else ids.tolist()


def _lost(pattern):
    """Links that lead nowhere among the files of a pattern, which Beam leaves out; of this machine alone."""
    if not isinstance(filesystems.FileSystems.get_filesystem(pattern), localfilesystem.LocalFileSystem):
        return []
    pattern = f"{pattern}*" if pattern.endswith("/") else pattern  # as Beam does
    return [path for path in glob.iglob(pattern, recursive=True) if not os.path.exists(path)]


def _of_link(path):
    beam.metrics.Metrics.counter("score", CUT).inc()
    return {"id": path, "reason": "is a link that leads nowhere", "file": path}


def _bad(name, reason, counter=BAD, **place):
    """What could not be scored, with its file and row where they are known."""
    beam.metrics.Metrics.counter("score", counter).inc()
    return beam.pvalue.TaggedOutput(BAD, {"id": name, "reason": reason, **place})


def _short(error):
    return " ".join(str(error).split())[:300]
