"""Seeds, memory and threads."""

import subprocess
import sys

import pytest
import torch
from threadpoolctl import threadpool_info

import sbkit as sb
from sbkit.core import best_threads, check_memory, generator, threads


def test_seeds_of_any_length_are_apart():
    seeds = [(), (0,), (0, 0), (0, 0, 0), (1,), (1, 0), (0, 1), (1, 0, 0), (2**32 - 1,)]
    states = {generator(*s).initial_seed() for s in seeds}
    assert len(states) == len(seeds)
    assert torch.equal(torch.rand(3, generator=generator(4, 5)), torch.rand(3, generator=generator(4, 5)))


def test_memory_is_refused_with_arithmetic_and_a_fix():
    check_memory(1, "1 byte")
    with pytest.raises(
        sb.SbkitError, match=r"at most half of the free memory; 7 × 8 = 1,000,000.0 GB.*times smaller"
    ):
        check_memory(10**15, "7 × 8")


def test_threads_are_put_back():
    before = torch.get_num_threads()
    with pytest.raises(ZeroDivisionError), threads(1):
        assert torch.get_num_threads() == 1
        raise ZeroDivisionError
    assert torch.get_num_threads() == before


def test_threads_hold_for_numpy_too():
    def blas():
        return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

    before = blas()
    with threads(1):
        assert set(blas()) == {1}
    assert blas() == before


def test_threads_hold_for_a_scipy_that_comes_later():
    code = """
from threadpoolctl import threadpool_info
from sbkit.core import threads
with threads(1):
    pass
import scipy.special
with threads(1):
    print({pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"})
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "{1}\n"


def test_threads_are_measured_once_a_shape():
    tries = []
    first = best_threads("a shape of this test", lambda: tries.append(1))
    count = len(tries)
    assert first == best_threads("a shape of this test", lambda: tries.append(1)) and len(tries) == count
    assert 1 <= first <= torch.get_num_threads()
