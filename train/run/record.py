"""Settings that are flags, and a flag file beside what was made by them."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from absl import flags

from tf_gmvae.data.load import is_named
from tf_gmvae.errors import InputError

if TYPE_CHECKING:
    from typing_extensions import Self

# Flags whose values are paths, or may be.
PATHS = ("dataset", "guide_labels")
# TensorFlow holds seeds in 64 bits, and some are counted up from this one.
LARGEST_SEED = 2**62


class Record:
    """Base of frozen dataclasses with one attribute a flag.

    A subclass has attributes `dataset` and `data_dir`, and defines the flags of all its attributes in `define`.

    Attributes:
        MAY_CHANGE: tuple of the names of what may differ when a run goes on: nothing of it changes a step.
        LEFT_OPEN: tuple of the names of what is chosen by the data, if the user does not, or may be of no use.
    """

    MAY_CHANGE: ClassVar[tuple[str, ...]] = ()
    LEFT_OPEN: ClassVar[tuple[str, ...]] = ("image_size",)
    dataset: str
    data_dir: str | None

    @classmethod
    def define(cls, flag_values: flags.FlagValues = flags.FLAGS) -> None:
        """Defines the flags.

        Args:
            flag_values: where to define them. Default: those of the process.
        """
        raise NotImplementedError

    @classmethod
    def from_flags(cls, flag_values: flags.FlagValues) -> Self:
        """The settings of parsed flags.

        Args:
            flag_values: an absl `FlagValues` on which `define` was called.

        Returns:
            Settings of this class.

        Raises:
            InputError: if no data set is named.
        """
        if not flag_values.dataset:
            raise InputError(
                "Name the data: --flagfile=digits.flags, or --dataset= with digits, mnist, fashion_mnist, svhn, "
                "synthetic, tfds:NAME, or the path of a table (.csv, .tsv, .parquet, .feather), a .npz or .npy "
                "file or a folder of images."
            )
        values: dict[str, Any] = {field.name: flag_values[field.name].value for field in fields(cls)}  # type: ignore[arg-type]
        return cls(**values)

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """The settings that were stored as `as_flags`.

        Args:
            path: path of the flag file.

        Returns:
            Settings of this class.

        Raises:
            InputError: if the file is missing or holds unknown flags.
            OSError: if it may not be read.
        """
        flag_values = flags.FlagValues()
        cls.define(flag_values)
        if not Path(path).is_file():
            raise InputError(f"{Path(path).parent} is not a run: it has no {Path(path).name}.")
        with open(path, "rb"):  # of one that may not be read, absl knows no line to mend
            pass
        try:
            flag_values(["", f"--flagfile={path}"])
        except (flags.Error, ValueError) as error:  # the second of bytes that are no text, and of --noname=value
            if getattr(error, "flagname", None) == "method":
                raise InputError(
                    f"{Path(path).parent} is a run of train.method, and this command takes those of train.main."
                ) from None
            raise InputError(f"{path} cannot be read ({in_words(error)}): mend that line.") from None
        return cls.from_flags(flag_values)

    @property
    def data_name(self) -> str:
        """What the data are called in the name of a run."""
        path = Path(self.dataset.replace(":", "-")).expanduser()
        if path.name in ("", ".."):  # "." and the like; what they are called is known to the file system alone
            path = path.resolve()
        return path.stem.lstrip(".") or "data"

    @property
    def is_there(self) -> bool:
        """Whether the data are where their path says, or are known by a name."""
        return is_named(self.dataset) or Path(self.dataset).expanduser().exists()

    @property
    def found(self) -> Self:
        """The same settings where the data are now: those of one's own that have moved, in `data_dir`."""
        return self if self.is_there or self.data_dir is None else self.with_data_in(self.data_dir)

    def with_data_in(self, data_dir: str) -> Self:
        """The same settings where the data are now in another folder.

        Args:
            data_dir: path of the folder; of data of one's own, that which holds their file or folder, or these
                themselves under their old name.

        Returns:
            Settings of this class.
        """
        moved = moved_to(data_dir, self.dataset)
        if is_named(self.dataset) or moved is None:
            return replace(self, data_dir=data_dir)  # type: ignore[type-var]
        return replace(self, dataset=str(moved))  # type: ignore[type-var]

    @property
    def shareable(self) -> Self:
        """The same settings without where the data lay, which is nobody's affair who is shown the run."""
        is_path = not self.dataset.startswith("tfds:")
        dataset = os.path.basename(os.path.abspath(os.path.expanduser(self.dataset))) if is_path else self.dataset
        return replace(self, dataset=dataset, data_dir=None)  # type: ignore[type-var]

    def as_flags(self) -> str:
        """The settings as the text of a flag file."""
        given = {name: value for name, value in self.as_dict().items() if value is not None}
        return "".join(f"--{name}={value}\n" for name, value in given.items())

    def as_dict(self) -> dict[str, Any]:
        """The settings by the names of their flags."""
        return asdict(self)  # type: ignore[call-overload]

    def check_same(
        self,
        stored: Self,
        run: str = "The run",
        mend: str = "resume it with its own flags, or give another --name",
        but: Collection[str] = (),
    ) -> None:
        """Checks that a run may go on under these settings.

        Args:
            stored: the settings it began with.
            run: text, what the message calls it. Default "The run".
            mend: text, what the message says to do. Default: for a run that is named by `--name`.
            but: names of what may differ besides `MAY_CHANGE`. Default none.

        Raises:
            InputError: naming the first flag that differs. Two spellings of one path are the same, and so is
                another place of the table of known examples, once it is no more where it was.
        """
        for name, value in self.as_dict().items():
            began_with = getattr(stored, name)
            if name in self.MAY_CHANGE or name in but or value == began_with:
                continue
            if name in PATHS and None not in (value, began_with) and _place(value) == _place(began_with):
                continue
            if name == "guide_labels" and None not in (value, began_with) and _has_moved(began_with, value):
                continue
            if name == "dataset" and not is_named(began_with):
                moved = f"--dataset={began_with} and --data_dir= with the folder that holds them now"
                mend = f"if its data have moved, give {moved}; {mend}"
            raise InputError(
                f"{run} began with --{name}={began_with} and cannot go on with --{name}={value}: {mend}."
            )


