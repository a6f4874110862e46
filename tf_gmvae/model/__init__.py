"""The model: one class, `GMVAE`, and what it is made of.

- `gmvae`: the class: how it is built, and its posterior.
- `computation`: what it computes from a batch.
- `training`: behind `compile`, `fit`, `evaluate` and `predict`.
- `inference`: what a trained model answers.
- `saving`: how Keras writes and reads it.
- `own_networks`: encoders and decoders that users bring along.
- `traced`: methods that TensorFlow traces, until the model is compiled anew.
- `compiled`: the terms of the ELBO by XLA, for many components.
- `replicas`: steps and means that are the same however many replicas share a batch.
"""

from tf_gmvae.model.gmvae import GMVAE

__all__ = ["GMVAE"]
