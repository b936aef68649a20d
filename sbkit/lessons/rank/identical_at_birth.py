"""Identical at birth: an exercise on the run that an experiment lacks."""

from __future__ import annotations

from sbkit.course.exercise import exercise

# The ε and the learning rate of the run that decides whether ε or the rate is at fault.
slower = exercise(
    want=[0.1, 0.002],
    many=True,
    expects="Two numbers are expected, eps and lr",
    within=(0, 1),
    must={
        "At 0.05 all copies overshoot together, and at 0 none learns: take a slower rate than the suspect.": (
            lambda found: 0 < float(found[1]) <= 0.02,
            [0.1, 0.05],
        ),
        "Your friend's sentence is about a tenth of the usual differences: leave eps at 0.1.": (
            lambda found: abs(float(found[0]) - 0.1) < 1e-6,
            [1.0, 0.002],
        ),
    },
    right="The same differences at a slower rate: if they learn now, it was the rate.",
)
