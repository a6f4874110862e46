"""What Numba compiles for UMAP is compiled once on a machine."""

import sys

import pytest
from conftest import run_warm

from tf_gmvae.evaluation import machine_code, neighbourhoods

MODULE = """
import numba

@numba.njit(fastmath=True)
def with_options(number):
    return number + 1

@numba.jit
def bare(number):
    return number + 2

@numba.njit("i8(i8)")
def of_a_type(number):
    return number + 3

@numba.njit(cache=False)
def says_for_itself(number):
    return number + 4

@numba.njit(cache=True)
def asks_for_it(number):
    return number + 5

@numba.vectorize(cache=True)
def of_arrays(number):
    return number + 6
"""
NAMES = ("with_options", "bare", "of_a_type", "says_for_itself", "asks_for_it")
USE = f"""
from tf_gmvae.evaluation import machine_code
import numba
numba.core.config.reload_config()  # the process may have imported it before its variables were set
before = numba.njit, numba.jit, numba.vectorize
with machine_code.kept():
    import functions
assert (numba.njit, numba.jit, numba.vectorize) == before
for name in {NAMES}:
    function = getattr(functions, name)
    function(1)
    print(name, function(1), sum(function.stats.cache_hits.values()), sum(function.stats.cache_misses.values()))
"""


def test_a_second_process_finds_what_the_first_has_compiled(tmp_path):
    (tmp_path / "functions.py").write_text(MODULE)
    kept = {"PYTHONPATH": str(tmp_path), "NUMBA_CACHE_DIR": str(tmp_path / "kept")}
    first, second = (run_warm("-c", USE, **kept) for _ in range(2))
    assert first.returncode == 0, first.stderr
    assert first.stdout.splitlines() == [
        "with_options 2 0 1",
        "bare 3 0 1",
        "of_a_type 4 0 1",
        "says_for_itself 5 0 1",
        "asks_for_it 6 0 1",
    ]
    assert second.stdout.splitlines() == [
        "with_options 2 1 0",
        "bare 3 1 0",
        "of_a_type 4 1 0",
        "says_for_itself 5 0 1",
        "asks_for_it 6 1 0",
    ]


def test_where_nothing_can_be_kept_functions_are_compiled_as_ever():
    import numba

    made = {}
    with machine_code.kept():
        exec(MODULE, made)  # these have no file beside which a folder could be
    assert [made[name](1) for name in (*NAMES, "of_arrays")] == [2, 3, 4, 5, 6, 7]
    assert made["with_options"].stats.cache_path is None
    with pytest.raises(RuntimeError, match="no locator"):
        numba.njit(cache=True)(made["bare"].py_func)


def test_umap_is_kept():
    neighbourhoods.mapper(2)
    assert sys.modules["umap"].layouts.rdist.stats.cache_path
    assert sys.modules["pynndescent"].distances.alternative_cosine.stats.cache_path
