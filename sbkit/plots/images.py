"""A grid of small images: digits, filters, what a network made of them, and where it looked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sbkit.core import SbkitError
from sbkit.plots.parts import Array, Axis, Frozen, array, several, spanned
from sbkit.plots.theme import BLUE, ORANGE, WHITE, rgb
from sbkit.plots.words import number, say

if TYPE_CHECKING:
    import pandas as pd

MOST, LARGEST = 100, 2**18  # images, and pixels of all together
GAP, BELOW = 0.12, 0.08  # between images, of their longer side; for a label, of the width of the grid
WIDER = 1.4  # width of the room that a grid is chosen for, in heights
HIDES = 0.8  # how much of a pixel its overlay hides where that is largest


@dataclass(frozen=True)
class Images(Frozen):
    """A grid of images, grey (n, h, w) or red, green and blue (n, h, w, 3), row 0 on top.

    scale: what the values of all pixels are, from low to high. Grey ones go from black to white, over the
    values' own range if none is given; from −a to a they go from blue to orange, 0 neutral. Coloured ones
    have a range of 0 to 1, or a larger one where the values have. overlay (n, h, w): laid over the images,
    orange above 0, blue below, fainter toward 0; heat: what it is, from −a to a, its own largest size if
    not given. labels (n,): one below each image. columns: images a row; if not given, as many as make them
    largest. NaN is a pixel without a value. Raises `SbkitError` on shapes that do not match, and on more
    than 100 images or 262,144 pixels.

    >>> Images("d", "A digit", [[[0.0, 1.0], [0.5, 0.5]]], labels=["seven"]).table()
       image  label  least value  mean value  largest value
    0      0  seven          0.0         0.5            1.0
    """

    name: str
    title: str
    pixels: Array
    overlay: Array | None = None
    labels: Sequence[str] = ()
    columns: int | None = None
    caption: str = ""
    scale: Any = "value"
    heat: Any = "overlay"

    def __post_init__(self) -> None:
        owner = f"Images {self.name!r}"
        pixels = _checked(owner, array(f"{owner}: pixels", self.pixels))
        given: Any = self.labels
        labels = given.tolist() if hasattr(given, "tolist") else several(given)
        self._put(pixels=pixels, labels=tuple(str(label) for label in labels))
        self._array("overlay", 3, pixels.shape[:3], "as pixels")
        if len(self.labels) not in (0, len(pixels)):
            raise SbkitError(f"{owner}: labels are one an image, {len(pixels)}, got {len(self.labels)}.")
        whole = isinstance(self.columns, int | np.integer) and not isinstance(self.columns, bool)
        if self.columns is not None and not (whole and self.columns >= 1):
            raise SbkitError(f"{owner}: columns is a whole number from 1, got {self.columns!r:.60}; try 4.")
        values = pixels if pixels.ndim == 3 else np.append(pixels, [0, 1])
        heat = Axis.of(self.heat)
        reach = max(abs(heat.low or 0), abs(heat.high or 0)) or _largest(self.overlay)
        self._put(scale=spanned(Axis.of(self.scale), values), heat=replace(heat, low=-reach, high=reach))

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns."""
        count = len(self.pixels)

        def side(columns: int) -> float:
            across, down = self.steps(columns)
            return max(columns * across / WIDER, math.ceil(count / columns) * down)

        columns = min(int(self.columns or min(range(1, count + 1), key=side)), count)
        return math.ceil(count / columns), columns

    def steps(self, columns: int) -> tuple[float, float]:
        """How far it is from an image to the next across and down, in pixels of theirs."""
        high, wide = self.pixels.shape[1:3]
        across = wide + GAP * max(high, wide)
        return across, high + (BELOW * columns * across if self.labels else GAP * max(high, wide))

    @property
    def note(self) -> str:
        """What the colours stand for, and how many pixels have no value, as sentences."""
        low, high, most = map(number, (self.scale.low, self.scale.high, self.heat.high))
        signed, said = self.scale.low == -self.scale.high, ""
        kind = "images_rgb" if self.pixels.ndim == 4 else "images_signed" if signed else "images_grey"
        if (kind, low, high) != ("images_rgb", "0", "1"):
            said = say("captions", kind, label=self.scale.text, low=low, high=high)
        if self.overlay is not None:
            said += say("captions", "images_heat", label=self.heat.text, most=most)
        if none := int(np.isnan(self.pixels).sum()):
            said += say("captions", "images_none", n=f"{none:,}", all=f"{self.pixels.size:,}")
        return said

    def painted(self) -> NDArray[np.uint8]:
        """The images as they are drawn, their overlay over them: red, green and blue. (n, h, w, 3)"""
        low, high = self.scale.low, self.scale.high
        share = np.clip((self.pixels.astype(float) - low) / (high - low), 0, 1)
        colours = 255 * (
            share if share.ndim == 4 else np.repeat(share[..., None], 3, axis=-1)
        )  # (n, h, w, 3)
        if share.ndim == 3 and low == -high:
            colours = _toward(0 * colours + 255, 2 * share - 1)
        colours = np.where(np.isnan(colours), rgb(WHITE), colours)
        if self.overlay is not None:
            colours = _toward(colours, np.clip(self.overlay.astype(float) / self.heat.high, -1, 1), HIDES)
        return np.rint(colours).astype(np.uint8)

    def listed(self) -> dict[str, Any]:
        """Number, label, and least, mean and largest value of each image and of its overlay, (n,) each."""
        labels = {say("tables", "label"): self.labels} if self.labels else {}
        heat = {} if self.overlay is None else _ends(self.overlay, self.heat.label)
        numbers = {say("tables", "image"): range(len(self.pixels))}
        return numbers | labels | _ends(self.pixels, self.scale.label) | heat

    def table(self) -> pd.DataFrame:
        """The images as a table: number, label, and least, mean and largest value; a row an image."""
        import pandas as pd

        return pd.DataFrame(self.listed())


