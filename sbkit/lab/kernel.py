"""What panels learn of their kernel: the cell that they stand in, and *Interrupt Kernel*."""

from __future__ import annotations

import signal
import weakref
from typing import Any

import IPython

Cell = tuple[str, str]  # the cell, and its execution
LISTENERS: weakref.WeakSet[Any] = weakref.WeakSet()


def this_cell() -> Cell | None:
    """The cell that runs now and which of its executions it is; None outside a notebook.

    JupyterLab tells the cell's id; elsewhere a cell is known by its source.
    """
    shell: Any = IPython.get_ipython()  # pyright: ignore[reportPrivateImportUsage]
    parent = getattr(shell, "get_parent", dict)() or {}
    name = parent.get("metadata", {}).get("cellId") or parent.get("content", {}).get("code")
    return None if name is None else (name, parent.get("header", {}).get("msg_id", ""))


class Cells:
    """The panels by cell; a cell that runs again closes those that it made before.

    >>> class Panel:
    ...     def close(self): print("closed")
    >>> cells = Cells()
    >>> cells.place(Panel(), ("a", "first")), cells.place(Panel(), ("b", "second"))
    (None, None)
    >>> cells.place(Panel(), ("a", "third"))
    closed
    """

    def __init__(self) -> None:
        self._panels: dict[str, tuple[str, list[Any]]] = {}  # by cell: its execution, and its panels

    def place(self, panel: Any, cell: Cell | None) -> None:
        """Remember a panel of this execution, and close what earlier ones left."""
        if cell is None:
            return
        name, execution = cell
        before, panels = self._panels.get(name, ("", []))
        if before == execution:
            return panels.append(panel)
        self._panels[name] = execution, [panel]
        for old in panels:
            old.close()


CELLS = Cells()


def listen(one: Any) -> None:
    """Call `interrupt()` of this object at every interrupt that meets no cell, for as long as it lives.

    A kernel that is at rest ignores interrupts: it puts the handler it found back after every cell. What is
    called from a signal's handler must not wait. Outside a kernel nothing is done.
    """
    kernel: Any = getattr(IPython.get_ipython(), "kernel", None)  # pyright: ignore[reportPrivateImportUsage]
    if getattr(kernel, "saved_sigint_handler", None) in (signal.SIG_IGN, _tell):
        LISTENERS.add(one)
        kernel.saved_sigint_handler = _tell


def _tell(*signalled: Any) -> None:
    for one in list(LISTENERS):
        one.interrupt()
