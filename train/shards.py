"""Makes shards of data that are larger than the memory, for train.main to read from the disk.

For example `python -m train.shards --dataset=pictures --output=shards`, then `train.main --dataset=shards`.
"""

from __future__ import annotations

import os
from pathlib import Path
from shlex import quote

from absl import flags

from tf_gmvae import terminal
from tf_gmvae.data.image_tree import named
from tf_gmvae.data.shards import manifest
from tf_gmvae.data.shards.split import ShardedSplit
from tf_gmvae.data.streams import writing
from tf_gmvae.data.streams.opening import open_source
from tf_gmvae.errors import InputError
from train import cli
from train.run import lock
from train.run.loading import options_of
from train.run.record import define_data

define_data(flags.FLAGS)
flags.DEFINE_string("output", None, "Folder to write into, new or empty; a run that was killed goes on there.")
flags.DEFINE_integer("processes", None, "Processes that read and write; by default one a core.", lower_bound=1)
flags.DEFINE_string("check", None, "In place of all others: folder of shards whose check sums are to be compared.")


def main() -> None:
    """Writes shards, or checks them."""
    chosen = flags.FLAGS
    if chosen.check is not None:
        _check(chosen.check)
        return
    if chosen.dataset is None or chosen.output is None:
        raise InputError("Say what to read and where to write: --dataset= and --output=.")
    output = Path(chosen.output)
    options = {**options_of(chosen), "image_size": chosen.image_size or "auto"}
    with lock.held(output):
        source = open_source(chosen.dataset, chosen.data_dir, **options)
        total = len(source.pieces)
        terminal.say(f"{chosen.dataset}: {total:,} file{'s' * (total > 1)} of shards to write.")
        made_of = {"dataset": str(chosen.dataset), "options": options, "files": total}
        with terminal.step("Writing shards", total) as reached:
            try:
                written = writing.write_shards(
                    source, output, made_of, chosen.processes or os.cpu_count() or 1, reached
                )
            except KeyboardInterrupt as stop:
                raise type(stop)("Stopped; the same command goes on with the files that are missing.") from None
    dataset = manifest.load_shards(output)
    for name, split in (("training", dataset.train), ("test", dataset.test)):
        if split is not None:
            terminal.say(f"{split.num_examples:,} {name} examples of {split.data_shape}")
    if dataset.skipped:
        terminal.say(
            f"{len(dataset.skipped):,} cannot be read as images and are left out: {named(dataset.skipped)}."
        )
    for name, count in written["unseen"].items():
        values = f"{count:,} values count" if count > 1 else "1 value counts"
        terminal.say(f"Column {name!r} holds what it did not in the rows that describe it: {values} as missing.")
    terminal.say(f"Train on them: python -m train.main --dataset={quote(str(output))} --num_components=10")


def _check(folder):
    if not manifest.has_shards(folder):
        raise InputError(f"--check={folder} is no folder of finished shards: give the --output of train.shards.")
    dataset = manifest.load_shards(folder)
    splits = (dataset.train, dataset.test)
    files = [file for split in splits if isinstance(split, ShardedSplit) for file in split.files]
    with terminal.step("Comparing check sums", len(files)) as reached:
        for count, file in enumerate(files, 1):
            if writing.checksum(file.path) != file.sha256:
                raise InputError(f"{file.path} is not what was written: copy or make the shards again.")
            reached(count)
    terminal.say(
        f"All {len(files):,} files are as they were written." if files[1:] else "The file is as it was written."
    )


if __name__ == "__main__":
    cli.run(main)
