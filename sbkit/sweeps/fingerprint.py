"""Names for functions and values that follow from what they do and hold, not from how they were used."""

from __future__ import annotations

import contextlib
import copyreg
import dis
import functools
import hashlib
import importlib
import sys
import sysconfig
from collections.abc import Callable, Iterable
from operator import attrgetter
from pathlib import Path
from types import CellType, CodeType, FunctionType, MappingProxyType, ModuleType, NoneType
from typing import Any

import numpy as np
import pandas
import torch

from sbkit.core import SbkitError

HOME = Path(__file__).parents[1]  # sbkit's own folder
ATOMS = (NoneType, bool, int, float, complex, str, bytes, type(...))
EXACT = (list, tuple, dict, np.ndarray)  # of which others, made from them, may hold more
DEFINITIONS = FunctionType | type | ModuleType  # what may name each other in circles
READS = ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS")
VOLATILE = {  # of a class: where it stands, and what its use leaves behind
    *("__dict__", "__weakref__", "__doc__", "__firstlineno__", "__static_attributes__"),
    *("_abc_impl", "_value2member_map_", "__annotations_cache__"),
}


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
    """Digests of things by their content: of type and parts, and so on down.

    Functions, classes and modules name each other in circles: each gets a number when it is first met, and
    its parts follow at the end. A value inside itself is named by how many levels up it stands.
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
        if type(thing) in ATOMS:
            return self.digest(thing)
        if place in self.open:
            return self.digest(f"up {len(self.open) - self.open[place]}")
        if place not in self.known:
            if isinstance(thing, DEFINITIONS) and not _installed(thing):
                self.defined.append(thing)
                self.known[place] = thing, self.digest(f"definition {len(self.defined)}")
            else:
                self.open[place] = len(self.open)
                self.known[place] = thing, self.digest(thing)
                del self.open[place]
        return self.known[place][1]

    def digest(self, thing: Any) -> bytes:
        made = hashlib.sha256(f"{type(thing).__qualname__}:".encode())
        if type(thing) in ATOMS:
            made.update(thing if type(thing) is bytes else repr(thing).encode())
        else:
            for part in _parts(thing):
                made.update(self.name(part))
        return made.digest()


def _parts(thing: Any) -> Iterable[Any]:
    """What a thing is made of: its items, its content, or all that pickle would take of it."""
    if isinstance(thing, DEFINITIONS) and _installed(thing):
        return getattr(thing, "__module__", ""), getattr(thing, "__qualname__", thing.__name__)
    own: type = type(thing)
    known = [base for base in own.__mro__ if base in CONTENT and (base is own or base not in EXACT)]
    return (CONTENT[known[0]] if known else _pickled)(thing)


def _pickled(thing: Any) -> Iterable[Any]:
    reduce = copyreg.dispatch_table.get(type(thing))
    reduced: Any = reduce(thing) if reduce else thing.__reduce_ex__(4)
    if isinstance(reduced, str):  # the name of a constant, or of a function that is built in
        return getattr(thing, "__module__", None), reduced
    made, arguments, state, items, pairs, *_ = *reduced, *[None] * 3
    return made, arguments, _without_caches(type(thing), state), list(items or ()), list(pairs or ())


def _without_caches(own: type, state: Any) -> Any:
    """An object's attributes in the order of their names, without the values of its cached properties."""
    if isinstance(state, tuple):  # of one with slots
        return tuple(_without_caches(own, part) for part in state)
    if not isinstance(state, dict):
        return state
    known = {name: value for base in own.__mro__ for name, value in vars(base).items()}
    kept = [name for name in state if not isinstance(known.get(name), functools.cached_property)]
    return {name: state[name] for name in sorted(kept, key=str)}


