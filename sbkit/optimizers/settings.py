"""Building an optimizer by name, and what may change of it while it trains."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, MutableMapping
from typing import Any

from torch import optim

from sbkit.core import Fleet, SbkitError, between, one_of, optimizer

NOT_OPTIONS = ("fleet", "lr", "weight_decay")
LIVE = ("lr", "momentum", "weight_decay", "rho", "alpha")


def build(name: str, fleet: Fleet, lr: float | None, weight_decay: float, **options: Any) -> optim.Optimizer:
    """The optimizer of this name for a fleet; `lr=None` is its own default.

    Raises `SbkitError` on an unknown name or option, or a number out of range.

    >>> from sbkit.models import fleet_of
    >>> from torch import nn
    >>> made = build("sam", fleet_of(lambda: nn.Linear(2, 2)), lr=None, weight_decay=0, rho=0.1)
    >>> made.param_groups[0]["lr"]
    0.1
    """
    make = optimizer[name]
    known = inspect.signature(make).parameters
    for option, value in options.items():
        one_of(f"option of {name}", option, [p for p in known if p not in NOT_OPTIONS])
        numbers, usual = _numbers(value), _numbers(known[option].default)
        if len(numbers) != len(usual):
            raise SbkitError(
                f"{option} has {len(usual)} numbers, got {value!r}; try {known[option].default}."
            )
        for number in numbers:
            check_setting(option, number)
    lr = known["lr"].default if lr is None else lr
    fleet.flat()  # weights and gradients stand where they stay, for whatever the optimizer holds of them
    return make(
        fleet, lr=check_setting("lr", lr), weight_decay=check_setting("weight_decay", weight_decay), **options
    )


def _numbers(value: Any) -> list[Any]:
    return list(value) if isinstance(value, tuple | list) else [value]


def check_setting(name: str, value: Any) -> float:
    """A setting as a number in its range, or an `SbkitError`: lr > 0, momentum and betas in [0, 1), …"""
    if name == "lr":
        return between(name, value, 0, 1e6, open_low=True)
    return between(name, value, 0, 0.999999 if name in ("momentum", "betas", "alpha") else 1e6)


def live_settings(name: str) -> list[str]:
    """Names of the settings of this optimizer that may change while it trains."""
    return [option for option in LIVE if option in inspect.signature(optimizer[name]).parameters]


class Settings(MutableMapping[str, Any]):
    """The settings of a run that may change while it trains; assigning acts at the next step.

    A setting is one number for all weights: of an optimizer whose parameter groups differ in it, it is
    that of the first group, and once it is assigned, that of all.
    """

    def __init__(self, optimizer: optim.Optimizer, names: Iterable[str]):
        self._optimizer = optimizer
        self._names = [name for name in names if self._groups(name)]

    def _groups(self, name: str) -> list[dict[str, Any]]:
        """The parameter groups that know a setting."""
        return [group for group in self._optimizer.param_groups if name in group]

    def __getitem__(self, name: str) -> Any:
        if name not in self._names:
            raise KeyError(name)
        return self._groups(name)[0][name]

    def __setitem__(self, name: str, value: Any) -> None:
        if name not in self._names:
            raise SbkitError(f"While it trains one may change {', '.join(self._names)}, got {name!r}.")
        checked = check_setting(name, value)
        for group in self._groups(name):
            group[name] = checked

    def __delitem__(self, name: str) -> None:
        raise SbkitError(f"A setting can be changed, not deleted, got {name!r}.")

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        return repr(dict(self))
