"""Values as Python text: what *Show code* writes for them, and why it cannot where it cannot."""

from __future__ import annotations

import ast
import dataclasses
import functools
import inspect
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from keyword import iskeyword
from operator import attrgetter
from pathlib import Path, PurePath
from types import EllipsisType, ModuleType, NoneType, SimpleNamespace
from typing import Any

import numpy as np
import torch

from sbkit.data import painted
from sbkit.data.paint import Painted
from sbkit.training.signature import Lesson, Signature

MOST = 2000  # characters of a value that is no text itself
# These reexport what is defined deeper.
HOMES = ("torch", "torch.nn", "torch.nn.functional", "numpy", "pathlib", "sbkit.data")
AROUND = ("builtins", "__main__")  # need no import
LITERALS = (NoneType, EllipsisType, bool, int, str, bytes, range)
SCALARS = (np.float64, np.int64, np.bool_, np.str_)  # of NumPy, written as Python's own
BRACKETS = {list: "[{}]", tuple: "({})", set: "{{{}}}", frozenset: "frozenset({{{}}})", dict: "{{{}}}"}
Recipe = tuple[Callable[..., Any], Sequence[Any], Mapping[str, Any]]  # a function, and what it is given


class Unwritten(Exception):
    """Why a value has no text in Python."""


class Pen:
    """Writes for a cell in which a lesson and the names around it stand; what has to be imported, is.

    What cannot be written stands as `...`, with its reason in the `notes`.

    >>> pen = Pen(len)
    >>> pen.call({"obj": [float("inf"), np.float64(0.5), torch.tanh]})
    "len(obj=[float('inf'), 0.5, torch.tanh])"
    >>> print(pen.page(pen.call({"obj": lambda: 0})))
    # obj cannot be written: a lambda has no name; give it one with def
    import torch
    len(obj=...)
    """

    def __init__(self, lesson: Lesson):
        self.lesson, self.names = lesson, _names_around(lesson)
        self.signature = Signature.of(lesson)
        self.imports: set[str] = set()
        self.notes: dict[str, str] = {}

    def call(self, values: Mapping[str, Any]) -> str:
        """The lesson's call; a value that cannot be written is left out where it is the lesson's default."""
        texts = {}
        for name, value in values.items():
            try:
                texts[name] = self.text(value)
            except Unwritten as why:
                if value is not self.signature.defaults.get(name, Unwritten):
                    texts[name] = self._note(name, why)
        return f"{self.called()}({', '.join(f'{name}={text}' for name, text in texts.items())})"

    def called(self) -> str:
        """The lesson itself."""
        try:
            named = "" if inspect.isroutine(self.lesson) else self._named(self.lesson)
            return named or self.text(self.lesson)
        except Unwritten as why:
            name = self.signature.name
            if name != getattr(self.lesson, "__name__", "") or inspect.ismethod(self.lesson):
                self.notes[name] = f"# {name} stands for the lesson: {why}"
            return name

    def value(self, name: str, value: Any) -> str:
        """The text of a value, `...` and a note if it has none."""
        try:
            return self.text(value)
        except Unwritten as why:
            return self._note(name, why)

    def _note(self, name: str, why: Unwritten) -> str:
        self.notes[name] = " ".join(f"# {name} cannot be written: {why}".split())
        return "..."

    def page(self, *lines: str) -> str:
        """Lines of code below the notes and imports that they need."""
        return "\n".join([*self.notes.values(), *sorted(self.imports), *lines])

    def text(self, value: Any) -> str:
        """The text of a value, or of a name around the lesson that holds it; else raises `Unwritten`."""
        try:
            text = self._text(value)
            ast.parse(text)  # Python reads no more than some hundred brackets in each other
            if len(text) > MOST and type(value) is not str:
                raise Unwritten(f"{_a(value)} of {len(text):,} characters is too long; give it a name")
            return text
        except (Unwritten, RecursionError, SyntaxError, MemoryError) as error:
            if name := self._named(value):
                return name
            raise error if isinstance(error, Unwritten) else Unwritten("it is nested too deeply") from None

    def _text(self, value: Any) -> str:
        cls = type(value)
        if cls is int and value.bit_length() > MOST or cls in BRACKETS and len(value) > MOST:
            raise Unwritten(f"{_a(value)} of this size is too long; give it a name")
        if cls in LITERALS or cls is float and math.isfinite(value):
            return repr(value)
        if cls in SCALARS:
            return self.text(value.item())
        if cls in BRACKETS:
            return self._several(value)
        if isinstance(value, Enum) and value.name and getattr(cls, value.name, None) is value:
            return f"{self.text(cls)}.{value.name}"
        if isinstance(value, torch.dtype):
            self.imports.add("import torch")
            return repr(value)
        if recipe := _recipe(value):
            make, given, named = recipe
            texts = [*map(self.text, given), *(f"{name}={self.text(part)}" for name, part in named.items())]
            return f"{self.text(make)}({', '.join(texts)})"
        if hasattr(value, "__name__"):
            return self._path(value)
        raise Unwritten(f"{_a(value)} has no text in Python; give it a name, e.g. mine = …")

    def _several(self, value: Any) -> str:
        if not value:
            return repr(value)
        if isinstance(value, dict):
            items = [f"{self.text(key)}: {self.text(item)}" for key, item in value.items()]
        else:
            items = [self.text(item) for item in value]
        comma = "," if type(value) is tuple and len(items) == 1 else ""
        return BRACKETS[type(value)].format(", ".join(items) + comma)

    def _path(self, value: Any) -> str:
        """What leads to a function, class or module: names around the lesson, modules there, an import."""
        short, path = value.__name__, str(getattr(value, "__qualname__", value.__name__))
        if isinstance(value, ModuleType):
            return self._named(value) or self._module(value)
        if "<lambda>" in path.rpartition("<locals>")[2]:
            raise Unwritten("a lambda has no name; give it one with def")
        if inspect.ismethod(value):
            return f"{self.text(value.__self__)}.{short}"
        modules = [n for n, held in self.names.items() if isinstance(held, ModuleType) and _writable(n)]
        for way in (path, *(f"{name}.{short}" for name in modules)):
            if _leads(SimpleNamespace(**self.names), way, value):
                return way
        for home in (*HOMES, str(getattr(value, "__module__", None))):
            for way in (path, short):
                if _leads(sys.modules.get(home), way, value):
                    return way if home in AROUND else f"{self._module(sys.modules[home])}.{way}"
        where = f"{path.rpartition('.')[2]} was made inside a function" if "<locals>" in path else ""
        raise Unwritten(f"{where or f'no name leads to this {path}'}; give it a name outside, e.g. mine = …")

    def _module(self, module: ModuleType) -> str:
        """The name of a module, which is imported."""
        name = module.__name__
        if sys.modules.get(name) is not module:
            raise Unwritten(f"no import leads to this module {name}")
        self.imports.add(f"import {name}")
        return name

    def _named(self, value: Any) -> str:
        """A name around the lesson that holds this very value."""
        return next((name for name, held in self.names.items() if held is value and _writable(name)), "")


