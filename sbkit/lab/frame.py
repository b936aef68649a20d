"""Descriptions as one message: JSON, and one binary buffer that holds its arrays."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

import numpy as np

from sbkit.plots import Description, Field, Images
from sbkit.plots.parts import Axis, Classed
from sbkit.plots.shapes import captioned
from sbkit.plots.told import described, tabled
from sbkit.plots.words import short

Frame = dict[str, Any]


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
        self.known: dict[int, tuple[np.ndarray, dict[str, Any]]] = {}  # put away once for all their uses

    def put(self, values: Any, dtype: str = "f4") -> dict[str, Any]:
        """Append an array as "f4", or rounded and clipped as "u1"; where it lies."""
        array = np.asarray(values)
        if dtype == "u1":
            array = np.clip(np.rint(np.nan_to_num(array)), 0, 255)
        at = len(self.bytes)
        self.bytes += array.astype(f"<{dtype}", copy=False).tobytes()
        self.bytes += bytes(-len(self.bytes) % 4)
        return {"at": at, "type": dtype, "shape": list(array.shape)}

    def part(self, value: Any) -> Any:
        """Any part of a description: its fields by name, its arrays put away."""
        if value is None or isinstance(value, str | float | int):
            return value
        if isinstance(value, np.ndarray):
            if id(value) not in self.known:
                self.known[id(value)] = value, self.put(value)
            return self.known[id(value)][1]
        if isinstance(value, list | tuple):
            return [self.part(one) for one in value]
        if not dataclasses.is_dataclass(value):
            return value
        small = _small(value)
        parts = {name: self.part(one) for name, one in vars(value).items() if name not in small}
        return parts | {name: self.put(one, "u1") for name, one in small.items()}


def encode(descriptions: Iterable[Description], **head: Any) -> tuple[Frame, bytes]:
    """A frame message with its buffer. head: run, step, steps, epoch, state, reason, moving, …"""
    buffer = Buffer()
    plots = [_plot(one, buffer) for one in descriptions]
    return {"type": "frame", "pushed": False} | head | {"plots": plots}, bytes(buffer.bytes)


def _plot(shape: Description, buffer: Buffer) -> dict[str, Any]:
    kind = "tiles" if isinstance(shape, Field) and shape.x.ticks else type(shape).__name__.lower()
    plot = {"shape": kind} | buffer.part(shape) | {"caption": captioned(shape)}
    if isinstance(shape, Field) and shape.scale is None:
        plot["boundary"] = dict(zip("xy", buffer.part(shape.boundary()), strict=True))
    if isinstance(shape, Classed):  # in legends
        plot["called"] = [short(name) for name in shape.names]
    return plot | {"about": described(shape), "table": buffer.part(tabled(shape))}


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