def moved_to(data_dir: str, path: str) -> Path | None:
    """Where a file or folder of one's own is now, under its old name.

    Args:
        data_dir: path of the folder that holds it now, or of the folder itself.
        path: where it was.

    Returns:
        Path, or None where it is in neither place.
    """
    folder, name = Path(data_dir).expanduser(), Path(path).name
    places = [folder / name, *([folder] if folder.name == name else [])]
    return next((place for place in places if place.exists()), None)


def _place(name):
    """Where a path leads; a name of data stays what it is."""
    return name if is_named(name) else Path(name).expanduser().resolve()


def _has_moved(path, place):
    """Whether a file that is no more where it was may be the one of its name in another place."""
    return Path(path).name == Path(place).name and not Path(path).expanduser().exists()


def in_words(error: Exception) -> str:
    """What is wrong with a flag, without the marks of absl.

    Args:
        error: what reading the flags raised.

    Returns:
        Text without a full stop.
    """
    message = " ".join(str(error).removeprefix("ERROR:: ").split()).removesuffix(".")
    # Of flags that are on or off, absl shows the error as Python does.
    return re.sub(r"\('Non-boolean argument to boolean flag', .*\)$", "neither true nor false", message)


def define_data(flag_values: flags.FlagValues) -> None:
    """Defines the flags that say where the data come from.

    Args:
        flag_values: where to define them.
    """
    define_from: dict[str, Any] = {"flag_values": flag_values}
    flags.DEFINE_string(
        "dataset",
        None,
        "digits, mnist, fashion_mnist, svhn, synthetic, tfds:NAME, or the path of a table (.csv, .tsv, .parquet, "
        ".feather), a .npz or .npy file, a folder of images or of Parquet files, or of shards (train.shards).",
        **define_from,
    )
    flags.DEFINE_string(
        "data_dir",
        None,
        "Folder with the original files; else TensorFlow Datasets is asked. Of data of your own that have moved, "
        "the folder that holds their file or folder now.",
        **define_from,
    )
    flags.DEFINE_integer(
        "image_size",
        None,
        "Resize images of a folder or file to a square of this many pixels; chosen where they need one.",
        1,
        **define_from,
    )
    flags.DEFINE_integer("channels", None, "1 (grey) or 3 (RGB), for a folder of images.", 1, 3, **define_from)
    flags.DEFINE_string(
        "columns", None, "Of a table: the columns to find clusters in, with commas; by default all.", **define_from
    )
    flags.DEFINE_string(
        "label_column", None, "Of a table: the column of known classes, used for scores alone.", **define_from
    )
    flags.DEFINE_string("id_column", None, "Of a table: the column by which rows are known.", **define_from)
    flags.DEFINE_string(
        "kinds",
        None,
        "Of a table: kinds of columns where a guess would be wrong, as age:real,region:category; a kind is real, "
        "count, yes_no or category.",
        **define_from,
    )
    flags.DEFINE_bool("skip_broken", False, "Leave out images of a folder that cannot be read.", **define_from)
    flags.DEFINE_bool(
        "series", False, "Take (N, T) and (N, T, C) of a file for series, not tables and images.", **define_from
    )
