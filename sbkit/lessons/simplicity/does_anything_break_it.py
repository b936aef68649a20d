"""Does anything break it: exercises on a verdict given too soon, and on a control."""

from __future__ import annotations

import torch

from sbkit.course.exercise import exercise

# AUCs of six networks, with the linear feature and with the slabs shuffled: linear alone, nothing learned,
# both kinds, slabs alone, and two at the bounds. (6,) each
LINEAR, SLABS = torch.tensor([[0.51, 0.5, 0.74, 1.0, 0.48, 0.52], [1.0, 0.51, 0.96, 0.54, 0.98, 0.9]])

# A function (AUC without linear, AUC without slabs) → whether a network uses linear alone. (runs,)
linear_alone = exercise(
    "without_linear and without_slabs",
    tries=[(LINEAR, SLABS)],
    want=lambda linear, slabs: ((linear - 0.5).abs() <= 0.03) & (slabs >= 0.97),
    wrong={
        "Network 2 has learned nothing, and passes.": lambda linear, slabs: (linear - 0.5).abs() <= 0.03,
    },
    right="Two networks of six use the linear feature alone. One of the others has learned nothing.",
    rest="They are: linear alone, nothing, both kinds, slabs alone, linear alone, a little of both.",
)

# Noise of ten features, under which only the small linear one says anything.
no_way_out = exercise(
    want=[0] + [1] * 9,
    expects="Ten numbers are expected, one a feature",
    right="The linear feature alone says anything: now they learn it, or nothing.",
    wrong={
        "That is the experiment itself: nobody has to learn the small feature while there are slabs.": [0]
        * 10,
        "Nothing is left to learn.": [1] * 10,
        "Now the slabs are all there is. That they can be learned, nobody doubts.": [1] + [0] * 9,
    },
    rest="Leave the linear feature as it was, and let no slab say anything.",
)
