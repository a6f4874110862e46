"""What a clustering is worth, of arrays by NumPy alone.

- `measures`: scores against labels, the protocol of Table 1 among them; all are here as well.
- `diagnostics`: what shows that clusters have collapsed.
- `baselines`: what clustering is had without a GMVAE.
- `floors`: the scores of these beside those of a run.
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
