"""All examples of a run, one by one as somebody asks for them: what `train.explore` serves."""

from __future__ import annotations

import hashlib
import io
import threading
from dataclasses import replace
from typing import Any

import numpy as np

from tf_gmvae import explorer
from tf_gmvae.data.split import Split
from tf_gmvae.explorer.contents import LIKELIEST, NEAREST, contents, num_columns
from tf_gmvae.explorer.exploration import MOST
from tf_gmvae.explorer.page import page_of
from tf_gmvae.explorer.sheets import smaller
from tf_gmvae.figures.image_sheets import Pixels
from tf_gmvae.sampling import drawn
from tf_gmvae.start import latent_map
from train.run import explorer as pages
from train.run import kept, known_answers, pictures
from train.run.run import Run

# Pixels of the longest side of an image that is sent; examples with one id that are listed.
LONGEST, MOST_FOUND = 256, 50


class ChangedElsewhereError(Exception):
    """Names and marks that would replace others which their page has never shown."""


class Live:
    """Every example of a run's data by its row: first those of the training part, then those of the test part.

    The map is of at most `explorer.exploration.MOST` examples, drawn by the seed of the run. Of all others is held
    what clusters.parquet says of them, and nothing else.

    Args:
        run: `Run`.

    Raises:
        InputError: if the run has no clusters.parquet, or one of other data.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        parts = {"train": run.dataset.train, "test": run.dataset.test}
        self.splits = {name: split for name, split in parts.items() if split is not None}
        self.answers = known_answers.read(run, self.splits)
        self._written = known_answers.stamp(run)
        self.lock = threading.Lock()  # readers of shards, and TensorFlow's tracing, are for one at a time
        self._order: dict[int, np.ndarray] = {}
        rows = drawn(len(self.answers["id"]), MOST, run.settings.seed)
        sample = self._take(rows)
        self.findings = pictures.findings_of(run, sample, run.model.examine(run.batches(sample)), {})
        self.rows = rows
        self._pixels = Pixels(sample.examples, self.findings.uint8_scale) if self.findings.of_images else None
        self._known = self._contents()
        self.page()  # says what is wrong before anybody asks

    @property
    def num_examples(self) -> int:
        """Of all parts of the data."""
        return len(self.answers["id"])

    @property
    def num_components(self) -> int:
        """K."""
        return self.run.model.num_components

    @property
    def of_images(self) -> bool:
        """Whether examples can be shown as images."""
        return self._pixels is not None

    def page(self) -> explorer.Page:
        """The page, which asks for the rest; with the names and marks that are kept by now."""
        folder = self.run.folder
        with self.lock:
            record = kept.read(folder.kept) if folder.kept.is_file() else None
            revision = self.revision()
        return page_of({**self._known, "kept": record, "revision": revision})

    def revision(self) -> str:
        """What stands for the names and marks as they are kept now."""
        path = self.run.folder.kept
        return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "none"

    def example(self, row: int) -> dict[str, Any]:
        """All that is known of an example.

        Args:
            row: its number.

        Returns:
            Dict that JSON can hold.
        """
        run, model, split = self.run, self.run.model, self._take(np.array([row]))
        with self.lock:
            seen = model.examine(run.batches(split))
            decoded = None if self._pixels else model.reconstruct(run.batches(split)).reshape(-1)
        posterior = seen.posterior[0]
        order = np.argsort(-posterior, kind="stable")[:LIKELIEST]
        distances = ((self.findings.x - seen.x[0]) ** 2).sum(axis=1)
        near = [r for r in self.rows[np.argsort(distances, kind="stable")[: NEAREST + 1]] if r != row]
        shown = slice(num_columns(self.findings))
        return {
            **self.brief([row])[0],
            "posterior": [[int(k), float(posterior[k])] for k in order],
            "neighbours": self.brief(near[:NEAREST]),
            "values": None if self._pixels else _numbers(split.examples.reshape(-1)[shown]),
            "decoded": None if decoded is None else _numbers(decoded[shown]),
            "decodes": True,
        }

    def brief(self, rows: Any) -> list[dict[str, Any]]:
        """What is said of examples in short.

        Args:
            rows: their numbers.

        Returns:
            List of dicts that JSON can hold.
        """
        labels = self._take(np.asarray(rows, int)).labels if len(rows) else None
        name = self.findings.class_name
        answers = self.answers
        return [
            {
                "row": int(row),
                "id": str(answers["id"][row]),
                "part": str(answers["split"][row]),
                "cluster": int(answers["cluster"][row]),
                "certainty": float(answers["probability"][row]),
                "elbo": float(answers["elbo"][row]),
                "label": None if labels is None else name(int(labels[i])),
            }
            for i, row in enumerate(rows)
        ]

    def members(self, cluster: int, begin: int, size: int) -> dict[str, Any]:
        """Members of a cluster, the most certain first and, among equals, the most likely.

        Args:
            cluster: k.
            begin: how many are passed over.
            size: how many are told of.

        Returns:
            Dict that JSON can hold: count, of all, and members.
        """
        if cluster not in self._order:
            members = np.flatnonzero(self.answers["cluster"] == cluster)
            certain, elbo = self.answers["probability"][members], self.answers["elbo"][members]
            self._order[cluster] = members[np.lexsort((-elbo, -certain))]
        found = self._order[cluster]
        return {"count": len(found), "members": self.brief(found[begin : begin + size])}

    def find(self, name: str) -> list[dict[str, Any]]:
        """Examples of an id: parts of the data may each have one.

        Args:
            name: the id.

        Returns:
            List as `brief`.
        """
        return self.brief(np.flatnonzero(self.answers["id"] == name)[:MOST_FOUND])

    def picture(self, row: int, decoded: bool) -> bytes:
        """An image, or its reconstruction; of data that are images.

        Args:
            row: number of the example.
            decoded: whether the reconstruction is wanted.

        Returns:
            Bytes of a PNG.
        """
        from PIL import Image

        assert self._pixels is not None
        split = self._take(np.array([row]))
        examples = split.examples
        if decoded:
            with self.lock:
                examples = self.run.model.reconstruct(self.run.batches(split))
        encoded = io.BytesIO()
        Image.fromarray(smaller(self._pixels(examples), LONGEST)[0]).save(encoded, "PNG")
        return encoded.getvalue()

    def keep(self, text: bytes, revision: str | None) -> str:
        """Stores names and marks in the folder of the run.

        Args:
            text: JSON, as `kept.parse` takes it.
            revision: of those that the page has shown.

        Returns:
            The revision of those that are kept now.

        Raises:
            ValueError: if it is something else; `InputError`, if it names a cluster that there is not.
            ChangedElsewhereError: if another page has kept others since, or the run is another.
            OSError: if it cannot be written.
        """
        record = kept.as_text(kept.parse(text), self.num_components)
        with self.lock:
            if known_answers.stamp(self.run) != self._written:
                raise ChangedElsewhereError("The run has been written anew: start train.explore again.")
            if revision != self.revision():
                raise ChangedElsewhereError("Another page has kept names or marks since: load this page again.")
            self.run.folder.write_whole(self.run.folder.kept, record)
            return self.revision()

    def _contents(self):
        """What the page knows before it asks."""
        run, answers = self.run, self.answers
        return contents(
            explorer.Exploration(
                findings=self.findings,
                points=latent_map.plane(self.findings.x, run.settings.seed),
                ids=answers["id"][self.rows],
                parts=answers["split"][self.rows],
                total=self.num_examples,
                reconstructions=None,
                planes=pages.planes(run, self.findings.posterior),
                places=pages.PLACES,
                columns=pages.columns_of(run.dataset),
                names=run.folder.read_clusters().get("names"),
                rows=self.rows,
                counts=np.bincount(answers["cluster"], minlength=self.num_components),
                clusters=answers["cluster"][self.rows],
                certainty=answers["probability"][self.rows],
            )
        )

    def _take(self, rows):
        """The examples of some rows, in their order, as one split."""
        taken, begin = [], 0
        where = np.argsort(np.argsort(rows, kind="stable"), kind="stable")
        ordered = np.sort(rows)
        with self.lock:
            for split in self.splits.values():
                own = ordered[(ordered >= begin) & (ordered < begin + split.num_examples)] - begin
                begin += split.num_examples
                if len(own):
                    taken.append(split.take(own))
        labels = [each.labels for each in taken if each.labels is not None]
        together = Split(
            np.concatenate([each.examples for each in taken]),
            # A part may have none.
            np.concatenate(labels) if len(labels) == len(taken) else None,
            missing=taken[0].missing,
        )
        return replace(together.take(where), ids=None)


def _numbers(values):
    """As JSON has them: None for what is missing."""
    return [float(value) if np.isfinite(value) else None for value in values]
