"""`%%bash` whose output comes whole: of IPython's own parts of 100 bytes the site would make lines."""

import subprocess

from IPython.core.magic import register_cell_magic


@register_cell_magic
def bash(line, cell):
    """Runs a cell by bash; what fails ends the build with what it said."""
    process = subprocess.run(
        ["bash", "-e", "-c", cell], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    print(process.stdout, end="")
    if process.returncode:
        raise RuntimeError(f"The cell ended with {process.returncode}.")
