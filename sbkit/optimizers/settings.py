"""Building an optimizer by name, and what may change of it while it trains."""

import inspect
from collections.abc import Iterator, MutableMapping
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
        usual, several = known[option].default, isinstance(value, tuple | list)
        if isinstance(usual, tuple) and not (several and len(value) == len(usual)):
            raise SbkitError(f"{option} has {len(usual)} numbers, got {value!r}; try {usual}.")
        for number in value if isinstance(usual, tuple) else [value]:
            check_setting(option, number)
    options["lr"] = check_setting("lr", known["lr"].default if lr is None else lr)
    fleet.flat()  # weights and gradients stand where they stay, for whatever the optimizer holds of them
    made = make(fleet, weight_decay=check_setting("weight_decay", weight_decay), **options)
    if not isinstance(made, optim.Optimizer):
        words = f"A registered optimizer returns one of torch.optim, {name} gave a {type(made).__name__}"
        raise SbkitError(f"{words}; try return torch.optim.SGD(fleet.parameters(), lr=lr).")
    return made


def check_setting(name: str, value: Any) -> float:
    """A setting as a number in its range, or an `SbkitError`: lr > 0, momentum and betas in [0, 1), …"""
    if name == "lr":
        return between(name, value, 0, 1e6, open_low=True)
    return between(name, value, 0, 0.999999 if name in ("momentum", "betas", "alpha") else 1e6)


class Settings(MutableMapping[str, Any]):
    """The settings of a run that may change while it trains; assigning acts at the next step.

    A setting is one number for all weights: of an optimizer whose parameter groups differ in it, it is
    that of the first group, and once it is assigned, that of all.
    """

    def __init__(self, made: optim.Optimizer, name: str):
        self.about, taken = optimizer.about[name], inspect.signature(optimizer[name]).parameters
        groups = {own: [group for group in made.param_groups if own in group] for own in LIVE if own in taken}
        self._groups = {own: those for own, those in groups.items() if those}

    def __getitem__(self, name: str) -> Any:
        return self._groups[name][0][name]

    def __setitem__(self, name: str, value: Any) -> None:
        if name not in self._groups:
            raise SbkitError(f"While it trains one may change {', '.join(self)}, got {name!r}.")
        checked = check_setting(name, value)
        for group in self._groups[name]:
            group[name] = checked

    def __delitem__(self, name: str) -> None:
        raise SbkitError(f"A setting can be changed, not deleted, got {name!r}.")

    def __iter__(self) -> Iterator[str]:
        return iter(self._groups)

    def __len__(self) -> int:
        return len(self._groups)

    def __repr__(self) -> str:
        return repr(dict(self))
