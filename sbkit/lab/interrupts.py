"""Jupyter's *Interrupt Kernel*, told to panels, which train while no cell runs."""

from __future__ import annotations

import signal
import weakref
from typing import Any, Protocol

from IPython import get_ipython  # pyright: ignore[reportPrivateImportUsage]


class Stoppable(Protocol):
    """What can be told to stop."""

    def interrupt(self) -> None:
        """Stop at the next chance; called from a signal handler, so it must not wait."""


LISTENERS: weakref.WeakSet[Stoppable] = weakref.WeakSet()


def listen(one: Stoppable) -> None:
    """Tell `one` of every interrupt that meets no cell, for as long as it lives; nothing outside a kernel.

    A kernel that is at rest ignores interrupts: it puts the handler it found back after every cell.
    """
    kernel: Any = getattr(get_ipython(), "kernel", None)
    if getattr(kernel, "saved_sigint_handler", None) in (signal.SIG_IGN, _tell):
        LISTENERS.add(one)
        kernel.saved_sigint_handler = _tell


def _tell(*signalled: Any) -> None:
    for one in list(LISTENERS):
        one.interrupt()
