"""What a user could do instead, on the values themselves: scored once for data, method, K, seed and protocol."""

import functools
import json
import time
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from tf_gmvae import data, evaluation, terminal
from tf_gmvae.evaluation import floors
from train.paper.cells import Row
from train.run.folder import RunFolder


class Floors:
    """The scores that lie in pixels.json beside the table.

    Args:
        runs_dir: text, folder of the table.
        dataset: `data.Dataset` with a labelled test part. Floors of other data stay in the file.
        features: as in `evaluation.floors.Floors`. Default None.

    Raises:
        InputError: if the file is damaged.
    """

    def __init__(
        self, runs_dir: str, dataset: data.Dataset, features: Callable[[np.ndarray], np.ndarray] | None = None
    ) -> None:
        self.dataset, self.features = dataset, features
        self.path = RunFolder(runs_dir).path / "pixels.json"
        self.found = self._stored()

    def metrics(self, row: Row, seed: int) -> dict[str, Any] | None:
        """The scores of one floor, or None if it was not computed yet.

        Args:
            row: `Row` of a floor.
            seed: integer.
        """
        same = self._key(row, seed).items()
        return next((floor for floor in self.found if same <= floor.items()), None)

    def compute(self, rows: Iterable[Row], seeds: Iterable[int]) -> None:
        """Computes what is missing, and stores it one by one.

        Args:
            rows: the `Row`s of floors.
            seeds: integers.
        """
        assert self.dataset.test is not None
        missing = [(row, seed) for row in rows for seed in seeds if self.metrics(row, seed) is None]
        for number, (row, seed) in enumerate(missing, start=1):
            began = time.perf_counter()
            with terminal.step(f"Floor {number} of {len(missing)}: {row.name(seed)}"):
                posterior = floors.CLUSTER[row.method](*self._seen, row.num_components, seed)
            computed = {
                **self._key(row, seed),
                "epochs": 0,
                "start_seconds": round(time.perf_counter() - began, 3),
                "train_seconds": 0.0,
                **evaluation.scores(posterior, self.dataset.test.labels),
                "table1_protocol": evaluation.TABLE1_PROTOCOL,
            }
            # A `--dry_run`, which locks nobody out, may have stored some since.
            self.found = [*self._stored(), computed]
            RunFolder.write_whole(self.path, json.dumps(self.found, indent=2) + "\n")

    def _stored(self):
        found = RunFolder.read_json(self.path, "remove it, and it is computed anew") or []
        # Those of earlier versions are found anew: by another protocol, or of no known data, seed or duration.
        return [
            floor
            for floor in found
            if floor.get("table1_protocol") == evaluation.TABLE1_PROTOCOL
            and {"data", "start_seconds"} <= floor.keys()
        ]

    @functools.cached_property
    def _seen(self) -> tuple[np.ndarray, np.ndarray]:
        assert self.dataset.test is not None
        train, test = self.dataset.train.examples, self.dataset.test.examples
        return (train, test) if self.features is None else (self.features(train), self.features(test))

    @functools.cached_property
    def _data(self) -> str:
        assert self.dataset.test is not None and self.dataset.test.labels is not None
        return floors.fingerprint(*self._seen, self.dataset.test.labels)

    def _key(self, row: Row, seed: int) -> dict[str, Any]:
        return {"method": row.method, "num_components": row.num_components, "seed": seed, "data": self._data}
