"""What is printed while no cell runs: a notebook shows it nowhere, so the panel does."""

from __future__ import annotations

import re
import sys
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext, redirect_stderr, redirect_stdout
from typing import Any

MOST = 4000  # characters that are kept, the last ones
CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")  # colours and the like of a terminal
OVERWRITTEN = re.compile(r"[^\n]*\r(?=[^\n])")  # what a bar of progress wrote before its last state


ONE = threading.RLock()  # one listener at a time, so that streams are put back in the right order


class Ear:
    """A stream that keeps what one thread writes; all else goes where it went before.

    A kernel may answer a page on a thread of its own while a cell runs, whose prints are not ours.
    """

    def __init__(self, before: Any, keep: Callable[[str], object]):
        self.before, self.keep = before, keep
        self.thread: int | None = threading.get_ident()  # None: nobody listens any more

    def write(self, text: str) -> int:
        """Keep a text; how long it is."""
        if threading.get_ident() != self.thread:
            return self.before.write(text)
        self.keep(str(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Keep several texts."""
        self.write("".join(lines))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.before, name)


@contextmanager
def heard(afresh: bool = False) -> Iterator[Callable[[], str]]:
    """Listen to what this thread prints and warns of; gives a function that tells it.

    afresh: warnings that were given once are given again.

    >>> with heard() as told:
    ...     print("hello")
    >>> told()
    'hello\\n'
    """
    text = ""

    def keep(more: str) -> None:
        nonlocal text
        text = (text + more)[-2 * MOST :]

    with ONE, warnings.catch_warnings() if afresh else nullcontext():
        out: Any = Ear(sys.stdout, keep)
        err: Any = Ear(sys.stderr, keep)
        try:
            with redirect_stdout(out), redirect_stderr(err):
                yield lambda: text
        finally:
            out.thread = err.thread = None


def clipped(text: str) -> str:
    """The end of a text as a page can show it.

    >>> clipped("10 %\\r\\x1b[31m20 %\\x1b[0m\\n")
    '20 %\\n'
    """
    text = OVERWRITTEN.sub("", CODES.sub("", text).replace("\r\n", "\n"))
    text = text.encode("utf-8", "replace").decode("utf-8")
    return text if len(text) <= MOST else "…" + text[-MOST:]
