"""Which cell a panel stands in, so that running the cell again replaces it."""

from __future__ import annotations

from typing import Protocol

Cell = tuple[str, str]  # the cell, and its execution


class Closable(Protocol):
    """What can be closed."""

    def close(self) -> None:
        """Give back what it holds."""


def this_cell() -> Cell | None:
    """The cell that runs now and which of its executions it is; None outside a notebook.

    JupyterLab tells the cell's id; elsewhere a cell is known by its source.
    """
    from IPython import get_ipython  # pyright: ignore[reportPrivateImportUsage]

    shell = get_ipython()
    if shell is None or not hasattr(shell, "get_parent"):
        return None
    parent = shell.get_parent() or {}
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
        self._panels: dict[str, dict[str, list[Closable]]] = {}  # by cell and execution

    def place(self, panel: Closable, cell: Cell | None) -> None:
        """Remember a panel of this execution, and close what earlier ones left."""
        if cell is not None:
            name, execution = cell
            placed = self._panels.setdefault(name, {})
            placed.setdefault(execution, []).append(panel)
            for old in [old for other in set(placed) - {execution} for old in placed.pop(other)]:
                old.close()
