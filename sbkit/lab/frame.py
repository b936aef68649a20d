"""Descriptions as one message: JSON, and one binary buffer that holds its arrays."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from sbkit.plots import Axis, Bars, Description, Field, Line, Lines, Mark

Frame = dict[str, Any]
SHAPES = {Field: "field", Lines: "lines", Bars: "bars"}


class Buffer:
    """Arrays one after the other, little endian, each at a multiple of 4 bytes.

    >>> buffer = Buffer()
    >>> buffer.put([0, 1, 2], "u1"), buffer.put([[0.5]])
    ({'at': 0, 'type': 'u1', 'shape': [3]}, {'at': 4, 'type': 'f4', 'shape': [1, 1]})
    >>> len(buffer.bytes)
    8
    """

    def __init__(self) -> None:
        self.bytes = bytearray()

    def put(self, values: Any, kind: str = "f4") -> dict[str, Any] | None:
        """Append an array as "f4", or rounded and clipped as "u1"; where it lies. None stays None."""
        if values is None:
            return None
        array = np.asarray(values)
        if kind == "u1":
            array = np.clip(np.rint(np.nan_to_num(array)), 0, 255)
        at = len(self.bytes)
        self.bytes += np.ascontiguousarray(array, dtype=f"<{kind}").tobytes()
        self.bytes += bytes(-len(self.bytes) % 4)
        return {"at": at, "type": kind, "shape": list(array.shape)}


def encode(descriptions: Iterable[Description], **head: Any) -> tuple[Frame, bytes]:
    """A frame message with its buffer. head: run, step, steps, epoch, state, reason, moving, …

    The spread of a chance (at most ½) is stored as 510 times itself in a byte, labels as they are.
    """
    buffer = Buffer()
    plots = [
        {"shape": SHAPES[type(shape)], "name": shape.name, "title": shape.title, "caption": shape.caption}
        | PARTS[type(shape)](shape, buffer)
        for shape in descriptions
    ]
    return {"type": "frame", "pushed": False} | head | {"plots": plots}, bytes(buffer.bytes)


def _axis(axis: Axis) -> Frame:
    ends = {"low": axis.low, "high": axis.high, "log": axis.log}
    return {"label": axis.label, "unit": axis.unit} | ends | {"ticks": list(axis.ticks)}


def _field(field: Field, buffer: Buffer) -> Frame:
    spread: Any = field.spread, "f4"  # (rows, columns)
    if field.spread is not None and field.scale is None:
        spread = 510 * np.minimum(field.spread, 0.5), "u1"
    return {
        "x": _axis(field.x),
        "y": _axis(field.y),
        "scale": None if field.scale is None else _axis(field.scale),
        "values": buffer.put(field.values),
        "spread": buffer.put(*spread),
        "points": buffer.put(field.points),
        "labels": buffer.put(field.labels, "u1"),
        "names": list(field.names),
    }


def _marks(marks: Sequence[Mark]) -> Frame:
    return {"marks": [dataclasses.asdict(mark) for mark in marks]}


def _lines(lines: Lines, buffer: Buffer) -> Frame:
    axes = {"x": _axis(lines.x), "y": _axis(lines.y), "grows": lines.grows}
    return axes | _marks(lines.marks) | {"lines": [_line(line, buffer) for line in lines.lines]}


def _line(line: Line, buffer: Buffer) -> Frame:
    arrays = {name: buffer.put(getattr(line, name)) for name in ("x", "y", "low", "high", "start")}
    return {"name": line.name, "dash": line.dash} | arrays


def _bars(bars: Bars, buffer: Buffer) -> Frame:
    arrays = {"values": buffer.put(bars.values), "dots": buffer.put(bars.dots)}
    about = {"y": _axis(bars.y), "names": list(bars.names), "sides": list(bars.sides)}
    return about | _marks(bars.marks) | arrays


PARTS: dict[type, Any] = {Field: _field, Lines: _lines, Bars: _bars}
