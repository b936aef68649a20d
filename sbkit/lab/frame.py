"""Descriptions as one message: JSON, and one binary buffer that holds its arrays."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

import numpy as np

from sbkit.plots import Description, Field, Images, Scatter
from sbkit.plots.parts import Axis
from sbkit.plots.shapes import captioned
from sbkit.plots.words import number, say

Frame = dict[str, Any]
ROWS = 200  # of a table that comes with a frame


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

    def put(self, values: Any, dtype: str = "f4") -> dict[str, Any]:
        """Append an array as "f4", or rounded and clipped as "u1"; where it lies."""
        array = np.asarray(values)
        if dtype == "u1":
            array = np.clip(np.rint(np.nan_to_num(array)), 0, 255)
        at = len(self.bytes)
        self.bytes += np.ascontiguousarray(array, dtype=f"<{dtype}").tobytes()
        self.bytes += bytes(-len(self.bytes) % 4)
        return {"at": at, "type": dtype, "shape": list(array.shape)}

    def part(self, value: Any) -> Any:
        """Any part of a description: its fields by name, its arrays put away."""
        if isinstance(value, np.ndarray):
            return self.put(value)
        if isinstance(value, list | tuple):
            return [self.part(one) for one in value]
        if not dataclasses.is_dataclass(value):
            return value
        parts = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        small = _small(value)
        return {name: self.part(one) for name, one in parts.items() if name not in small} | {
            name: self.put(one, "u1") for name, one in small.items()
        }


def encode(descriptions: Iterable[Description], **head: Any) -> tuple[Frame, bytes]:
    """A frame message with its buffer. head: run, step, steps, epoch, state, reason, moving, …"""
    buffer = Buffer()
    plots = [_plot(one, buffer) for one in descriptions]
    return {"type": "frame", "pushed": False} | head | {"plots": plots}, bytes(buffer.bytes)


def _plot(shape: Description, buffer: Buffer) -> dict[str, Any]:
    plot = {"shape": type(shape).__name__.lower()} | buffer.part(shape) | {"caption": captioned(shape)}
    told = isinstance(shape, Scatter | Images)
    return plot | ({"about": shape.about, "told": _told(shape)} if told else {})


def _told(shape: Scatter | Images) -> dict[str, Any]:
    """The data table of a shape in words: at most 200 rows, which the note says."""
    columns, count = shape.listed(), len(shape.points if isinstance(shape, Scatter) else shape.pixels)
    kept = range(0, count, -(-count // ROWS) or 1)
    some = say("tables", "some", n=len(kept), all=count) if len(kept) < count else ""
    cut = [[column[k] for column in columns.values()] for k in kept]
    rows = [[value if isinstance(value, str) else number(value) for value in row] for row in cut]
    return {"note": shape.title + some, "head": list(columns), "rows": rows}


def _small(shape: Any) -> dict[str, Any]:
    """What fits in one byte a number: labels, the spread of a chance (at most ½) times 510, and pixels."""
    if isinstance(shape, Images):
        small = {"pixels": _place(shape.pixels, shape.scale)}
        return small if shape.overlay is None else small | {"overlay": _place(shape.overlay, shape.heat)}
    small = {} if getattr(shape, "labels", None) is None else {"labels": shape.labels}
    if isinstance(shape, Field) and shape.spread is not None and shape.scale is None:  # (rows, columns)
        small["spread"] = 510 * np.minimum(shape.spread, 0.5)
    return small


def _place(values: Any, scale: Axis) -> Any:
    """Where values lie on a scale from 1 to 255, 128 in its middle; 0 for none."""
    share = (values.astype(float) - scale.low) / (scale.high - scale.low)  # pyright: ignore
    return np.where(np.isnan(share), 0, 1 + 254 * np.clip(share, 0, 1))
