"""What belongs to the machine: seeds, devices, memory, threads."""

from __future__ import annotations

import functools
import math
import sys
import timeit
import warnings
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager

import numpy as np
import psutil
import torch
from threadpoolctl import ThreadpoolController

from sbkit.core.environment import memory_allowed
from sbkit.core.names import SbkitError, whole


def generator(*seeds: int) -> torch.Generator:
    """A random generator of one's own for this tuple of seeds; different tuples are independent.

    >>> torch.equal(torch.rand(3, generator=generator(0, 1)), torch.rand(3, generator=generator(0, 1)))
    True
    """
    for seed in seeds:
        whole("seed", seed, low=0)
    # A spawn key, for SeedSequence((5,)) and SeedSequence((5, 0)) are the same.
    state = np.random.SeedSequence(0, spawn_key=seeds).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(state >> np.uint64(1)))


def memory_held() -> int:
    """The bytes of memory that this process holds (its resident set)."""
    return psutil.Process().memory_info().rss


def check_memory(need: int, what: str, device: torch.device | str = "cpu") -> None:
    """Refuse, before anything is allocated, what would take over half of the device's free memory.

    `need` in bytes, `what` the arithmetic in words. Free is no more than SBKIT_MAX_MEMORY leaves.
    """
    if torch.device(device).type == "cuda":
        free = torch.cuda.mem_get_info(device)[0]
    else:
        allowed = memory_allowed()
        held = memory_held() if allowed < math.inf else 0
        if held >= allowed:
            raise SbkitError(
                f"This kernel holds {held / 1e9:.1f} GB of memory and this room allows "
                f"{allowed / 1e9:.1f} GB (SBKIT_MAX_MEMORY); restart the kernel."
            )
        free = max(1.0, min(psutil.virtual_memory().available, allowed - held))
    if need > free / 2:
        raise SbkitError(
            f"A request takes at most half of the free memory; {what} = {need / 1e9:,.1f} GB "
            f"of {free / 1e9:,.1f} GB free; make it {math.ceil(2 * need / free)} times smaller."
        )


def find_device(device: torch.device | str) -> torch.device:
    """The device meant: "auto" takes a GPU if there is one and else says that it takes the CPU."""
    gpu, rule = torch.cuda.is_available(), "device is 'auto', 'cpu' or 'cuda'"
    if device == "auto" and not gpu:
        warnings.warn("No GPU found, so this runs on the CPU.", stacklevel=3)
    try:
        found = torch.device(("cuda" if gpu else "cpu") if device == "auto" else device)
    except (RuntimeError, TypeError) as error:
        raise SbkitError(f"{rule}, got {device!r}; try 'auto'.") from error
    if found.type == "cuda" and not gpu:
        raise SbkitError(f"device={device!r} needs a CUDA GPU and this machine has none; try 'auto'.")
    return found


_BEST_THREADS: dict[Hashable, int] = {}  # measured once a process and shape


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Let torch and NumPy use `count` threads inside the block; put back what was before."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        with _pools("scipy.linalg" in sys.modules, "scipy.special" in sys.modules).limit(limits=count):
            yield
    finally:
        torch.set_num_threads(before)


@functools.cache
def _pools(*loaded: bool) -> ThreadpoolController:
    """The thread pools of BLAS: NumPy's own, and those that parts of SciPy bring once they are loaded."""
    return ThreadpoolController().select(user_api="blas")


def best_threads(shape: Hashable, trial: Callable[[], object]) -> int:
    """One thread, or all that torch may use but one if they run `trial` at least a third faster.

    One core is left to the page: on two cores, threads that wait for a core which another process holds
    made training ten times slower, and the second thread had won less than a factor of two. Small products
    are slower with more threads. The answer is kept for the process and this shape.
    """
    most = max(1, torch.get_num_threads() - 1)
    if (shape, most) not in _BEST_THREADS:
        worth_it = most > 1 and _fastest(1, trial) > 4 / 3 * _fastest(most, trial)
        _BEST_THREADS[shape, most] = most if worth_it else 1
    return _BEST_THREADS[shape, most]


def _fastest(count: int, trial: Callable[[], object]) -> float:
    with threads(count):
        trial()
        return min(timeit.repeat(trial, number=1, repeat=3))
