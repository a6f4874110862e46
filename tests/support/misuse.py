"""Commands that are given what they cannot take, all cases of one in a process of their own."""

import json

from conftest import run_python

# Starting TensorFlow for each case would take minutes.
SCRIPT = """
import contextlib, importlib, io, json, sys
from absl import app
from train import cli

command = importlib.import_module(sys.argv[1])
answers = []
for arguments in [["--help"], *json.load(open(sys.argv[2]))]:
    out, shown = io.StringIO(), io.StringIO()
    app.flags.FLAGS.unparse_flags()
    for name in app.flags.FLAGS:  # each case begins with the defaults, as a process does
        app.flags.FLAGS[name].unparse()
    sys.argv = [command.__name__, *arguments]
    with contextlib.redirect_stderr(out), contextlib.redirect_stdout(shown):
        try:
            cli.run(command.main)
            status = 0
        except SystemExit as stop:
            status = stop.code
    answers.append([status, out.getvalue() or shown.getvalue()])
print(json.dumps(answers))
"""


def check_refused(command, cases, folder, *common):
    """Asserts that every case ends with status 1 and the one sentence expected, and that a folder stays as it was.

    Args:
        command: name of its module.
        cases: dict from tuples of arguments to a part of the sentence that answers them.
        folder: where the cases have their files.
        *common: arguments that stand before those of every case.

    Returns:
        What the command answers to --help.
    """
    listing = sorted(folder.rglob("*"))
    (folder / "cases.json").write_text(json.dumps([[*common, *case] for case in cases]))
    process = run_python("-c", SCRIPT, command, folder / "cases.json")
    assert process.returncode == 0, process.stderr[-3000:]
    (folder / "cases.json").unlink()
    (status, help_page), *answers = json.loads(process.stdout.splitlines()[-1])
    assert status == 0
    for (case, expected), (status, said) in zip(cases.items(), answers, strict=True):
        assert status == 1, (case, said)
        assert said.startswith("error: "), (case, said)
        assert said.count("\n") == 1, (case, said)
        assert expected in said, (case, said)
    assert sorted(folder.rglob("*")) == listing
    return help_page
