"""The methods that Table 1 of the paper compares with, and one that came after it, as small Keras models.

Each is a `ClusteringMethod` in a file of its own: `fit(examples)`, `predict(examples)`, and saved as any Keras
model. They share data, scores and tables with `GMVAE`, so that all stand under one protocol.

| name | method | source |
| --- | --- | --- |
| dec | Deep Embedded Clustering | Xie et al., arXiv 1511.06335 |
| aae | Adversarial Autoencoder, unsupervised clustering | Makhzani et al., arXiv 1511.05644 |
| catgan | Categorical GAN, unsupervised | Springenberg, arXiv 1511.06390 |
| vade | Variational Deep Embedding | Jiang et al., arXiv 1611.05148 |

Example:
    >>> table = np.random.default_rng(0).normal(size=(200, 4)).astype("float32")
    >>> model = tf_gmvae.methods.AAE((4,), num_components=3)
    >>> history = model.fit(table, epochs=1, verbose=0)
    >>> model.predict(table, verbose=0).shape
    (200, 3)
"""

from tf_gmvae.errors import InputError
from tf_gmvae.methods.aae import AAE
from tf_gmvae.methods.catgan import CatGAN
from tf_gmvae.methods.dec import DEC
from tf_gmvae.methods.method import ClusteringMethod
from tf_gmvae.methods.vade import VaDE

METHODS: dict[str, type[ClusteringMethod]] = {"dec": DEC, "aae": AAE, "catgan": CatGAN, "vade": VaDE}

__all__ = ["AAE", "DEC", "METHODS", "CatGAN", "ClusteringMethod", "VaDE", "get"]


def get(name: str) -> type[ClusteringMethod]:
    """The class of a method.

    Args:
        name: "dec", "aae", "catgan" or "vade".

    Returns:
        Subclass of `ClusteringMethod`.

    Raises:
        InputError: if there is none of that name.
    """
    if name not in METHODS:
        raise InputError(f"Unknown method {name!r}: choose one of {', '.join(METHODS)}.")
    return METHODS[name]
