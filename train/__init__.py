"""The command line: `python -m train.main` trains, `python -m train.evaluate` scores a run again.

Here are the commands, and how they start and fail (`startup`, `cli`, `help`). `run` holds what they do with a run,
`paper` what is of the paper alone.
"""

from train.startup import load_tensorflow

# Every module below needs TensorFlow; whichever comes first, it is loaded without its page of notes.
load_tensorflow()
