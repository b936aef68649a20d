"""Handwritten digits of 8 × 8 pixels, and tasks of which some rows say nothing, with a mark on them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sbkit.core import Feature, SbkitError, Task, between, check_memory, check_task, dataset, told, whole


def mnist(n: int = 10_000) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The first `n` of 70,000 photographs of handwritten digits: pixels (n, 28, 28) in 0…1 and labels (n,).

    They are LeCun et al.'s (1998), from openml.org: 15 MB, downloaded once and kept by scikit-learn in the
    home folder. Raises `SbkitError` if openml.org cannot be reached.

    >>> pixels, labels = mnist()  # doctest: +SKIP
    """
    from sklearn.datasets import fetch_openml

    n = whole("n", n)
    try:
        images: Any = fetch_openml("mnist_784", version=1, as_frame=False, parser="liac-arff")
    except OSError as error:
        rule = f"The photographs are downloaded once, and openml.org answered {error!r:.80}"
        raise SbkitError(f"{rule}; try where there is a network, or sb.data.digits.") from error
    return images.data[:n].reshape(-1, 28, 28).astype(np.float32) / 255, images.target[:n].astype(np.int64)


@dataset("digits")
def digits(
    n: int,
    labels: int | Sequence[int | Iterable[int]] | None = None,
    flip: float = 0.0,
    noise: float = 0.0,
    copies: int = 1,
    shape: tuple[int, ...] | None = None,
    seed: int = 0,
) -> Task:
    """scikit-learn's 1,797 digits: n random images to train on, all others to test on. x (rows, 64) in 0…1

    labels: what each class shows, a digit or several: (3, 8) are two classes, (range(0, 10, 2),
    range(1, 10, 2)) even and odd; 8 alone is the 8, as class 1, against the rest; None are ten classes.
    flip: share of training images whose label is redrawn among all classes, and so may stay as it was;
    `task.corrupted` (n · copies,) marks them. noise: standard deviation of a Gaussian added to every
    pixel, of test images too. copies: how often each training image returns, with the same label and
    noise of its own. shape: `task.shape`, (1, 8, 8) for convolutions, (8, 8) for a sequence of rows; x
    stays flat. `numpy.random.default_rng(seed)` draws the order of images, the flips, their labels, the
    noise. Raises `SbkitError` on digits that do not fit, and on numbers out of range.

    >>> task = digits(300, labels=(3, 8), flip=0.2, shape=(1, 8, 8))
    >>> task.x.shape, task.names, len(task.x_test), task.corrupted.shape
    (torch.Size([300, 64]), ('3', '8'), 57, torch.Size([300]))
    """
    x, y, names = _images(_groups(labels))
    if whole("n", n) >= len(y):
        raise SbkitError(f"n is less than the {len(y):,} images, got {n:,}; try {len(y) // 2}.")
    share, grain = between("flip", flip, 0, 1), between("noise", noise, 0, 100)
    size = n * whole("copies", copies) * 64 * 8
    check_memory(4 * size, f"{n:,} images × {copies:,} copies × 64 pixels × 8 bytes × 4")
    rng = np.random.default_rng(whole("seed", seed, low=0))
    train, test = np.split(rng.permutation(len(y)), [n])
    y_train, flipped = (np.repeat(part, copies) for part in _redrawn(y[train], share, len(names), rng))
    rows = [np.repeat(x[train], copies, axis=0), x[test]]  # (n · copies, 64), (n_test, 64)
    if grain:
        rows = [part + grain * rng.standard_normal(part.shape) for part in rows]
    z, z_test = (torch.tensor(part, dtype=torch.get_default_dtype()) for part in rows)
    labelled = z, torch.tensor(y_train), z_test, torch.tensor(y[test])
    about = {"names": names, "shape": () if shape is None else shape, "corrupted": torch.tensor(flipped)}
    return Task(*labelled, {"pixels": Feature((*range(64),))}, **about)


