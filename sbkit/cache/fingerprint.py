"""Names for functions and values by what they hold, the same in every process."""

from __future__ import annotations

import dis
import functools
import hashlib
import importlib
import pickle
import sys
import sysconfig
from operator import attrgetter
from pathlib import Path
from types import CellType, CodeType, FunctionType, ModuleType, SimpleNamespace
from typing import Any

import torch

from sbkit.core import SbkitError

HOME = Path(__file__).parents[1]  # sbkit's own folder
READS = ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS")
VOLATILE = {"__dict__", "__weakref__", "__doc__", "__firstlineno__", "__static_attributes__", "_abc_impl"}


def fingerprint(*things: Any) -> str:
    """A name for things by their content, the same in every process: equal names, equal results.

    Functions and classes count by their code, not by where it stands, and with it count the values that
    it names: globals, closures, defaults, modules of yours. What is installed counts by its name alone.
    Raises `SbkitError` on what has no content to compare, such as a lock or an open file.

    >>> def lesson(depth=1):
    ...     return depth * scale
    >>> scale = 2
    >>> before = fingerprint(lesson)
    >>> scale = 3
    >>> before == fingerprint(lesson)
    False
    """
    digest = hashlib.sha256()
    file: Any = SimpleNamespace(write=digest.update)
    try:
        _Contents(file, protocol=4).dump(things)
    except Exception as error:
        raise SbkitError(
            "A cached sweep compares all that its lesson uses by content, and could not: "
            f"{error}; make that inside the lesson, or sweep without cache."
        ) from error
    return digest.hexdigest()[:32]


class _Contents(pickle._Pickler):
    """Pickles to be hashed, never to be read. (C's pickler tells equal strings apart by their identity.)"""

    def memoize(self, obj: Any) -> None:
        if type(obj) not in (str, bytes, tuple):
            super().memoize(obj)  # pyright: ignore[reportAttributeAccessIssue]

    def reducer_override(self, obj: Any) -> Any:
        content = _content(obj)
        return NotImplemented if content is None else (dict, (), (type(obj).__name__, content))


@functools.singledispatch
def _content(thing: Any) -> Any:
    """What tells a thing apart, where pickle would take its name or fail; None where pickle does well."""


@_content.register
def _(thing: FunctionType) -> Any:
    if _installed(thing):
        return None
    names, known = _named(thing.__code__, *READS), thing.__globals__
    used = {name: known[name] for name in names if name in known}
    imported = [_module(name) for name in _named(thing.__code__, "IMPORT_NAME")]
    defaults = thing.__defaults__, thing.__kwdefaults__
    return thing.__code__, defaults, thing.__closure__, vars(thing), used, imported


@_content.register
def _(thing: CodeType) -> Any:
    arguments = thing.co_argcount, thing.co_posonlyargcount, thing.co_kwonlyargcount, thing.co_flags
    names = thing.co_names, thing.co_varnames, thing.co_freevars, thing.co_cellvars
    return thing.co_code, thing.co_consts, thing.co_exceptiontable, arguments, names


@_content.register
def _(thing: CellType) -> Any:
    try:
        return (thing.cell_contents,)
    except ValueError:  # not filled yet
        return ()


@_content.register
def _(thing: type) -> Any:
    if _installed(thing):
        return None
    kept = {name: value for name, value in vars(thing).items() if name not in VOLATILE}
    return type(thing), thing.__bases__, {k: v for k, v in kept.items() if not k.startswith("__dataclass")}


@_content.register
def _(thing: ModuleType) -> Any:
    if _installed(thing):
        return thing.__name__
    return {name: value for name, value in vars(thing).items() if not name.startswith("__")}


@_content.register
def _(thing: property) -> Any:
    return thing.fget, thing.fset, thing.fdel


@_content.register(staticmethod)
@_content.register(classmethod)
@_content.register(type(functools.cache(len)))
def _(thing: Any) -> Any:
    return thing.__wrapped__


@_content.register
def _(thing: functools.cached_property) -> Any:
    return thing.func


@_content.register(set)
@_content.register(frozenset)
def _(thing: Any) -> Any:
    return sorted(fingerprint(one) for one in thing)


@_content.register
def _(thing: torch.Tensor) -> Any:
    flat = thing.detach().cpu().contiguous().reshape(-1)
    return str(thing.dtype), tuple(thing.shape), flat.view(torch.uint8).numpy().tobytes()


def _installed(thing: Any) -> bool:
    """Whether a thing is found under its name in Python, sbkit or an installed package."""
    name = thing.__name__ if isinstance(thing, ModuleType) else thing.__module__ or ""
    module = sys.modules.get(name)
    file = getattr(module, "__file__", None)
    if module is None or name == "__main__":
        return False
    if not (_packaged(Path(file)) if file else name in sys.builtin_module_names):
        return False
    try:
        return thing is module or attrgetter(thing.__qualname__)(module) is thing
    except AttributeError:  # made inside a function
        return False


def _packaged(file: Path) -> bool:
    homes = sysconfig.get_path("stdlib"), HOME
    return bool({"site-packages", "dist-packages"} & set(file.parts)) or any(map(file.is_relative_to, homes))


def _module(name: str) -> ModuleType | None:
    """A module that a function imports when it is called."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def _named(code: CodeType, *opnames: str) -> list[str]:
    """What such instructions name in code and in its inner functions, sorted."""
    found = {one.argval for one in dis.get_instructions(code) if one.opname in opnames}
    inner = (part for part in code.co_consts if isinstance(part, CodeType))
    return sorted(found.union(*(_named(part, *opnames) for part in inner)))
