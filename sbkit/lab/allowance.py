"""How much of a room's limits a panel has used, and the sentence when one is hit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from sbkit.core.environment import memory_allowed, seconds_allowed
from sbkit.core.machine import memory_held
from sbkit.plots.words import say


class Allowance:
    """The training time that is left to the run of a panel, and the memory that is left to its kernel.

    Read from SBKIT_MAX_SECONDS, SBKIT_MAX_MEMORY and SBKIT_IDLE_SECONDS when the panel is made.

    >>> allowance = Allowance()
    >>> allowance.spend(run=1, seconds=60.0)
    >>> allowance.refusal({"run": 1, "state": "Training"})
    ''
    """

    def __init__(self) -> None:
        self.seconds, self.memory = seconds_allowed("SBKIT_MAX_SECONDS"), memory_allowed()
        self.idle = seconds_allowed("SBKIT_IDLE_SECONDS")
        self._run, self._spent = 0, 0.0

    def spend(self, run: int, seconds: float) -> None:
        """Count the time that a slice of training took; every run begins with a full allowance."""
        self._spent = seconds + (self._spent if run == self._run else 0.0)
        self._run = run

    def refusal(self, about: Mapping[str, Any]) -> str:
        """Why the run that a frame is about trains no further here; "" if it may."""
        if about["state"] == "Done":
            return ""
        if self.memory < math.inf and (held := memory_held()) > self.memory:
            sizes = {"held": f"{held / 1e9:.1f} GB", "allowed": f"{self.memory / 1e9:.1f} GB"}
            return say("limits", "memory", **sizes)
        if about["run"] == self._run and self._spent >= self.seconds:
            return say("limits", "seconds", seconds=f"{self.seconds:g}")
        return ""
