"""Names for functions and values by what they hold, the same in every process."""

from __future__ import annotations

import copyreg
import functools
import hashlib
from collections.abc import Iterable
from types import FunctionType, ModuleType
from typing import Any

from sbkit.cache.contents import content, installed
from sbkit.core import SbkitError

PLAIN = (type(None), bool, int, float, complex, str, type(...))


def fingerprint(*things: Any) -> str:
    """A name for things by their content, the same in every process: equal names, equal results.

    Functions and classes count by their code, not by where it stands, and with it count the values that
    it names: globals, closures, defaults, modules of yours. What is installed counts by its name alone.
    Whether values are one object or equal ones, and what a `cached_property` keeps of them, does not count.
    Raises `SbkitError` on what has no content to compare, such as a lock or an open file.

    >>> def lesson(depth=1):
    ...     return depth * scale
    >>> scale = 2
    >>> before = fingerprint(lesson)
    >>> scale = 3
    >>> before == fingerprint(lesson)
    False
    """
    try:
        return _Book().fingerprint(things)
    except Exception as error:
        raise SbkitError(
            "A cached sweep compares all that its lesson uses by content, and could not: "
            f"{error}; make that inside the lesson, or sweep without cache."
        ) from error


class _Book:
    """Digests of things by their content: of kind and parts, and so on down.

    Functions, classes and modules name each other in circles: each is numbered where it is met first, and
    what it holds is told after all else. A value that holds itself tells how far up it is met again.
    """

    def __init__(self) -> None:
        self.known: dict[int, tuple[Any, bytes]] = {}  # with the thing: its id is not given to another
        self.open: dict[int, int] = {}  # values whose parts are under way: id → how deep
        self.defined: list[Any] = []

    def fingerprint(self, things: Iterable[Any]) -> str:
        whole = hashlib.sha256(self.name(tuple(things)))
        for definition in self.defined:  # grows while it is read
            whole.update(self.digest(definition))
        return whole.hexdigest()[:32]

    def name(self, thing: Any) -> bytes:
        """The digest of a thing, taken once."""
        place = id(thing)
        if type(thing) in PLAIN or type(thing) in (bytes, bytearray):
            return self.digest(thing)
        if place in self.open:
            return self.digest(f"up {len(self.open) - self.open[place]}")
        if place not in self.known:
            if isinstance(thing, FunctionType | type | ModuleType) and not installed(thing):
                self.defined.append(thing)
                self.known[place] = thing, self.digest(f"definition {len(self.defined)}")
            else:
                self.open[place] = len(self.open)
                self.known[place] = thing, self.digest(thing)
                del self.open[place]
        return self.known[place][1]

    def digest(self, thing: Any) -> bytes:
        made = hashlib.sha256(f"{type(thing).__qualname__}:".encode())
        if type(thing) in PLAIN:
            made.update(repr(thing).encode())
        elif type(thing) in (bytes, bytearray):
            made.update(thing)
        else:
            for part in _parts(thing):
                made.update(self.name(part))
        return made.digest()


def _parts(thing: Any) -> Iterable[Any]:
    """What a thing is made of: its items, its content, or all that pickle would take of it."""
    if type(thing) in (list, tuple):
        return thing
    if type(thing) is dict:
        return [part for item in thing.items() for part in item]
    if isinstance(thing, FunctionType | type | ModuleType) and installed(thing):
        return getattr(thing, "__module__", ""), getattr(thing, "__qualname__", thing.__name__)
    if isinstance(thing, set | frozenset):
        return sorted(_Book().fingerprint([one]) for one in thing)
    if (held := content(thing)) is not None:
        return held if isinstance(held, tuple) else (held,)
    reduce = copyreg.dispatch_table.get(type(thing))
    reduced: Any = reduce(thing) if reduce else thing.__reduce_ex__(4)
    if isinstance(reduced, str):  # the name of a constant, or of a function that is built in
        return getattr(thing, "__module__", None), reduced
    made, arguments, state, items, pairs, *_ = *reduced, *[None] * 3
    return made, arguments, _without_caches(type(thing), state), list(items or ()), list(pairs or ())


def _without_caches(kind: type, state: Any) -> Any:
    """An object's attributes in the order of their names, without the values of its cached properties."""
    if isinstance(state, tuple):  # of one with slots
        return tuple(_without_caches(kind, part) for part in state)
    if not isinstance(state, dict):
        return state
    known = {name: value for base in kind.__mro__ for name, value in vars(base).items()}
    kept = [name for name in state if not isinstance(known.get(name), functools.cached_property)]
    return {name: state[name] for name in sorted(kept, key=str)}