def _function(thing: FunctionType) -> Iterable[Any]:
    if {"registry", "dispatch"} <= vars(thing).keys():  # of functools.singledispatch, which remembers calls
        return (dict(vars(thing)["registry"]),)
    names, known = _named(thing.__code__, *READS), thing.__globals__
    used = {name: known[name] for name in names if name in known}
    imported = []
    for name in _named(thing.__code__, "IMPORT_NAME"):
        with contextlib.suppress(ImportError):
            imported.append(importlib.import_module(name))
    defaults = thing.__defaults__, thing.__kwdefaults__
    return thing.__code__, defaults, thing.__closure__, vars(thing), used, imported


def _named(code: CodeType, *opnames: str) -> list[str]:
    """What such instructions name in code and in its inner functions, sorted."""
    found = {one.argval for one in dis.get_instructions(code) if one.opname in opnames}
    inner = (part for part in code.co_consts if isinstance(part, CodeType))
    return sorted(found.union(*(_named(part, *opnames) for part in inner)))


def _class(thing: type) -> Iterable[Any]:
    kept = {k: v for k, v in vars(thing).items() if k not in VOLATILE and not k.startswith("__dataclass")}
    if not kept.get("__annotations__", True):
        del kept["__annotations__"]
    return type(thing), thing.__bases__, kept


def _cell(thing: CellType) -> Iterable[Any]:
    try:
        return (thing.cell_contents,)
    except ValueError:  # not filled yet
        return ()


def _items(thing: dict) -> Iterable[Any]:
    return [part for item in thing.items() for part in item]


def _array(thing: np.ndarray) -> Iterable[Any]:
    return thing.dtype, thing.shape, thing.tolist() if thing.dtype.hasobject else thing.tobytes()


def _tensor(thing: torch.Tensor) -> Iterable[Any]:
    flat = (thing.to_dense() if thing.layout is not torch.strided else thing).detach().cpu()
    flat = flat.resolve_conj().resolve_neg().contiguous().reshape(-1)
    return str(thing.dtype), tuple(thing.shape), flat.view(torch.uint8).numpy().tobytes()


CONTENT: dict[type, Callable[[Any], Iterable[Any]]] = {
    list: list,
    tuple: list,
    dict: _items,
    MappingProxyType: _items,
    **dict.fromkeys((set, frozenset), lambda thing: sorted(_Book().fingerprint([one]) for one in thing)),
    np.ndarray: _array,
    torch.Tensor: _tensor,
    pandas.DataFrame: lambda table: (table.index, table.columns, *(column for _, column in table.items())),
    pandas.Series: attrgetter("name", "dtype", "index", "array"),
    pandas.Index: attrgetter("names", "dtype", "array"),
    FunctionType: _function,
    CodeType: attrgetter(
        *("co_code", "co_consts", "co_exceptiontable", "co_argcount", "co_posonlyargcount"),
        *("co_kwonlyargcount", "co_flags", "co_names", "co_varnames", "co_freevars", "co_cellvars"),
    ),
    CellType: _cell,
    type: _class,
    ModuleType: lambda thing: [{k: v for k, v in vars(thing).items() if not k.startswith("__")}],
    property: attrgetter("fget", "fset", "fdel"),
    functools.cached_property: lambda thing: [thing.func],
    **dict.fromkeys((staticmethod, classmethod, type(functools.cache(len))), lambda one: [one.__wrapped__]),
}


def _installed(thing: Any) -> bool:
    """Whether a thing is found under its name in Python, sbkit or an installed package."""
    name = thing.__name__ if isinstance(thing, ModuleType) else thing.__module__ or ""
    module = sys.modules.get(name)
    if module is None or name == "__main__" or not _packaged(getattr(module, "__file__", None), name):
        return False
    try:
        return thing is module or attrgetter(thing.__qualname__)(module) is thing
    except AttributeError:  # made inside a function
        return False


def _packaged(file: str | None, name: str) -> bool:
    """Whether a module is Python's, sbkit's or of an installed package."""
    if file is None:
        return name in sys.builtin_module_names
    path, homes = Path(file), (sysconfig.get_path("stdlib"), HOME)
    return bool({"site-packages", "dist-packages"} & set(path.parts)) or any(map(path.is_relative_to, homes))
