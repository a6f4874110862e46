"""Clusters of what one machine cannot hold, by Apache Beam.

For example `python -m train.score --model=saved_models/wine/latest --input='rows/*.parquet' --output=scored`.
"""

from __future__ import annotations

import collections
import logging
import shutil
from pathlib import Path
from shlex import quote
from typing import Any

from absl import flags

from tf_gmvae import interrupts, terminal
from tf_gmvae.errors import InputError
from train import cli

# Beam's own local runner; the one that it takes by default would download another.
LOCAL = "apache_beam.runners.portability.fn_api_runner.FnApiRunner"

flags.DEFINE_string("model", None, "Exported model, such as saved_models/wine/latest; required.", required=True)
flags.DEFINE_string(
    "input",
    None,
    "Pattern of files, in quotes: pictures, or of a model of tables .parquet, .csv and .tsv; required.",
    required=True,
)
flags.DEFINE_string("output", None, "Folder to write into, new or empty; required.", required=True)
flags.DEFINE_string(
    "id_column",
    None,
    "Of a table: the column by which rows are known; by default the model's, or file and number.",
)
flags.DEFINE_multi_string(
    "beam", [], "An option of Apache Beam, as --beam=runner=FlinkRunner; by default it runs here, in one process."
)


def main() -> None:
    """Asks the model about all that the pattern matches, and writes what it says."""
    chosen = flags.FLAGS
    if "://" not in chosen.input and Path(chosen.input).is_dir():
        files = quote(str(Path(chosen.input) / "**"))
        raise InputError(f"--input={chosen.input} is a folder: give a pattern of its files, as --input={files}.")
    for handler in logging.getLogger().handlers:
        handler.addFilter(_is_told)
    try:
        from apache_beam import Pipeline
        from apache_beam.options.pipeline_options import PipelineOptions

        from train.run import lake
    except ModuleNotFoundError as error:
        if error.name != "apache_beam":
            raise
        raise InputError("train.score needs Apache Beam: pip install '.[beam]' in a clone of tf-gmvae.") from None
    _check_output(chosen.output)
    options: dict[str, Any] = {"runner": LOCAL, **dict(_option(text) for text in chosen.beam)}
    begun = Pipeline(options=PipelineOptions([f"--{name}={value}" for name, value in options.items()]))
    lake.pipeline(begun, chosen.input, str(Path(chosen.model).resolve()), chosen.output, chosen.id_column)
    try:
        with interrupts.not_lost(), terminal.step("Scoring"):  # Beam may make other errors of a stop
            result = begun.run()
            result.wait_until_finish()
    except KeyboardInterrupt as stop:
        first = f"once {chosen.output} is empty, " if _held(chosen.output)[0] else ""
        raise type(stop)(f"Stopped; {first}the same command begins again.") from None
    counts: collections.Counter[str] = collections.Counter()
    for counter in result.metrics().query()["counters"]:  # one for each step that counts
        if counter.key.metric.namespace == "score":
            counts[counter.key.metric.name] += counter.committed or counter.attempted
    scored, bad, cut = (counts[name] for name in ("examples", lake.BAD, lake.CUT))
    if not scored + bad + cut:
        _take_back(chosen.output)
        raise InputError(f"--input={chosen.input} matches no file, or none with a record: check the pattern.")
    terminal.say(f"{scored:,} examples: {chosen.output}/clusters-*.parquet")
    if unseen := counts[lake.UNSEEN]:
        words = "value was" if unseen == 1 else "values were"
        terminal.say(f"{unseen:,} {words} not in training, and count{'s' * (unseen == 1)} as missing.")
    if bad:
        terminal.say(f"{bad:,} could not be scored, with the reason of each: {chosen.output}/errors-*.jsonl")
    if cut:
        files, them = ("1 file", "it") if cut == 1 else (f"{cut:,} files", "them")
        terminal.say(
            f"{files} could not be read to the end, and the rest of {them} is not scored, with the reason of each:"
            f" {chosen.output}/errors-*.jsonl"
        )


def _is_told(record):
    """Whether a line of the log is for the user: no stop, which has its sentence, and no client of BigQuery."""
    stopped = record.exc_info and isinstance(record.exc_info[1], KeyboardInterrupt)
    return not stopped and "bigquery client libraries" not in str(record.msg)


def _check_output(output):
    """Refuses a folder with somebody's files, and removes what a run that was stopped has left in an empty one."""
    if "://" not in output and Path(output).exists() and not Path(output).is_dir():
        raise InputError(f"--output={output} is a file, not a folder: give another.")
    others, left = _held(output)
    if others:
        raise InputError(f"--output={output} is not empty (it holds {others[0]}): give another, or empty it.")
    for path in left:
        shutil.rmtree(path)


def _held(output):
    """What lies in a folder of this machine: names of files, and folders that a run that was stopped has left."""
    if "://" in output or not Path(output).is_dir():
        return [], []
    paths = list(Path(output).iterdir())
    left = [path for path in paths if path.name.startswith("beam-temp-")]
    return [path.name for path in paths if path not in left], left


def _take_back(output):
    """Removes the empty files of a call without an example from a folder of this machine, which is new again."""
    if "://" not in output:
        for path in (*Path(output).glob("clusters-*.parquet"), *Path(output).glob("errors-*.jsonl")):
            path.unlink()


def _option(text):
    name, equals, value = text.removeprefix("--").partition("=")
    if not (name and equals):
        raise InputError(f"--beam is written as --beam=runner=FlinkRunner. Received: {text!r}.")
    return name, value


if __name__ == "__main__":
    cli.run(main)
