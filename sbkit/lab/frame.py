"""Descriptions as one message: JSON, and one binary buffer that holds its arrays."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

import numpy as np

from sbkit.plots import Description, Field

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
        small = _small(value) if isinstance(value, Field) else {}
        return {name: self.part(one) for name, one in parts.items() if name not in small} | {
            name: self.put(one, "u1") for name, one in small.items()
        }


def encode(descriptions: Iterable[Description], **head: Any) -> tuple[Frame, bytes]:
    """A frame message with its buffer. head: run, step, steps, epoch, state, reason, moving, …"""
    buffer = Buffer()
    plots = [{"shape": type(one).__name__.lower()} | buffer.part(one) for one in descriptions]
    return {"type": "frame", "pushed": False} | head | {"plots": plots}, bytes(buffer.bytes)


def _small(field: Field) -> dict[str, Any]:
    """What fits in one byte a number: labels, and the spread of a chance (at most ½) times 510."""
    small = {} if field.labels is None else {"labels": field.labels}
    if field.spread is not None and field.scale is None:  # (rows, columns)
        small["spread"] = 510 * np.minimum(field.spread, 0.5)
    return small
