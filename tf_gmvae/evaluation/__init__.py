"""What a clustering is worth, of arrays by NumPy alone.

- `measures`: scores against labels, the protocol of Table 1 among them; all are here as well.
- `diagnostics`: what shows that clusters have collapsed.
- `baselines`: what clustering is had without a GMVAE.
- `floors`: the scores of these beside those of a run.

Example:
    >>> posterior = [[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]]
    >>> tf_gmvae.evaluation.scores(posterior, labels=[5, 5, 7])["accuracy_majority"]
    1.0
"""

from tf_gmvae.evaluation.measures import (
    TABLE1_PROTOCOL,
    components_in_use,
    contingency,
    hungarian_accuracy,
    log_odds,
    majority_accuracy,
    scores,
    table1_accuracy,
)

__all__ = [
    "TABLE1_PROTOCOL",
    "components_in_use",
    "contingency",
    "hungarian_accuracy",
    "log_odds",
    "majority_accuracy",
    "scores",
    "table1_accuracy",
]
