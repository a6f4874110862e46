"""The command line: `python -m train.main` trains, `python -m train.evaluate` scores a run again.

Modules: `settings` (flags), `run_folder` (what a run leaves on disk), `job` (build, fit, score), `cli` (errors
as sentences).
"""

import os

# TensorFlow greets with a page of notes on the processor and on absent GPUs; errors still show.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
