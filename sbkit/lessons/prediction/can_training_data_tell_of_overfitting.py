"""Can training data tell of overfitting? Rare branches of trees, rare signals of nets, and two exercises."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from sklearn.tree import DecisionTreeClassifier
from torch import Tensor

from sbkit.core import Fleet, Snapshot, Task, check_pair, window
from sbkit.core.registries import measure, plot
from sbkit.course.exercise import exercise
from sbkit.measures import accuracy
from sbkit.plots import Axis, Bars, Field, Lines
from sbkit.plots.bands import band_line, shown

Grown = Sequence[tuple[DecisionTreeClassifier, Task]]  # trees, each with what it grew on
RARE = [1, 2, 4, 8, 16, 32, 64, 128, 256]  # rows up to which a branch or a signal counts as rare
SHARE = Axis("share right", low=0, high=1.02)
KNOWN = "Share of digits told right; dots: trees. Compare what they grew on with what they have never seen."
FALL = "Training digits still right without rare ways, over “few”; band = min–max. See who falls, and when."
THREE = (
    "Accuracy on training digits, what {} leaves of it, and new digits; dots: trees. Compare the last two."
)
SIZES = "How many leaves hold so many training digits, over 5 trees. See how many hold only one."
ISLANDS = "Colour: the class that is told; dots: training points. Look for islands around single points."


def leaf(tree: DecisionTreeClassifier, x: Any, few: int = 0, count: Any = None) -> Any:
    """Where each row of x (n, d) ends if it takes the other branch where its own has few training rows. (n,)

    count (nodes,): training rows of each node; as the tree counted them if not given.
    """
    nodes, x, rows, at = tree.tree_, np.asarray(x), np.arange(len(x)), np.zeros(len(x), int)
    kids = np.stack([nodes.children_left, nodes.children_right], 1)  # (nodes, 2), −1 below a leaf
    count = nodes.n_node_samples if count is None else count
    for _ in range(tree.get_depth()):
        side = (x[rows, nodes.feature[at]] > nodes.threshold[at]).astype(int)  # 1 is right
        side ^= count[kids[at, side]] <= few
        at = np.where(kids[at, 0] < 0, at, kids[at, side])
    return at


def answer(tree: DecisionTreeClassifier, x: Any, few: int = 0, count: Any = None) -> Any:
    """The class that the tree tells at those leaves. (n,)"""
    return tree.classes_[tree.tree_.value[leaf(tree, x, few, count), 0].argmax(1)]


def kept(tree: DecisionTreeClassifier, task: Task, few: int, count: Any = None) -> float:
    """Share of training rows that get their own label although rare branches are closed."""
    return float((answer(tree, task.x, few, count) == task.y.numpy()).mean())


def images(tree: DecisionTreeClassifier, task: Task, copies: int) -> Any:
    """How many different training images each node has seen, where each has so many copies. (nodes,)"""
    passed = tree.decision_path(np.asarray(task.x)).toarray() > 0  # (n, nodes)
    return passed.reshape(-1, copies, passed.shape[1]).any(1).sum(0)


def falls(each: Mapping[str, Any], name: str = "falls") -> Lines:
    """Shares right (trees or runs, fews) over `few`, from 1 on, a line with its band each."""
    lines = [band_line(who, RARE[: shares.shape[1]], shares) for who, shares in each.items()]
    return Lines(name, "Rare ways closed", Axis("few", low=1, log=True), SHARE, lines, FALL)


def students(names: Sequence[str], known: Any, new: Any) -> Bars:
    """Shares right of kinds of trees (kinds, trees), on the digits they have grown on beside new ones."""
    values, sides = np.array([*known, *new]), ("training digits", "new digits")
    return Bars("students", "Students", SHARE, [*names] * 2, values.mean(1), values, KNOWN, sides=sides)


def fall(trees: Grown) -> Any:
    """Share right over `few` from 1 to 64 for each tree. (trees, 7)"""
    return np.array([[kept(*each, few) for few in RARE[:7]] for each in trees])


def pictures(trees: Grown, few: int) -> list[Lines | Bars]:
    """How accuracy falls, what is left of it at this `few` beside new digits, and how large leaves are."""
    new = [float((answer(tree, task.x_test) == task.y_test.numpy()).mean()) for tree, task in trees]
    three = np.array([*([kept(*each, at) for each in trees] for at in (0, few)), new])  # (3, trees)
    held = np.concatenate([tree.tree_.n_node_samples[tree.tree_.feature < 0] for tree, _ in trees])
    sizes: Any = np.histogram(held, [1, 2, 5, 17, 9999])[0]
    names = ["training", f"few = {few}", "new digits"]
    return [
        falls({"these trees": fall(trees)}),
        Bars("three", "Three accuracies", SHARE, names, three.mean(1), three, THREE.format(names[1])),
        Bars(
            "sizes", "Leaves", Axis("leaves", low=0), ["1 digit", "2–4", "5–16", "more"], sizes, caption=SIZES
        ),
    ]


def islands(tree: DecisionTreeClassifier, task: Task, few: int) -> list[Field]:
    """What a tree of two features says all over the plane, and what it says when rare branches are closed."""
    ends = window(task)
    x, y = (Axis(name, low=low, high=high) for name, (low, high) in zip(task.features, ends, strict=True))
    grid = np.stack(np.meshgrid(*(np.linspace(*end, 81) for end in ends)), -1).reshape(-1, 2)
    about: Any = {"points": task.z, "labels": task.y, "caption": ISLANDS}
    each = {"The tree": 0, f"Without branches of {few} or fewer": few}
    return [Field(k, k, x, y, answer(tree, grid, at).reshape(81, 81), **about) for k, at in each.items()]


@measure("counterfactual", classes=True)
@torch.no_grad()
def counterfactual(fleet: Fleet, task: Task) -> Tensor:
    """Accuracy on training rows with rare on/off signals of hidden units turned around, over `few`. (runs, 9)

    A unit is on where its activation a is above 0. Where at most `few` of all training rows share the signal
    of a row, z − a(z) stands in for a(z): of a ReLU that is on 0, of one that is off z. NaN for a run that
    diverged.

    >>> from sbkit.data import digits
    >>> from sbkit.models import mlp
    >>> task = digits(50)
    >>> counterfactual(mlp(task, width=4, runs=3), task).shape
    torch.Size([3, 9])
    """
    check_pair("counterfactual", fleet, task)
    x, y, parts = task.whole.x, task.whole.y, list(fleet.net.children())
    usual = [(a > 0).sum(1, keepdim=True) for a in fleet.features(x)]  # rows that turn on, (runs, 1, width)

    def share(few: int) -> Tensor:
        h = x.expand(fleet.runs, -1, -1)
        for i, count in enumerate(usual):
            a = parts[2 * i + 1]((z := parts[2 * i](h)).clone())  # (runs, n, width)
            rare = torch.where(a > 0, count, len(x) - count) <= few
            h = torch.where(rare, z - a, a)
        return accuracy(parts[-1](h), y)

    lost = 0 * accuracy(fleet.predict(x), y)  # NaN of what is not finite
    return torch.stack([share(few) + lost for few in RARE], 1)


@plot("counterfactual")
def counterfactual_lines(history: Sequence[Snapshot]) -> Lines:
    """How accuracy falls over `few`."""
    shares = shown(history[-1], history[-1].values["counterfactual"])  # (runs, fews)
    return falls({"these nets": shares}, "counterfactual")


def _end(few: int, x: Any, left: Any, right: Any, feature: Any, threshold: Any, count: Any) -> int:
    """The leaf where one row ends, as `leaf` has it of many."""
    node = 0
    while left[node] >= 0:
        here, other = left[node], right[node]
        if x[feature[node]] > threshold[node]:
            here, other = other, here
        node = other if count[here] <= few else here
    return node


KIDS = torch.tensor([[1, 3, 5, -1, -1, -1, -1], [2, 4, 6, -1, -1, -1, -1]])  # left, right
ASKED = torch.tensor([[0, 1, 1, 0, 0, 0, 0], [0] * 7, [12, 9, 3, 8, 1, 1, 2]])  # feature, threshold, count
ROWS = torch.tensor([[0, 1], [1, 0], [1, 1]])

# A function of a row, the parts of a tree and `few` → the number of the leaf where the row ends.
other_way = exercise(
    "x, left, right, feature, threshold, count and few",
    tries=[(x, *KIDS, *ASKED, few) for x in ROWS for few in (0, 1, 2, 3, 8)],
    want=lambda *tree: _end(tree[6], *tree[:6]),
    expects="One number is expected, that of a leaf",
    wrong={
        "That is where the row ends by itself. Which branch is rare?": lambda *tree: _end(0, *tree[:6]),
        "A branch that exactly few rows took is rare, too.": lambda *tree: _end(tree[6] - 1, *tree[:6]),
    },
    right="Most rows walk as before. Those on a path of their own are sent away.",
    rest="At each node find the row's own child; if its count is at most few, step to the other child.",
)

# A function of which rows took a branch (n,) and of the image that each shows (n,) → how many images took it.
different = exercise(
    "took and image",
    tries=[(torch.tensor([1, 1, 0, 0, 0, 1, 1, 1]) > 0, torch.arange(8) // copies) for copies in (2, 4)],
    want=lambda took, image: len(set(image[took].tolist())),
    wrong={
        "Those are rows. A copy of an image is no new evidence.": lambda took, image: took.sum(),
        "Those are all images. Which of them took the branch?": lambda took, image: len(image.unique()),
    },
    right="Five copies of one digit are one digit: the branch is as rare as before.",
    rest="Keep the images of the rows that took the branch, and count each of them once.",
)