def _recipe(value: Any) -> Recipe | None:
    """What makes such a value; None where nothing is known to."""
    cls: Any = type(value)
    match value:
        case functools.partial():
            return functools.partial, [value.func, *value.args], value.keywords
        case np.ndarray() | torch.Tensor():
            return _array(value)
        case Painted():
            return painted, [[*value.dabs]], {"seed": value.seed} if value.seed else {}
        case Enum():
            return cls, [value.value], {}
        case np.generic() | torch.device() | float() | complex():
            return cls, [str(value)], {}
        case PurePath():
            return Path if isinstance(value, Path) else cls, [str(value)], {}
        case np.dtype():
            return np.dtype, [str(value)], {}
        case tuple():  # of a class of its own
            return cls, list(value) if hasattr(value, "_fields") else [list(value)], {}
    if isinstance(value, type) or not dataclasses.is_dataclass(value):
        return None
    fields = dataclasses.fields(value)
    if not all(field.init for field in fields):
        raise Unwritten(f"{_a(value)} is more than what it is made of; give it a name, e.g. mine = …")
    return cls, [], {field.name: getattr(value, field.name) for field in fields}


def _array(value: Any) -> Recipe:
    """A small array or tensor as the list of its numbers."""
    tensor, bare = isinstance(value, torch.Tensor), type(value) in (np.ndarray, torch.Tensor)
    if tensor:
        bare &= value.layout is torch.strided and value.device.type == "cpu" and not value.requires_grad
    if not bare or not 0 < math.prod(value.shape) <= 200 or (not tensor and value.dtype.names):
        what = f"{_a(value)} of shape {tuple(value.shape)}"
        raise Unwritten(f"{what} is too much; give it a name, e.g. mine = …")
    dtype = value.dtype if tensor else str(value.dtype)
    return torch.tensor if tensor else np.array, [value.tolist()], {"dtype": dtype}


def _names_around(lesson: Lesson) -> Mapping[str, Any]:
    """The names that the lesson's own cell or file has."""
    while isinstance(lesson, functools.partial):
        lesson = lesson.func
    lesson = getattr(inspect.unwrap(lesson), "__func__", lesson)
    return getattr(lesson, "__globals__", None) or getattr(type(lesson).__call__, "__globals__", {})


def _leads(root: Any, path: str, value: Any) -> bool:
    """Whether a dotted path from there ends at this very value."""
    try:
        return attrgetter(path)(root) is value
    except AttributeError:
        return False


def _writable(name: str) -> bool:
    """Whether Python takes a name that a reader would write."""
    return name.isidentifier() and not iskeyword(name) and not name.startswith("_")


def _a(value: Any) -> str:
    name = type(value).__name__
    return f"a{'n' if name[:1].lower() in 'aeiou' else ''} {name}"
