"""A task: labelled rows made of named features, and the map from features to inputs."""

from __future__ import annotations

import copy
import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

import torch
from torch import Tensor, nn

from sbkit.core.machine import find_device, generator
from sbkit.core.names import SbkitError, one_of
from sbkit.core.numbers import told

SAMPLE = 256  # rows of a task's sample
CACHED = ("x", "x_test", "outputs", "kinds", "_whole")  # made when asked for, not pickled
ROWS = ("z", "y", "z_test", "y_test", "corrupted")
DTYPES = (torch.float32, torch.float64)


@dataclass(frozen=True)
class Feature:
    """One way to tell the classes apart, and how simple it is.

    columns: its columns of z. pieces: least number of linear pieces of a classifier that uses it
    alone and perfectly, 1 for linear, k − 1 for a k-slab (Shah et al. 2020, section 3.1), None where
    not known. margin: half the gap between classes. noise: share of rows on which it says nothing.
    """

    columns: tuple[int, ...]
    pieces: int | None = None
    margin: float = 0.0
    noise: float = 0.0


@dataclass(frozen=True, eq=False)
class Task:
    """Labelled rows made of named features of known simplicity, and the map from features to inputs.

    z, z_test: feature coordinates (n, k). y, y_test: int64 classes (n,), values (n, outputs), or int64 0
    and 1 (n, labels) where a row has many labels.
    features: name → `Feature`, simplest first. embed: any module z → x (a rotation, pixels, …).
    What perturbs a feature works on z and embeds, so nothing else needs to know how inputs are built.
    names: what the classes are called in pictures, one a class; () for their numbers.
    shape: of one input where it is more than a list of numbers, such as (channels, height, width); x stays
    flat. corrupted: True for training rows whose label or input was replaced (n,), None where not told.
    Raises `SbkitError` on shapes that do not match, labels that are not 0…C−1, NaN or infinity.

    >>> z = torch.tensor([[-1.0], [1.0]])
    >>> task = Task(z, torch.tensor([0, 1]), z, torch.tensor([0, 1]), {"sign": Feature((0,), pieces=1)})
    >>> task.x.shape, task.outputs
    (torch.Size([2, 1]), 2)
    """

    z: Tensor
    y: Tensor
    z_test: Tensor
    y_test: Tensor
    features: Mapping[str, Feature]
    embed: nn.Module = field(default_factory=nn.Identity)
    names: Sequence[str] = ()
    shape: tuple[int, ...] = ()
    corrupted: Tensor | None = None

    def __post_init__(self) -> None:
        for end, z, y in (("", self.z, self.y), ("_test", self.z_test, self.y_test)):
            _check_rows(f"z{end}", z, y)
        _check_alike("z", self.z, self.z_test)
        _check_alike("y", self.y, self.y_test)
        if not isinstance(self.features, Mapping):
            got = type(self.features).__name__
            raise SbkitError(
                f"features are a dict, name → sb.Feature, got a {got}; try {{'x': sb.Feature((0,))}}."
            )
        for name, feature in self.features.items():
            if not all(0 <= column < self.z.shape[1] for column in feature.columns):
                last = self.z.shape[1] - 1
                raise SbkitError(f"A feature's columns lie in 0…{last}, got {name!r} with {feature.columns}.")
        if self.classes:
            _check_labels(self.y, self.y_test)
        _check_names(self.names, self.outputs if self.classes else 0)
        if self.shape != ():
            _check_shape(self.shape, self.embed(self.z[:1]).shape[-1])
        if self.corrupted is not None:
            _check_mask(self.corrupted, tuple(self.z.shape[:-1]))

    def __getstate__(self) -> dict:
        """The rows and what they mean; what follows from them is made again where it is asked for."""
        return {name: value for name, value in vars(self).items() if name not in CACHED}

    @property
    def classes(self) -> bool:
        """True for one class a row, False for regression and for many labels."""
        return self.sort == "class"

    @property
    def many(self) -> bool:
        """True where a row has many labels, each 0 or 1."""
        return self.sort == "many-label"

    @property
    def sort(self) -> str:
        """What its answers are, in a word: "class", "many-label" or "regression"."""
        if self.y.is_floating_point():
            return "regression"
        return "class" if self.y.ndim < self.z.ndim else "many-label"

    @cached_property
    def outputs(self) -> int:
        """Classes C, or columns of y in regression and of many labels; of a sample, those of the whole."""
        if whole := vars(self).get("_outputs"):
            return whole
        return int(max(self.y.max(), self.y_test.max(), 1)) + 1 if self.classes else self.y.shape[-1]

    @cached_property
    def x(self) -> Tensor:
        """Training inputs (n, d)."""
        with torch.no_grad():
            return self.embed(self.z)

    @cached_property
    def x_test(self) -> Tensor:
        """Test inputs (n_test, d)."""
        with torch.no_grad():
            return self.embed(self.z_test)

    @cached_property
    def kinds(self) -> dict[str, list[str]]:
        """S, the names of the simplest features, and Sᶜ, all others; empty where simplicity is not known."""
        pieces = {name: feature.pieces for name, feature in self.features.items()}
        known = [count for count in pieces.values() if count is not None]
        if len(known) < len(pieces) or len(set(known)) < 2:
            return {}
        simple = [name for name, count in pieces.items() if count == min(known)]
        return {"S": simple, "Sᶜ": [name for name in pieces if name not in simple]}

    def columns(self, names: str | Iterable[str]) -> list[int]:
        """Columns of z of the named features; an unknown name raises with the nearest."""
        if not isinstance(names, str | Iterable):
            first = next(iter(self.features))
            raise SbkitError(f"Features are told by their names, got {names!r}; try {first!r}.")
        names = [names] if isinstance(names, str) else list(names)
        return [c for name in names for c in self.features[one_of("feature", name, self.features)].columns]

    def to(self, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> Task:
        """The same task on another device (`"auto"`, `"cpu"`, `"cuda"`) or with another float type."""
        device = None if device is None else find_device(device)
        rows = self._rows().items()
        moved = {name: t.to(device, dtype if t.is_floating_point() else t.dtype) for name, t in rows}
        return dataclasses.replace(self, **moved, embed=copy.deepcopy(self.embed).to(device, dtype))

    def sample(self, rows: int = SAMPLE) -> Task:
        """At most `rows` training and test rows, `drawn` from all, as a task of the same features."""
        if rows >= max(len(self.y), len(self.y_test)):
            return self
        part = copy.copy(self)  # checked already; a class may be missing among few rows
        cut = {name: t[drawn(len(t), rows)].clone() for name, t in self._rows().items()}
        vars(part).update(cut, _outputs=self.outputs, _whole=self.whole)
        return part

    def _rows(self) -> dict[str, Tensor]:
        """What has one entry a row, by name."""
        return {name: t for name in ROWS if (t := getattr(self, name)) is not None}

    @property
    def whole(self) -> Task:
        """The task that a sample was drawn from; itself for any other task, also for a copy of a sample."""
        return vars(self).get("_whole", self)


@lru_cache(maxsize=64)
def drawn(n: int, rows: int) -> Tensor | slice:
    """At most `rows` of n rows that stand for all: always the same random ones, in their order.

    All n, as a slice, where there are no more. Random, for a table may be sorted by class, or end in noise.

    >>> drawn(5, 5), len(drawn(100, 5))
    (slice(None, None, None), 5)
    """
    if rows >= n:
        return slice(None)
    return torch.randperm(n, generator=generator(0, n))[:rows].sort().values


def window(task: Task, axes: tuple[int, int] = (0, 1)) -> tuple[tuple[float, float], tuple[float, float]]:
    """The part of the plane of two columns that a picture shows, ((low, high) of axes[0], … of axes[1]).

    A square about 0 that holds the test rows and a twentieth more. Where a column fills less than half of
    it, as one in other units may, each column has its own range. Rows are those of a snapshot's sample, so
    that all pictures of a run have the same axes.
    """
    z = task.z_test.flatten(0, -2)  # of a stack all rows, (rows, k)
    z = z[drawn(len(z), SAMPLE)][:, list(axes)].double()  # (rows, 2)
    low, high = z.amin(0), z.amax(0)  # (2,) each
    reach = 1.05 * float(z.abs().max())
    if float((high - low).min()) >= reach > 0:
        return (-reach, reach), (-reach, reach)
    half = torch.where(high > low, 1.05 / 2 * (high - low), high.abs().clamp(min=1))  # a constant's is free
    middle = (low + high) / 2
    across, up = torch.stack([middle - half, middle + half], dim=1).tolist()
    return tuple(across), tuple(up)


def _check_rows(name: str, z: Tensor, y: Tensor) -> None:
    rule, types = f"{name} and its labels are", f"{type(z).__name__} and {type(y).__name__}"
    if not (isinstance(z, Tensor) and isinstance(y, Tensor)):
        raise SbkitError(f"{rule} tensors, got {types}; try torch.as_tensor.")
    if z.ndim != 2 or len(z) < 1 or z.dtype not in DTYPES:
        raise SbkitError(f"{name} is a float tensor (rows, columns), got {told(z)}.")
    if y.shape[:1] != z.shape[:1]:
        raise SbkitError(f"{name} and its labels have as many rows, got {len(z)} and {y.numel()}.")
    many = y.ndim == 2 and y.shape[1] > 1 and bool(((y == 0) | (y == 1)).all())
    if not (y.ndim == 2 if y.is_floating_point() else y.ndim == 1 or (many and y.dtype == torch.int64)):
        rule = "Labels are int64 (n,) or float (n, outputs)"
        raise SbkitError(f"{rule}, got {told(y)}; many a row are int64 0 and 1, (n, 2 or more).")
    if not (z.isfinite().all() and y.isfinite().all()):
        raise SbkitError(f"{rule} finite numbers, got NaN or infinity; drop or fill those rows.")


def _check_alike(name: str, train: Tensor, test: Tensor) -> None:
    if train.shape[1:] != test.shape[1:] or train.dtype != test.dtype:
        raise SbkitError(f"{name} and {name}_test differ in rows only, got {told((train, test))}.")


def _check_names(names: Sequence[str], classes: int) -> None:
    words = isinstance(names, list | tuple) and all(isinstance(name, str) for name in names)
    if not words or len(names) not in (0, classes):
        got = f"{names!r:.80} for {classes} classes"
        raise SbkitError(f"names are one string a class, got {got}; try names=().")


def _check_shape(shape: Any, inputs: int) -> None:
    sizes = isinstance(shape, tuple) and all(type(size) is int and size > 0 for size in shape)
    if not sizes or math.prod(shape) != inputs:
        rule = f"shape is a tuple of whole numbers whose product is {inputs}, the number of inputs"
        raise SbkitError(f"{rule}, got {shape!r}; try {(inputs,)}.")


def _check_mask(corrupted: Any, rows: tuple[int, ...]) -> None:
    if not isinstance(corrupted, Tensor) or corrupted.dtype != torch.bool or corrupted.shape != rows:
        got = told(corrupted) if isinstance(corrupted, Tensor) else f"a {type(corrupted).__name__}"
        raise SbkitError(f"corrupted is a bool tensor {rows}, one a training row, got {got}; try None.")


def _check_labels(*labels: Tensor) -> None:
    found = torch.cat([y.unique() for y in labels]).unique()
    if found.dtype != torch.int64 or found[0] < 0 or found[-1] >= max(2, len(found)):
        got, fix = f"{found.dtype} {found.tolist()[:10]}", "e.g. with labels.unique(return_inverse=True)"
        raise SbkitError(f"Labels are int64 classes 0…C−1, every one used, got {got}; renumber them, {fix}.")