def _checked(owner: str, pixels: Array) -> Array:
    """Pixels of a shape and size that can be drawn, or an `SbkitError` with what makes them so."""
    shape = pixels.shape
    if len(shape) != 3 and (len(shape) != 4 or shape[3] != 3):
        fixes = {"[None]": len(shape) == 2, "[:, 0]": shape[1:2] == (1,), "[..., 0]": shape[-1:] == (1,)}
        fix = next((f"pixels{cut}" for cut, helps in fixes.items() if helps), "pixels.reshape(-1, h, w)")
        fix = "moveaxis(pixels, 1, -1)" if len(shape) == 4 and shape[1] == 3 else fix
        raise SbkitError(f"{owner}: pixels has shape (n, h, w) or (n, h, w, 3), got {shape}; try {fix}.")
    count, high, wide = shape[:3]
    if not pixels.size:
        raise SbkitError(f"{owner}: pixels holds at least one image and pixel, got shape {shape}.")
    if count > MOST or count * high * wide > LARGEST:
        fits, step = min(MOST, LARGEST // (high * wide)), math.ceil(math.sqrt(high * wide / LARGEST))
        fix = f"pixels[:{fits}]" if fits else f"pixels[:1, ::{step}, ::{step}]"
        rule = f"{owner} shows at most {MOST} images of {LARGEST:,} pixels together"
        raise SbkitError(f"{rule}, got {count:,} of {high} × {wide}; try {fix}.")
    return pixels


def _largest(values: Array | None) -> float:
    """The largest finite size there is, 1 where there is none but 0."""
    finite = 0.0 if values is None else np.abs(values).max(initial=0, where=np.isfinite(values))
    return float(finite) or 1.0


def _toward(colours: NDArray[Any], weight: NDArray[Any], most: float = 1.0) -> NDArray[Any]:
    """Colours (…, 3) moved toward orange where the weight (…) is above 0, toward blue where it is below."""
    weight = np.nan_to_num(weight)[..., None]
    return colours + (np.where(weight > 0, rgb(ORANGE), rgb(BLUE)) - colours) * most * np.abs(weight)


def _ends(values: Array, label: str) -> dict[str, Any]:
    """Least, mean and largest finite value of each image, (n,) each, NaN where there is none."""
    known = np.ma.masked_invalid(values.reshape(len(values), -1).astype(float))
    ends = {"least": known.min(1), "average": known.mean(1), "most": known.max(1)}
    return {say("tables", name, label=label): found.filled(np.nan) for name, found in ends.items()}
