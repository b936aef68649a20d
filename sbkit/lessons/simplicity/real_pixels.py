"""Real pixels: a convnet, an attention model, and exercises on two halves of an image."""

from __future__ import annotations

from typing import Any

from torch import nn

from sbkit.core import Task
from sbkit.course.exercise import exercise


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
