"""`import tf_gmvae` says nothing that it need not, and hides no error."""

import os

import pytest
from conftest import run_python, run_warm

from tf_gmvae import quiet

NOTES = (
    b"WARNING: All log messages before absl::InitializeLog() is called are written to STDERR\n"
    b"I0000 00:00:1795598645.813198   18873 port.cc:153] oneDNN custom operations are on.\n"
    b"2026-11-27 15:02:30.562807: I external/local_xla/xla/tsl/cuda/cudart_stub.cc:31] No cuda drivers.\n"
    b"To enable the following instructions: AVX2 FMA, in other operations, rebuild TensorFlow.\n"
)
ERROR = (
    b"E0000 00:00:1795598645.813198   18873 cuda_platform.cc:52] failed call to cuInit\n"
    b"2026-11-27 15:02:30.562807: E external/local_xla/xla/stream_executor/cuda/cuda_platform.cc:51] failed call\n"
)
LEVEL = "TF_CPP_MIN_LOG_LEVEL"


# Notes of every import who asks for it, but of what TensorFlow and Keras bring along, which is not ours to judge.
IMPORT = """
import sys

heavy, asked = {"tensorflow_probability", "tensorflow_datasets", "sklearn", "matplotlib", "PIL", "pandas"}, set()

def note(event, values):
    if event == "import" and values[0] in heavy:
        frame, packages = sys._getframe(1), set()
        while frame:
            packages.add(frame.f_globals.get("__name__", "").partition(".")[0])
            frame = frame.f_back
        if not packages & {"tensorflow", "keras"}:
            asked.add(values[0])

sys.addaudithook(note)
import tf_gmvae
print(*sorted(asked), end="")
"""


def test_the_import_is_silent_and_loads_nothing_heavy_that_is_not_needed():
    process = run_python("-c", IMPORT)
    assert (process.returncode, process.stdout, process.stderr) == (0, "", "")


def test_something_heavy_would_be_told():
    process = run_warm("-c", IMPORT.replace("import tf_gmvae\n", "import tensorflow_datasets, sklearn.svm\n"))
    assert "tensorflow_datasets" in process.stdout.split()


@pytest.mark.slow
def test_who_wants_to_read_the_notes_can():
    process = run_python("-c", "import tf_gmvae", **{LEVEL: "0"})
    assert "I0000" in process.stderr or ": I tensorflow" in process.stderr  # of 2.21 and of 2.20


@pytest.mark.parametrize(("errors", "shown"), [(True, ERROR), (False, b"")])
def test_notes_are_kept_back_and_errors_are_not(capfd, monkeypatch, errors, shown):
    monkeypatch.delenv(LEVEL, raising=False)
    with quiet.while_loading(errors):
        assert os.environ[LEVEL] == "1"  # TensorFlow 2.20 reads it here, for what it writes while it works
        os.write(2, NOTES + ERROR)
    assert capfd.readouterr().err.encode() == shown and LEVEL not in os.environ


def test_a_failure_shows_all(capfd):
    with pytest.raises(ImportError), quiet.while_loading(False):
        os.write(2, NOTES + ERROR)
        raise ImportError
    assert capfd.readouterr().err.encode() == NOTES + ERROR
