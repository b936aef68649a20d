"""Any module as a fleet."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from sbkit.core import Fleet, SbkitError, whole

_DRAWING = threading.RLock()  # torch has one generator for all threads


def seeded(factory: Callable[[], nn.Module], seed: int) -> nn.Module:
    """What `factory` builds right after `torch.manual_seed(seed)`; torch's own generator is put back."""
    rng = torch.default_generator
    with _DRAWING:
        before = rng.get_state()
        try:
            rng.manual_seed(seed)
            return factory()
        finally:
            rng.set_state(before)


def fleet_of(factory: Callable[[], Any], runs: int = 8, seed: int = 0) -> Fleet:
    """`runs` copies of any module as one fleet, run r built after `torch.manual_seed(seed + r)`.

    factory: a function without arguments that returns an `nn.Module` from x (n, d) to logits
    (n, outputs); begin a convnet with `nn.Unflatten`. Raises `SbkitError` if it returns something
    else, or a net that draws random numbers while it runs (dropout) or mixes rows (batch norm).

    >>> fleet_of(lambda: nn.Linear(3, 2), runs=4)(torch.zeros(5, 3)).shape
    torch.Size([4, 5, 2])
    """
    if isinstance(factory, nn.Module) or not callable(factory):
        raise SbkitError(
            f"fleet_of takes a function that builds a module, got {type(factory).__name__}; "
            "try lambda: nn.Linear(2, 2), which makes another at every call."
        )
    modules = [seeded(factory, whole("seed", seed, 0) + r) for r in range(whole("runs", runs))]
    if not isinstance(modules[0], nn.Module):
        raise SbkitError(f"fleet_of's factory returns an nn.Module, got {type(modules[0]).__name__}.")
    if not any(p.requires_grad for p in modules[0].parameters()):
        raise SbkitError("A fleet's nets have weights to train, got none; add a layer.")
    for module in modules[0].modules():
        if isinstance(module, nn.modules.dropout._DropoutNd | nn.modules.batchnorm._NormBase):
            raise SbkitError(
                "A fleet's nets neither draw random numbers nor keep running statistics, "
                f"got {type(module).__name__}; leave it out or use LayerNorm."
            )
    return Fleet(modules, seed)
