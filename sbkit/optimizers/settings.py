"""Building an optimizer by name, and what may change of it while it trains."""

import inspect
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
from torch import Tensor, optim

from sbkit.core import Fleet, SbkitError, between, one_of, optimizer
from sbkit.core.registries import AboutOptimizer
from sbkit.optimizers.apart import Apart

NOT_OPTIONS = ("fleet", "lr", "weight_decay")
LIVE = ("lr", "momentum", "weight_decay", "rho", "alpha")


def _base(name: str, options: Mapping[str, Any]) -> str | None:
    """The optimizer that this one stands on, if it does, as sam on sgd."""
    own = inspect.signature(optimizer[name]).parameters.get("base")
    if own is None or not isinstance(own.default, str):
        return None
    wide = [one for one in optimizer if optimizer.about[one].needs_loss or optimizer.about[one].by_run]
    known = [one for one in optimizer if one not in wide]
    return one_of(f"base of {name}", options.get("base", own.default), known)


def taken(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The names of what an optimizer takes, with those of its base, and their defaults."""
    base = _base(name, options)
    names = [name] if base is None else [base, name]
    both = {p.name: p for one in names for p in inspect.signature(optimizer[one]).parameters.values()}
    known = {own: p.default for own, p in both.items() if p.kind is not p.VAR_KEYWORD}
    if base is not None and known["lr"] is None:
        known["lr"] = inspect.signature(optimizer[base]).parameters["lr"].default
    return known


def about(name: str, options: Mapping[str, Any]) -> AboutOptimizer:
    """What is said of an optimizer; on all rows if its base is."""
    base = _base(name, options)
    own = optimizer.about[one_of("optimizer", name, optimizer)]
    return own if base is None else replace(own, full_batch=optimizer.about[base].full_batch)


def build(name: str, fleet: Fleet, lr: Any, weight_decay: Any, **options: Any) -> optim.Optimizer:
    """The optimizer of this name for a fleet; `lr=None` is its own default.

    lr, weight_decay, momentum, rho and alpha are numbers, or one number a run, (runs,) each: run r then
    trains as in a fleet with its number. Raises `SbkitError` on an unknown name or option, or a number out
    of range.

    >>> from sbkit.models import fleet_of
    >>> from torch import nn
    >>> made = build("sam", fleet_of(lambda: nn.Linear(2, 2)), lr=None, weight_decay=0, rho=0.1)
    >>> made.param_groups[0]["lr"]
    0.1
    """
    known = taken(name, options)
    for option, value in options.items():
        one_of(f"option of {name}", option, [own for own in known if own not in NOT_OPTIONS])
        usual, several = known[option], isinstance(value, tuple | list)
        if isinstance(usual, tuple) and not (several and len(value) == len(usual)):
            raise SbkitError(f"{option} has {len(usual)} numbers, got {value!r}; try {usual}.")
        for number in value if isinstance(usual, tuple) else [value] * (option not in (*LIVE, "base")):
            check_setting(option, number)
    given = {"lr": known["lr"] if lr is None else lr, "weight_decay": weight_decay} | options
    given |= {own: check_setting(own, given[own], fleet.runs) for own in LIVE if own in given}
    fleet.flat()  # weights and gradients stand where they stay, for whatever the optimizer holds of them
    by_run = {own: given[own] for own in LIVE if isinstance(given.get(own), tuple)}
    if not by_run or optimizer.about[name].by_run:
        return _made(name, fleet, given)
    return Apart(fleet, lambda part, r: _made(name, part, given | {n: v[r] for n, v in by_run.items()}))


def _made(name: str, fleet: Fleet, given: Mapping[str, Any]) -> optim.Optimizer:
    made = optimizer[name](fleet, **given)
    if not isinstance(made, optim.Optimizer):
        words = f"A registered optimizer returns one of torch.optim, {name} gave a {type(made).__name__}"
        raise SbkitError(f"{words}; try return torch.optim.SGD(fleet.parameters(), lr=lr).")
    return made


def check_setting(name: str, value: Any, runs: int = 1) -> float | tuple[float, ...]:
    """A setting as a number in its range, or as one a run; else an `SbkitError`.

    lr > 0, momentum and betas in [0, 1), …

    >>> check_setting("lr", [0.1, 0.2], runs=2)
    (0.1, 0.2)
    """
    if isinstance(value, list | tuple) or getattr(value, "ndim", 0):
        if len(value) != runs:
            rule = f"{name} is one number, or one a run, {runs}"
            raise SbkitError(f"{rule}, got {len(value)}; try one number, or sb.mlp(task, runs={len(value)}).")
        several = tuple(_number(name, _exact(one)) for one in value)
        return several if runs > 1 else several[0]
    return _number(name, value)


def _number(name: str, value: Any) -> float:
    if name == "lr":
        return between(name, value, 0, 1e6, open_low=True)
    return between(name, value, 0, 0.999999 if name in ("momentum", "betas", "alpha") else 1e6)


def _exact(value: Any) -> Any:
    """A number of a list; 0.1 in single precision is meant as 0.1."""
    if not isinstance(value, np.generic | Tensor) or value.ndim:
        return value
    return float(str(np.float32(value.item()))) if str(value.dtype).endswith("float32") else value.item()


class Settings(MutableMapping[str, Any]):
    """The settings of a run that may change while it trains; assigning acts at the next step.

    A setting is one number for all weights, or a tuple of one a run where `fit` was given so many: of an
    optimizer whose parameter groups differ in it, it is that of the first group, and once it is assigned,
    that of all.
    """

    def __init__(self, made: optim.Optimizer, name: str, options: Mapping[str, Any], runs: int = 1):
        self.about, self.runs, known = about(name, options), runs, taken(name, options)
        groups = {own: [group for group in made.param_groups if own in group] for own in LIVE if own in known}
        self._groups = {own: those for own, those in groups.items() if those}

    def __getitem__(self, name: str) -> Any:
        groups = self._groups[name]
        by_run = tuple({group.get("run"): group[name] for group in groups[::-1]}.values())[::-1]
        return by_run if len(set(by_run)) > 1 else groups[0][name]

    def __setitem__(self, name: str, value: Any) -> None:
        if name not in self._groups:
            raise SbkitError(f"While it trains one may change {', '.join(self)}, got {name!r}.")
        checked, groups = check_setting(name, value, self.runs), self._groups[name]
        for group in groups:
            several = isinstance(checked, tuple)
            if several and "run" not in group and "lr" in group:
                way = f"call sb.fit once more, with {name}={checked}"
                raise SbkitError(f"This run has one {name} for all, got {self.runs}; {way}.")
            group[name] = checked[group["run"]] if several and "run" in group else checked

    @contextmanager
    def scaled(self, factor: float) -> Iterator[None]:
        """Within the block every learning rate is so many times as large."""
        before = [(group, group["lr"]) for group in self._groups["lr"]]
        try:
            for group, lr in before:
                group["lr"] = factor * lr
            yield
        finally:
            for group, lr in before:
                group["lr"] = lr

    def __delitem__(self, name: str) -> None:
        raise SbkitError(f"A setting can be changed, not deleted, got {name!r}.")

    def __iter__(self) -> Iterator[str]:
        return iter(self._groups)

    def __len__(self) -> int:
        return len(self._groups)

    def __repr__(self) -> str:
        return repr(dict(self))
