"""The command line: `python -m train.main` trains, `python -m train.evaluate` scores a run again.

Modules: `settings` (flags), `run_folder` (what a run leaves on disk), `names` (that become folders), `job` (build,
initialize, fit), `scoring`, `score_table` (scores as text), `report` (a run in pictures), `table1`, `cli` (how
commands start and fail), `help`, `startup`; behind `figures`, `synthetic_training`, `synthetic_figures` and
`figures_of_runs`.
"""

from train.startup import load_tensorflow

# Every module below needs TensorFlow; whichever comes first, it is loaded without its page of notes.
load_tensorflow()
