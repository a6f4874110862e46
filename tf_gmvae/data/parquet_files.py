"""Parquet: a file, or a folder of some that are one table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tf_gmvae.data import sizes
from tf_gmvae.data.image_tree import holds_images
from tf_gmvae.data.reading import reading
from tf_gmvae.errors import InputError, in_short

if TYPE_CHECKING:
    import pyarrow


def files(path: str | Path) -> list[Path]:
    """The Parquet files of a folder, sorted by name, or the one that it is.

    Args:
        path: A folder or a file.
    """
    path = Path(path)
    return sorted(path.glob("[!.]*.parquet")) if path.is_dir() else [path]


def is_parquet(path: str | Path) -> bool:
    """Whether a path is a Parquet file or a folder of some.

    Args:
        path: A path.

    Raises:
        InputError: If a folder holds pictures as well, so that nothing tells which of both are the data.
    """
    path = Path(path)
    if not path.is_dir():
        return path.suffix.lower() == ".parquet"
    found = files(path)
    if found and holds_images(path):
        raise InputError(
            f"{path} holds pictures and a table ({found[0].name}): move what is not to be clustered elsewhere."
        )
    return bool(found)


def read(path: str | Path) -> pyarrow.Table:
    """Reads a Parquet file, or all of a folder as one table.

    Args:
        path: A folder that has some, or a file.

    Raises:
        InputError: If one is damaged, they do not fit each other, or are too large for the memory.
    """
    import pyarrow.parquet

    unpacked = 0
    for file in files(path):
        with reading(file, "a Parquet file", "write it again"), pyarrow.parquet.ParquetFile(file) as opened:
            unpacked += _unpacked(opened.metadata)
    sizes.check(path, unpacked)
    tables = []
    for file in files(path):
        with reading(file, "a Parquet file", "write it again"):
            tables.append(pyarrow.parquet.read_table(file))
    return joined(tables, path)


def joined(tables: Sequence[pyarrow.Table], path: str | Path) -> pyarrow.Table:
    """Rows of several files as those of one table.

    Args:
        tables: list of `pyarrow.Table`. A column that some lack is missing in their rows; one that only some have
            as a category of pandas becomes what its levels are.
        path: of the folder, for the message.

    Raises:
        InputError: if they do not fit each other.
    """
    import pyarrow

    types: dict[str, set[pyarrow.DataType]] = {}
    for table in tables:
        for name, kind in zip(table.schema.names, table.schema.types, strict=True):
            types.setdefault(name, set()).add(kind)
    differing = {name for name, kinds in types.items() if len(kinds) > 1}
    try:
        decoded = [_decoded(table, differing) for table in tables]
        return pyarrow.concat_tables(decoded, promote_options="permissive")
    except pyarrow.ArrowException as error:
        raise InputError(
            f"{path} has files of other columns or types ({in_short(error)}): put those of one "
            "table into one folder."
        ) from None


def _decoded(table, names):
    """A table in which columns of these names are no dictionaries."""
    import pyarrow

    for place, field in enumerate(table.schema):
        if field.name in names and pyarrow.types.is_dictionary(field.type):
            table = table.set_column(place, field.name, table.column(place).cast(field.type.value_type))
    return table


def _unpacked(metadata):
    """Bytes of a Parquet file in memory: a value that is repeated a billion times takes none in the file."""
    groups = (metadata.row_group(number).total_byte_size for number in range(metadata.num_row_groups))
    return max(sum(groups), 4 * metadata.num_rows * metadata.num_columns)
