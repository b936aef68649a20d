"""Real pixels: dominoes of digits, three kinds of network, and exercises on two halves of an image."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from sbkit.core import Fleet, Task, one_of
from sbkit.course.exercise import exercise
from sbkit.data import dominoes as put_together
from sbkit.models import fleet_of, mlp
from sbkit.plots import Axis, Bars, Images

PAIRS = {"even/odd": (range(0, 10, 2), range(1, 10, 2)), "3/8": (3, 8), "4/9": (4, 9)}
HOW = {"mlp": {"lr": 0.1}, "convnet": {"lr": 0.1}, "attention": {"optimizer": "adam", "lr": 0.001}}


def dominoes(
    bottom: str = "even/odd", top: float = 1.0, data: int = 0, images: Any = None, **rows: Any
) -> Task:
    """Two digits on one another, each of which tells the class: 0 or 1 on top, a pair from PAIRS below.

    top: share of tops that agree with the class. images: pixels (m, height, width) and digits (m,); None
    for scikit-learn's 1,797 of 8 × 8.
    """
    if images is None:
        from sklearn.datasets import load_digits

        scans: Any = load_digits()
        images = scans.images / 16, scans.target
    pairs, both = [(0, 1), PAIRS[one_of("bottom", bottom, PAIRS)]], {"top": images, "bottom": images}
    return put_together(pairs, both, correlation=[top, 1], seed=data, **rows)


def table(bottom: str = "even/odd", top: float = 1.0, data: int = 0) -> Images:
    """Six dominoes of each class, every half named."""
    task = dominoes(bottom, top, data, n=200, n_test=10)
    halves = task.z.view(200, 2, 8, 8)  # (dominoes, top and bottom, 8, 8)
    shown = torch.stack([halves[task.y == label][:6] for label in (0, 1)])  # (2, 6, 2, 8, 8)
    labels = (["top"] * 6 + ["bottom"] * 6) * 2
    caption = "A domino is a top and the bottom below it. Upper six: class 0. Lower six: class 1."
    pixels = shown.transpose(1, 2).reshape(24, 8, 8).numpy()
    return Images("table", "Twelve dominoes", pixels, labels=labels, columns=6, caption=caption, scale="ink")


def fleet(net: str, task: Task, seed: int = 0, runs: int = 5, stride: int = 1) -> Fleet:
    """Networks of one kind for dominoes; stride: 2 lets a convnet move faster over 28 × 28 pixels."""
    if one_of("net", net, HOW) == "mlp":
        return mlp(task, runs=runs, seed=seed)
    make = {"convnet": lambda: convnet(task, stride=stride), "attention": lambda: attention(task)}
    return fleet_of(make[net], runs, seed)


def bars(right: dict[str, Tensor], what: str, caption: str) -> Bars:
    """What each kind of network keeps when nothing, the top or the bottom is shuffled, (3, runs) a kind."""
    dots, names = torch.cat(list(right.values())).numpy(), ["nothing", "top", "bottom"] * len(right)
    axis, kinds = Axis(what, low=0, high=1.04), list(right)
    return Bars("kept", "What the shuffle leaves", axis, names, dots.mean(1), dots, caption, sides=kinds)


def convnet(task: Task, channels: int = 8, stride: int = 1) -> nn.Module:
    """A small net for images, grey or in colour: two layers of 3 × 3 windows, and a linear one.

    stride: how many pixels the first layer's windows move on; 2 for images of 28 × 28.
    """
    shape: Any = task.embed.shape
    high, wide = (((side - 3) // stride - 2) // 2 + 1 for side in shape[1:])
    first, second = nn.Conv2d(shape[0], channels, 3, stride), nn.Conv2d(channels, 16, 3, stride=2)
    look = nn.Unflatten(1, shape), first, nn.ReLU(), second, nn.ReLU(), nn.Flatten()
    return nn.Sequential(*look, nn.Linear(16 * high * wide, 2))


def attention(task: Task, tokens: int = 8, width: int = 32) -> nn.Module:
    """A small attention model: the image's rows in `tokens` equal bands, each of which looks at all."""
    pixels = task.x.shape[1] // tokens
    layer = nn.TransformerEncoderLayer(width, 4, 2 * width, dropout=0.0, batch_first=True)
    look = nn.Unflatten(1, (tokens, pixels)), nn.Linear(pixels, width), layer, nn.Flatten()
    return nn.Sequential(*look, nn.Linear(tokens * width, 2))


# Accuracy and AUC with the top shuffled, if the top decides and the bottom only orders equal tops.
ties = exercise(
    want=[0.5, 0.75],
    atol=0.001,
    expects="Two numbers are expected, an accuracy and an AUC",
    must={
        "A shuffled top shows either class to either class: how often is it right?": (
            lambda found: abs(found[0] - 0.5) <= 0.001,
            [0.75, 0.75],
        ),
        "The accuracy is right. AUC asks pairs, one row of each class: how often are their tops equal, and "
        "who decides then?": (lambda found: abs(found[1] - 0.75) <= 0.001, [0.5, 0.5]),
    },
    right="¼ won by the tops, ½ by the bottoms: an AUC above ½ can hide behind a guess.",
)


# On what share of the training dominoes top and bottom agree with the class, where nets must read bottoms.
idle_top = exercise(
    want=[0.5, 1.0],
    atol=0.001,
    expects="Two shares are expected, one for the top and one for the bottom",
    right="The digits, the networks and their training stay. Only the top's link to the class is gone.",
    wrong={
        "That is the experiment itself: its networks had no reason to look down.": [1.0, 1.0],
        "Now the bottom says nothing: what could these networks show about bottoms?": [1.0, 0.5],
        "No half says anything: nobody could learn these.": [0.5, 0.5],
        "A top that is always wrong is as useful as one that is always right.": [0.0, 1.0],
    },
    rest="Take all the use out of the top, and none out of the bottom.",
)