def _images(groups: list[list[int]]) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Pixels (m, 64) in 0…1, classes (m,), and what they are called, of the images of these digits."""
    from sklearn.datasets import load_digits

    pixels, shown = load_digits(return_X_y=True)
    shows = np.array([np.isin(shown, group) for group in groups])  # (classes, all)
    kept = shows.any(0)  # (all,)
    names = tuple("/".join(map(str, group)) for group in groups)
    return np.asarray(pixels)[kept] / 16, shows[:, kept].argmax(0), names


def _groups(labels: Any) -> list[list[int]]:
    """The digits that each class shows."""
    known = range(10)
    if labels is None:
        return [[digit] for digit in known]
    one = type(labels) is int and labels in known
    sides: Any = [[digit for digit in known if digit != labels], labels] if one else labels
    several = isinstance(sides, Sequence | np.ndarray) and len(sides) > 1
    groups = [np.atleast_1d(np.array(side, dtype=object)).tolist() for side in sides] if several else []
    found = [digit for group in groups for digit in group]
    fit = {type(digit) for digit in found} <= {int, np.int64} and set(found) <= set(known)
    if not (groups and all(groups) and fit and len(set(found)) == len(found)):
        rule = "labels are two classes or more, each of digits of its own, 0…9"
        raise SbkitError(f"{rule}, got {labels!r:.80}; try labels=(3, 8), or labels=8 for 8 and the rest.")
    return groups


def corrupt(task: Task, labels: float = 0.0, inputs: float = 0.0, seed: int = 0) -> Task:
    """The task with training rows that say nothing; `task.corrupted` (n,) marks them, test rows stay.

    labels: share of training rows whose label is redrawn among all classes, and so may stay as it was.
    inputs: share of those whose coordinates z are each taken from a random training row, so that every
    column keeps its values and tells nothing (after the shuffled pixels of Zhang et al. 2017). Both are
    drawn apart, row by row; with one seed, a larger share has all the rows of a smaller one. Rows marked
    before stay marked. Raises `SbkitError` on shares out of 0…1, and for labels unless a row has one class.

    >>> from sbkit.data import slabs
    >>> task = corrupt(slabs(n=1000, n_test=10), labels=0.2)
    >>> bool((task.corrupted.float().mean() - 0.2).abs() < 0.05)
    True
    """
    check_task(task)
    flip, replace = between("labels", labels, 0, 1), between("inputs", inputs, 0, 1)
    if task.z.ndim != 2 or (flip and (task.y.ndim != 1 or not task.classes)):
        rule, way = "Labels are redrawn where a row has one class", "labels=0, or a single task, before stack"
        raise SbkitError(f"{rule}, got {told(task.y)}; try {way}.")
    seed, n = whole("seed", seed, low=0), len(task.z)
    y, marked = task.y.cpu().numpy(), np.zeros(n, dtype=bool)  # (n,) each
    if flip:
        y, marked = _redrawn(y, flip, task.outputs, np.random.default_rng(seed))
    rng = np.random.default_rng((seed, 1))
    gone = rng.random(n) < replace  # (n,)
    rows = torch.from_numpy(rng.integers(0, n, (int(gone.sum()), task.z.shape[1])))
    z = task.z.clone()
    z[torch.from_numpy(gone)] = task.z.gather(0, rows.to(z.device))
    corrupted = torch.from_numpy(marked | gone).to(z.device)
    if task.corrupted is not None:
        corrupted |= task.corrupted
    return dataclasses.replace(task, z=z, y=torch.from_numpy(y).to(z.device), corrupted=corrupted)


def _redrawn(
    y: np.ndarray, share: float, classes: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Labels (n,) of which a share is drawn anew among all classes, and which these are (n,)."""
    flipped = rng.random(len(y)) < share
    y = y.copy()
    y[flipped] = rng.integers(0, classes, flipped.sum())
    return y, flipped
