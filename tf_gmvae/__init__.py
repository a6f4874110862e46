"""tf-gmvae: unsupervised clustering with Gaussian mixture variational autoencoders, in Keras.

The model is that of Dilokthanakul et al., "Deep Unsupervised Clustering with Gaussian Mixture Variational
Autoencoders" (arXiv 1611.02648). The paper's letters and the names used here:

| paper | meaning | shape | name in code |
| --- | --- | --- | --- |
| y | observed data | (B, H, W, C) or (B, F) | `examples` |
| x | continuous latent the decoder reads | (M, B, D), D = N_x | `x`, `latent_dim` |
| w | "style" latent that shapes the mixture | (M, B, W), W = N_w | `w`, `style_dim` |
| z | mixture component, one of K | (M, B, K) | `z`, `component`, `num_components` |
| M | Monte Carlo samples for each example | | `num_samples` |
| K | components | | `num_components` |
| lambda | minimum information constraint on the z-prior term, nats | | `min_information` |
| p(z = k given x, w) | responsibilities, Eq. 3 | (M, B, K) | `log_resp` |
| theta | decoder p(y given x) | | `decoder`, `likelihood` |
| beta | mixture prior head p(x given w, z) | | `prior_head` |
| phi | recognition model q(x, w given y) | | `encoder`, `x_head`, `w_head` |

All terms are in nats, summed over dimensions and averaged over the batch.

Rooms: `model` (GMVAE), `start` (its start, `initialize`), `clustering` (`cluster` and the estimator,
`GMVAEClusterer`), `callbacks`, `data` (in memory, tf.data), `tables` (columns of several kinds and their
likelihood), `evaluation` (scores, diagnostics, baselines, of arrays), `figures`, `report` (the page of a run),
`serving` (to TensorFlow Serving, `export`), `priors` (of w and z). Modules that all share: `objective` (pure
functions, Eq. 3 to 7), `likelihoods`, `distributions` (TensorFlow Probability), `presets`, `optimizer`,
`sign_descent`, `initial_weights`, `inputs` (forms and scale of data), `checks`, `errors`, `disk`, `interrupts`,
`terminal` (lines and bars for who waits), `quiet` (TensorFlow's notes).
"""

import os

from tf_gmvae import quiet

# TensorFlow leaves its faster CPU kernels off on many processors; the variable is read at the first
# operation. Who has set it keeps their choice.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

_backend = os.environ.setdefault("KERAS_BACKEND", "tensorflow")
if _backend == "tensorflow":
    with quiet.while_loading():
        import keras

    _backend = keras.backend.backend()  # another one, if Keras was imported earlier under its own settings
if _backend != "tensorflow":
    raise ImportError(
        f"tf_gmvae trains with TensorFlow, but Keras is set to run on {_backend!r}: set the environment variable "
        "KERAS_BACKEND=tensorflow before Python starts."
    )

from typing import TYPE_CHECKING, Any

from tf_gmvae import data, evaluation, initial_weights, methods, priors
from tf_gmvae.callbacks.collapse_watch import CollapseWatch
from tf_gmvae.clustering.cluster import Clustering, cluster
from tf_gmvae.errors import InputError, TrainingDivergedError
from tf_gmvae.model.gmvae import GMVAE
from tf_gmvae.serving.export import export
from tf_gmvae.sign_descent import SignDescent
from tf_gmvae.version import __version__

if TYPE_CHECKING:
    from tf_gmvae.clustering.estimator import GMVAEClusterer

__all__ = [
    "GMVAE",
    "Clustering",
    "CollapseWatch",
    "GMVAEClusterer",
    "InputError",
    "SignDescent",
    "TrainingDivergedError",
    "__version__",
    "cluster",
    "data",
    "evaluation",
    "export",
    "initial_weights",
    "methods",
    "priors",
]


def __getattr__(name: str) -> Any:
    """Loads the estimator, and scikit-learn with it, once somebody asks for it."""
    if name == "GMVAEClusterer":
        from tf_gmvae.clustering.estimator import GMVAEClusterer

        return GMVAEClusterer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
