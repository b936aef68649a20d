"""Any module as a fleet."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from sbkit.core import Fleet, SbkitError, check_fleet, check_memory, difference, takes, whole

NET = 1_000  # bytes that Python takes for a module, at least
_DRAWING = threading.RLock()  # torch has one generator for all threads


def seeded(factory: Callable[[], Any], seed: int) -> Any:
    """What `factory` builds right after `torch.manual_seed(seed)`; torch's own generator is put back."""
    rng = torch.default_generator
    with _DRAWING:
        before = rng.get_state()
        rng.manual_seed(seed)
        try:
            return factory()
        finally:
            rng.set_state(before)


def fleet_of(factory: Callable[[], Any], runs: int = 8, seed: int = 0) -> Fleet:
    """`runs` copies of any module as one fleet, run r built after `torch.manual_seed(seed + r)`.

    factory: a function without arguments that returns an `nn.Module` from x (n, d) to logits
    (n, outputs); begin a convnet with `nn.Unflatten`. Weights may be shared within a net. A tensor that a
    module keeps as an attribute, neither parameter nor buffer, becomes a buffer where runs differ in it. At
    the first call every run is compared with the module that was built for it.
    Recurrent layers, attention, convolutions and batch norm are welcome; running statistics belong to runs
    and move once a step of `fit`. Dropout drops in the gradients of `fit` only, for each run by its seed.
    Raises `SbkitError`, here or then, if the factory does not build another net for every seed (constant
    weights, such as zeros, may be equal), or if the net cannot be a fleet: it draws random numbers otherwise,
    mixes rows outside batch norm, decides by values, hides its weights.

    >>> fleet_of(lambda: nn.Linear(3, 2), runs=4)(torch.zeros(5, 3)).shape
    torch.Size([4, 5, 2])
    """
    rule = "fleet_of takes a function without arguments that builds a module"
    fix = "try lambda: nn.Linear(2, 2)"
    if isinstance(factory, nn.Module) or not callable(factory) or not takes(factory):
        got = f"{factory!r:.60}" if callable(factory) else type(factory).__name__
        raise SbkitError(f"{rule}, got {got}; {fix}.")
    runs, seed = whole("runs", runs), whole("seed", seed, 0)
    check_memory(runs * NET, f"{runs:,} runs × {NET:,} bytes of a module")
    again, *modules = [seeded(factory, at) for at in (seed, *range(seed, seed + runs))]
    for module in modules:
        if not isinstance(module, nn.Module) or isinstance(module, Fleet):
            raise SbkitError(f"{rule}, got one of {type(module).__name__}; {fix}.")
    if not any(p.requires_grad for p in modules[0].parameters()):
        raise SbkitError("A fleet's nets have weights to train, got none; add a layer.")
    fleet = Fleet(modules, seed)
    _check_drawn(modules, again)
    return fleet


@torch.no_grad()
def initial(fleet: Fleet) -> Fleet:
    """The untrained twin of a fleet: a copy whose weights and buffers are as its seed drew them.

    Whatever was trained, pruned or loaded since; its device and float type are those of the fleet now.
    Raises `SbkitError` where the net has other weights than at birth.

    >>> from sbkit.data import slabs
    >>> from sbkit.models import mlp
    >>> fleet = mlp(slabs(n=10, n_test=10), runs=2)
    >>> before = fleet.weights()[0].clone()
    >>> fleet.weights()[0].data.zero_().sum(), torch.equal(initial(fleet).weights()[0], before)
    (tensor(0.), True)
    """
    check_fleet(fleet, trains=True)
    born, shapes = ({name: t.shape for name, t in own.items()} for own in (fleet.birth, fleet.owned()))
    if born != shapes:
        other = next(name for name in born | shapes if born.get(name) != shapes.get(name))
        rule = "A twin is as its fleet was born, of the same layers"
        raise SbkitError(f"{rule}, got {other!r} changed since; try copy.deepcopy(fleet) before that.")
    twin = copy.deepcopy(fleet)
    for name, t in [*twin.named_parameters(), *twin.named_buffers()]:
        t.copy_(fleet.birth[name])
        t.grad = None
    return twin


def _check_drawn(modules: list[nn.Module], again: nn.Module) -> None:
    """Refuse a factory that does not build another net for every seed, drawn by torch's generator alone."""
    first, *others = modules
    if len(set(map(id, modules))) < len(modules):
        raise SbkitError(
            f"Every run of a fleet is another net, got the same {type(first).__name__} at every call; "
            "try to build it within the function, as in lambda: nn.Linear(2, 2)."
        )
    if name := difference(first, again):
        raise SbkitError(
            f"Run r is what the factory builds after torch.manual_seed(seed + r), got another {name} for "
            "the same seed; try to draw by torch.randn and the like (on the CPU), not by NumPy or random."
        )
    constant = all(bool((p == p.flatten()[:1]).all()) for p in first.parameters())  # equal on purpose
    if others and not constant and not any(difference(first, other) for other in others):
        raise SbkitError(
            f"Runs differ in what they draw, got {len(modules)} equal nets; try runs=1, or to draw "
            "weights by torch (without a seed of your own) in the function."
        )
