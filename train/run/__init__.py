"""A run of `train.main`: its settings, its folder, and what is done with it."""
