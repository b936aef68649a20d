"""Values as Python text: what *Show code* writes for them, and why it cannot where it cannot."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import math
import sys
from collections.abc import Callable, Mapping
from enum import Enum
from pathlib import Path, PurePath
from types import ModuleType
from typing import Any

import numpy as np
import torch

from sbkit.lab.around import leads, names_around, writable
from sbkit.training.signature import Lesson, default_of, name_of

MOST = 2000  # characters of a value that is no text itself
HOMES = ("torch", "torch.nn", "torch.nn.functional", "numpy")  # where their users find what lies deeper
PLAIN = (type(None), type(...), bool, int, str, bytes, range)
BRACKETS = {list: "[{}]", tuple: "({})", set: "{{{}}}", frozenset: "frozenset({{{}}})", dict: "{{{}}}"}


class Unwritten(Exception):
    """Why a value has no text in Python."""


class Pen:
    """Writes for a cell in which a lesson and the names around it stand; what has to be imported, is.

    What cannot be written stands as `...`, with its reason in the `notes`.

    >>> pen = Pen(len)
    >>> pen.call({"obj": [float("inf"), np.float64(0.5), torch.tanh]})
    'len(obj=[float("inf"), 0.5, torch.tanh])'
    >>> print(pen.page(pen.call({"obj": lambda: 0})))
    # obj cannot be written: a lambda has no name; give it one with def
    import torch
    len(obj=...)
    """

    def __init__(self, lesson: Lesson):
        self.lesson, self.names = lesson, names_around(lesson)
        self.imports: set[str] = set()
        self.notes: dict[str, str] = {}
        self._deep = 0

    def call(self, values: Mapping[str, Any]) -> str:
        """The lesson's call; a value that cannot be written is left out where it is the lesson's default."""
        texts = {}
        for name, value in values.items():
            try:
                texts[name] = self.text(value)
            except Unwritten as why:
                if value is not default_of(self.lesson, name, Unwritten):
                    texts[name] = self._note(name, why)
        return f"{self.called()}({', '.join(f'{name}={text}' for name, text in texts.items())})"

    def called(self) -> str:
        """The lesson itself."""
        try:
            named = "" if inspect.isroutine(self.lesson) else self._named(self.lesson)
            return named or self.text(self.lesson)
        except Unwritten as why:
            name = name_of(self.lesson)
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
        self._deep += 1
        try:
            text = self._text(value)
            if len(text) > MOST and type(value) is not str:
                raise Unwritten(f"{_a(value)} of {len(text):,} characters is too long; give it a name")
            return text
        except Unwritten:
            if name := self._named(value):
                return name
            raise
        finally:
            self._deep -= 1

    def _text(self, value: Any) -> str:
        kind = type(value)
        if kind is int and value.bit_length() > MOST or kind in BRACKETS and len(value) > MOST:
            raise Unwritten(f"{_a(value)} of this size is too long; give it a name")
        if kind in PLAIN:
            return repr(value)
        if kind is float:
            return repr(value) if math.isfinite(value) else f'float("{value}")'
        if kind is complex:
            return f"complex({self._text(value.real)}, {self._text(value.imag)})"
        if isinstance(value, np.generic):
            plain = kind in (np.float64, np.int64, np.bool_, np.str_)
            text = self.text(value.item() if plain or isinstance(value, np.number) else str(value))
            return text if plain else f"{self.text(kind)}({text})"
        if isinstance(value, functools.partial):
            parts = [self.text(part) for part in (value.func, *value.args)]
            return self._made(functools.partial, *parts, **value.keywords)
        if isinstance(value, Enum):
            return self._member(value)
        if kind in BRACKETS or isinstance(value, tuple) and hasattr(value, "_fields"):
            return self._several(value)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return self._record(value)
        for known, write in OBJECTS.items():
            if isinstance(value, known):
                return write(self, value)
        if hasattr(value, "__name__"):
            return self._reference(value)
        raise Unwritten(f"{_a(value)} has no text in Python; give it a name, e.g. mine = …")

    def _several(self, value: Any) -> str:
        if self._deep > 20:
            raise Unwritten("it is nested too deeply")
        if isinstance(value, dict):
            items = [f"{self.text(key)}: {self.text(item)}" for key, item in value.items()]
        else:
            items = [self.text(item) for item in value]
        if type(value) not in BRACKETS:  # a named tuple
            return f"{self.text(type(value))}({', '.join(items)})"
        if not value:
            return repr(value)
        comma = "," if type(value) is tuple and len(items) == 1 else ""
        return BRACKETS[type(value)].format(", ".join(items) + comma)

    def _member(self, value: Enum) -> str:
        """A member of an enumeration: Color.RED, of flags Color(3)."""
        kind = self.text(type(value))
        if value.name and getattr(type(value), value.name, None) is value:
            return f"{kind}.{value.name}"
        return f"{kind}({self.text(value.value)})"

    def _record(self, value: Any) -> str:
        """A dataclass by its fields."""
        fields = dataclasses.fields(value)
        if not all(field.init for field in fields):
            raise Unwritten(f"{_a(value)} is more than what it is made of; give it a name, e.g. mine = …")
        return self._made(type(value), **{field.name: getattr(value, field.name) for field in fields})

    def _made(self, kind: Callable[..., Any], *texts: str, **named: Any) -> str:
        given = [*texts, *(f"{name}={self.text(part)}" for name, part in named.items())]
        return f"{self.text(kind)}({', '.join(given)})"

    def _array(self, value: np.ndarray) -> str:
        if type(value) is not np.ndarray or value.size > 200 or not value.size or value.dtype.names:
            raise Unwritten(f"an array of shape {value.shape} is too much; give it a name, e.g. mine = …")
        return self._made(np.array, self.text(value.tolist()), dtype=str(value.dtype))

    def _tensor(self, value: torch.Tensor) -> str:
        plain = type(value) is torch.Tensor and value.layout is torch.strided and value.device.type == "cpu"
        if not plain or value.requires_grad or value.numel() > 200 or not value.numel():
            shape = tuple(value.shape)
            raise Unwritten(f"{_a(value)} of shape {shape} is too much; give it a name, e.g. mine = …")
        return self._made(torch.tensor, self.text(value.tolist()), dtype=value.dtype)

    def _torch(self, value: Any) -> str:
        """What torch prints of its own is Python, mostly."""
        self.imports.add("import torch")
        return f"torch.device({str(value)!r})" if isinstance(value, torch.device) else repr(value)

    def _reference(self, value: Any) -> str:
        """A function, class or module by the name that leads to it."""
        owner, name = getattr(value, "__self__", None), str(value.__name__)
        if isinstance(value, ModuleType):
            return self._named(value) or self._imported(value)
        path = getattr(value, "__qualname__", name)
        if "<lambda>" in path.rpartition("<locals>")[2]:
            raise Unwritten("a lambda has no name; give it one with def")
        if inspect.ismethod(value):
            return f"{self.text(owner)}.{name}"
        if found := self._reached(value, path):
            return found
        if "<locals>" in path:
            raise Unwritten(f"{name} was made inside a function; give it a name outside, e.g. mine = …")
        raise Unwritten(f"no name leads to this {name}; was it defined anew?")

    def _imported(self, value: ModuleType) -> str:
        if sys.modules.get(value.__name__) is not value:
            raise Unwritten(f"no import leads to this module {value.__name__}")
        self.imports.add(f"import {value.__name__}")
        return value.__name__

    def _reached(self, value: Any, path: str) -> str:
        """The path from a name around the lesson, from a module that has one there, or from an import."""
        name, home = path.rpartition(".")[2], getattr(value, "__module__", None)
        if leads(self.names, path, value):
            return path
        modules = {alias: held for alias, held in self.names.items() if isinstance(held, ModuleType)}
        for alias, module in modules.items():
            if getattr(module, name, None) is value and writable(alias):
                return f"{alias}.{name}"
        for module in filter(None, (*HOMES, home)):
            for way in (path, name):
                if leads(vars(sys.modules.get(module, sys)), way, value):
                    if module in ("builtins", "__main__"):
                        return way
                    self.imports.add(f"import {module}")
                    return f"{module}.{way}"
        return ""

    def _named(self, value: Any) -> str:
        """A name around the lesson that holds this very value."""
        return next((name for name, held in self.names.items() if held is value and writable(name)), "")


def _path(pen: Pen, value: PurePath) -> str:
    pen.imports.add("import pathlib")
    return f"pathlib.{'Path' if isinstance(value, Path) else type(value).__name__}({str(value)!r})"


OBJECTS: dict[Any, Callable[[Pen, Any], str]] = {
    PurePath: _path,
    np.dtype: lambda pen, value: pen._made(np.dtype, repr(str(value))),
    np.ndarray: Pen._array,
    torch.Tensor: Pen._tensor,
    torch.dtype | torch.device | torch.Size: Pen._torch,
}


def _a(value: Any) -> str:
    name = type(value).__name__
    return f"a{'n' if name[:1].lower() in 'aeiou' else ''} {name}"
