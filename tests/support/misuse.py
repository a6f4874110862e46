"""Commands that are given what they cannot take."""

from support.commands import run_all


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
    shown, *answers = run_all(command, [["--help"], *([*common, *case] for case in cases)])
    assert shown.returncode == 0
    for (case, expected), answer in zip(cases.items(), answers, strict=True):
        said = answer.stderr
        assert answer.returncode == 1, (case, said)
        assert said.startswith("error: "), (case, said)
        assert said.count("\n") == 1, (case, said)
        assert expected in said, (case, said)
    assert sorted(folder.rglob("*")) == listing
    return shown.stdout
