"""Clusters of clusters: the components of a trained model as a tree that can be cut anywhere; of arrays.

- `tree`: `Hierarchy`, its cuts and nodes.
- `joining`: from posteriors and latents to a tree.
"""
