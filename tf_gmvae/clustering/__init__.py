"""From data to clusters without a choice to make: `cluster` in one call, `GMVAEClusterer` as scikit-learn has it.

- `recipe`: the model for given data, its start and its training, as the command line has them by default.
- `cluster`: the one call.
- `estimator`: the scikit-learn estimator; the only one that loads scikit-learn.
- `answers`: what a fitted model says of rows, whatever other rows come with them.
"""
