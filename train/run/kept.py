"""Names and marks that a person has given on the page to explore: how they are kept, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tf_gmvae.data.reading import reading
from tf_gmvae.errors import InputError

# Letters of a name. What is longer is no name but a mistake. The page sends the names that came with the run, too,
# and one that is refused would keep all others from being kept.
LONGEST = 10_000


def parse(text: str | bytes) -> dict[str, Any]:
    """Names and marks from JSON.

    Args:
        text: JSON of an object with the lists "names", of cluster and name (empty where one was taken off), and
            "marked", of id, split, cluster and name (empty where nobody said what the example should be called).

    Returns:
        Dict of these two lists, of dicts with these keys alone.

    Raises:
        ValueError: if it is something else.
    """
    record = json.loads(text)
    if not (isinstance(record, dict) and isinstance(record.get("names"), list)):
        raise ValueError("it has no list 'names'")
    marked = record.get("marked", [])
    if not isinstance(marked, list):
        raise ValueError("its 'marked' is no list")
    named = [_only(each, cluster=int, name=str) for each in record["names"]]
    marked = [_only(each, id=str, split=str, cluster=int, name=str) for each in marked]
    return {"names": named, "marked": marked}


def read(path: str | Path) -> dict[str, Any]:
    """Names and marks from a file.

    Args:
        path: .json file, as the page makes it.

    Returns:
        As `parse`.

    Raises:
        InputError: if it cannot be read.
    """
    with reading(path, "names and marks of an explorer", "take them away from the page again"):
        return parse(Path(path).read_bytes())


def as_text(kept: dict[str, Any], num_components: int) -> str:
    """The text of the file.

    Args:
        kept: answer of `parse`.
        num_components: K.

    Returns:
        JSON text.

    Raises:
        InputError: if a cluster is named that there is not.
    """
    for each in (*kept["names"], *kept["marked"]):
        if not 0 <= each["cluster"] < num_components:
            raise InputError(f"There is no cluster {each['cluster']}: they are 0 to {num_components - 1}.")
    return json.dumps(kept, indent=2, ensure_ascii=False) + "\n"


def _only(each, **kinds):
    found = {key: each[key] for key in kinds} if isinstance(each, dict) and kinds.keys() <= each.keys() else {}
    if not found or any(type(found[key]) is not kind for key, kind in kinds.items()):
        raise ValueError(f"an entry lacks one of {', '.join(kinds)}")
    if len(found["name"]) > LONGEST:
        raise ValueError(f"a name is longer than {LONGEST:,} letters")
    return found
