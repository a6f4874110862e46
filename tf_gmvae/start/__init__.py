"""The start: clusters found in the data, and a model set up with them.

- `initialization`: `GMVAE.initialize`, the stages in their order.
- `stages`: the two trainings before the paper's own.
- `latent_map`: from latent means to soft labels.
- `factors`: each cluster as a Gaussian that moves with a few factors.
"""
