"""What tells functions, classes, arrays and tables apart: what they do and hold, not what use leaves."""

from __future__ import annotations

import dis
import functools
import importlib
import sys
import sysconfig
from operator import attrgetter
from pathlib import Path
from types import CellType, CodeType, FunctionType, MappingProxyType, ModuleType
from typing import Any

import numpy as np
import torch

HOME = Path(__file__).parents[1]  # sbkit's own folder
READS = ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS")
VOLATILE = {  # of a class: where it stands, and what its use leaves behind
    *("__dict__", "__weakref__", "__doc__", "__firstlineno__", "__static_attributes__"),
    *("_abc_impl", "_value2member_map_", "__annotations_cache__"),
}


@functools.singledispatch
def content(thing: Any) -> Any:
    """What tells a thing apart, or None where that is what pickle would take of it."""
    if type(thing).__module__.partition(".")[0] == "pandas" and hasattr(thing, "to_numpy"):
        if thing.ndim == 2:  # a table, whose memory its use may order anew
            return thing.index, thing.columns, [column for _, column in thing.items()]
        if hasattr(thing, "name"):  # a column, or an index
            names = list(getattr(thing, "names", [thing.name]))
            return names, thing.dtype, getattr(thing, "index", None), thing.to_numpy()
    return None


@content.register
def _(thing: FunctionType) -> Any:
    if {"registry", "dispatch"} <= vars(thing).keys():  # of functools.singledispatch, which remembers calls
        return (dict(vars(thing)["registry"]),)
    names, known = _named(thing.__code__, *READS), thing.__globals__
    used = {name: known[name] for name in names if name in known}
    imported = [_module(name) for name in _named(thing.__code__, "IMPORT_NAME")]
    defaults = thing.__defaults__, thing.__kwdefaults__
    return thing.__code__, defaults, thing.__closure__, vars(thing), used, imported


@content.register
def _(thing: CodeType) -> Any:
    arguments = thing.co_argcount, thing.co_posonlyargcount, thing.co_kwonlyargcount, thing.co_flags
    names = thing.co_names, thing.co_varnames, thing.co_freevars, thing.co_cellvars
    return thing.co_code, thing.co_consts, thing.co_exceptiontable, arguments, names


@content.register
def _(thing: CellType) -> Any:
    try:
        return (thing.cell_contents,)
    except ValueError:  # not filled yet
        return ()


@content.register
def _(thing: type) -> Any:
    kept = {name: value for name, value in vars(thing).items() if name not in VOLATILE}
    kept = {
        k: v for k, v in kept.items() if not k.startswith("__dataclass") and (k, v) != ("__annotations__", {})
    }
    return type(thing), thing.__bases__, kept


@content.register
def _(thing: ModuleType) -> Any:
    return {name: value for name, value in vars(thing).items() if not name.startswith("__")}


@content.register
def _(thing: property) -> Any:
    return thing.fget, thing.fset, thing.fdel


@content.register(staticmethod)
@content.register(classmethod)
@content.register(type(functools.cache(len)))
def _(thing: Any) -> Any:
    return thing.__wrapped__


@content.register
def _(thing: functools.cached_property) -> Any:
    return thing.func


@content.register
def _(thing: MappingProxyType) -> Any:
    return dict(thing)


@content.register
def _(thing: np.ndarray) -> Any:
    if type(thing) is not np.ndarray:
        return None
    return thing.dtype, thing.shape, thing.tolist() if thing.dtype.hasobject else thing.tobytes()


@content.register
def _(thing: torch.Tensor) -> Any:
    flat = (thing.to_dense() if thing.layout is not torch.strided else thing).detach().cpu()
    flat = flat.resolve_conj().resolve_neg().contiguous().reshape(-1)
    return str(thing.dtype), tuple(thing.shape), flat.view(torch.uint8).numpy().tobytes()


def installed(thing: Any) -> bool:
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
