"""Rows of numbers in a .npy file of any size, written one after the other and read as they are asked for."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import IO

import numpy as np


def write(file: IO[bytes], shape: tuple[int, int], parts: Iterable[np.ndarray]) -> None:
    """Writes rows as `np.save` would write the array of all.

    Args:
        file: open file.
        shape: pair (N, K).
        parts: arrays (n, K) of N rows together.
    """
    header = {"descr": "<f4", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
    for part in parts:
        file.write(np.ascontiguousarray(part, "<f4").tobytes())


class Rows:
    """The rows of such a file.

    Attributes:
        shape: pair (N, K).

    Args:
        path: path of the file.

    Raises:
        ValueError: if it is no such file, or cut short.
        OSError: if it cannot be read.
    """

    def __init__(self, path: str | Path) -> None:
        self._file = open(path, "rb")  # noqa: SIM115 - open as long as rows are asked for
        if np.lib.format.read_magic(self._file) != (1, 0):
            raise ValueError("it is of another version")
        self.shape, in_columns, dtype = np.lib.format.read_array_header_1_0(self._file)
        if in_columns or dtype != np.dtype("<f4") or len(self.shape) != 2:
            raise ValueError(f"it holds {dtype} of shape {self.shape}")
        self._begin, self._row_bytes = self._file.tell(), 4 * self.shape[1]
        if os.fstat(self._file.fileno()).st_size < self._begin + self.shape[0] * self._row_bytes:
            raise ValueError("it is cut short")

    def take(self, numbers: np.ndarray) -> np.ndarray:
        """Some rows.

        Args:
            numbers: array (B,) of integers.

        Returns:
            Float32 array (B, K).
        """
        # Without a map of the file, of which every page that was ever looked at would count as memory in use.
        places = (self._begin + int(number) * self._row_bytes for number in numbers)
        found = b"".join(os.pread(self._file.fileno(), self._row_bytes, place) for place in places)
        return np.frombuffer(found, "<f4").reshape(len(numbers), -1).astype("float32")
