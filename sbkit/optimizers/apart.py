"""An optimizer a run, for settings that differ from run to run."""

import inspect
from collections.abc import Callable
from typing import Any

from torch import Tensor
from torch.optim import Optimizer

from sbkit.core import Fleet
from sbkit.optimizers.elementwise import Closure, bare, eager


def stepper(optimizer: Optimizer) -> Callable[[Closure], Tensor | None]:
    """How an optimizer is asked for a step with a closure, also one of the user's own that takes none."""
    step: Any = optimizer.step
    return step if inspect.signature(step).parameters else lambda closure: step()


class Apart(eager(Optimizer)):
    """Steps each run by an optimizer of its own.

    make: a fleet of one, which shares its memory with run r, and r → the optimizer of that run. Gradients are
    taken for all runs at once; an optimizer that asks again gets further ones of its run alone.
    """

    def __init__(self, fleet: Fleet, make: Callable[[Fleet, int], Optimizer]):
        super().__init__([fleet.flat()], {})
        self.parts = [fleet.only(r) for r in range(fleet.runs)]
        self.singles = [make(part, r) for r, part in enumerate(self.parts)]
        self.moves = [stepper(single) for single in self.singles]
        groups = [(r, group) for r, single in enumerate(self.singles) for group in single.param_groups]
        for r, group in groups:
            group["run"] = r  # by which `Settings` finds it
        self.param_groups = [group for _, group in groups]

    @bare
    def step(self, closure: Closure) -> Tensor | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """One step of every run; the loss before. (runs,)"""
        loss = closure()
        for r, move in enumerate(self.moves):
            move(self._closure(r, closure, None if loss is None else loss[r : r + 1]))
        return loss

    def _closure(self, r: int, closure: Closure, loss: Tensor | None) -> Closure:
        """The closure of run r alone, whose gradients are there at the first look."""
        there = [loss]
        return lambda part=None: there.pop() if there else closure(part or self.parts[r])
