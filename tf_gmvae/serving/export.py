"""From a trained model to a SavedModel that TensorFlow Serving takes as it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from tf_gmvae.errors import NOTHING_TO_EXPORT, InputError
from tf_gmvae.serving import card, networks, signatures, versions, warmup

if TYPE_CHECKING:
    from tf_gmvae.model.gmvae import GMVAE


# Beside the SavedModel: what columns and clusters are, for whoever asks it about data in files.
RECORD = "assets.extra/tf_gmvae.json"


def export(
    model: GMVAE, path: str | Path, description: str = "", clusters: Mapping[str, Any] | None = None
) -> Path:
    """Writes the next version of a served model.

    `path/1/`, `path/2/`, ... are SavedModels. Each appears whole, by one rename: a server which polls the folder
    never finds half of one, and a killed export leaves no version. `path/latest` links to the newest. Several
    exports to one place may run at a time. A version holds besides the SavedModel

    - `assets.extra/tf_serving_warmup_requests`, requests that TensorFlow Serving replays when it loads it;
    - `assets.extra/tf_gmvae.json`, the columns of a table, what uint8 are divided by, and `clusters`;
    - `model_card.md`, also among its assets.

    Loading one needs TensorFlow alone: `tf.saved_model.load(f"{path}/latest")`. Its signatures are in the model
    card; `docs/serving.md` tells how to ask them.

    Args:
        model: built `GMVAE`, or a subclass, which answers by its own methods; it is left as it is. Where `call` of
            a subclass returns a dictionary, its tensors are outputs of `cluster`, besides the others or, if they
            have the name of one, in its place.
        path: folder of the versions, on this machine; its last part names the model in the card and in recorded
            requests.
        description: Markdown for the model card: data, settings, scores. Default none.
        clusters: dict that JSON can hold, of what is known of the clusters: "names", a list of K texts;
            "outlier_below", the ELBO in nats below which an example is unlike all others; "linkage", the tree of
            the clusters, see `hierarchy.Hierarchy`; "binarize", what training did to images, see
            `data.to_batches`; "id_column", the name of the column by which rows are known. Default None.

    Returns:
        `Path` of the version written.

    Raises:
        InputError: if the model is not built yet, if its `call` returns no tensors with names, or if the folder
            cannot be written, as that of a bucket.

    Example:
        >>> model = tf_gmvae.GMVAE.from_preset("synthetic", num_components=3, seed=0)
        >>> tf_gmvae.export(model, "saved_models/arcs").as_posix()
        'saved_models/arcs/1'
    """
    if not hasattr(model, "prior_head"):
        raise InputError(f"export takes a GMVAE. Received: {type(model).__name__}.")
    if not model.built:
        raise InputError(NOTHING_TO_EXPORT)
    path, columns = Path(path), getattr(model.likelihood, "columns", None)
    record = {
        "columns": None if columns is None else columns.as_config(),
        "uint8_scale": model.likelihood.uint8_scale,
        **(clusters or {}),
    }
    try:
        text = json.dumps(record, ensure_ascii=False)
    except TypeError as error:
        raise InputError(f"`clusters` must be a dict that JSON can hold ({error}): make it of lists.") from None
    versions.check_place(path)
    served = networks.serving_copy(model)
    # Traced before anything is written: not every subclass can be exported.
    asked = {
        key: (found.function.get_concrete_function(), found.about) for key, found in signatures.of(served).items()
    }
    with versions.new_version(path) as version:
        _save(served, asked, version.partial, path.resolve().name, description)
        (version.partial / RECORD).write_text(text, encoding="utf-8")
    return path / str(version.number)


def _save(model, asked, folder, name, description):
    functions = {key: function for key, (function, _) in asked.items()}
    page = folder / card.FILE
    page.write_text(card.text(model, asked, name, description), encoding="utf-8")

    module = tf.Module(name="gmvae")
    # TensorFlow's own variables: the layers around them would be recorded with their classes.
    weights = (weight for function in functions.values() for weight in function.variables)
    module.weights = list({id(weight): weight for weight in weights}.values())
    module.card = tf.saved_model.Asset(page)
    tf.saved_model.save(module, folder, signatures=functions)
    warmup.write(folder / warmup.PATH, functions, model, name)
