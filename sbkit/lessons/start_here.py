"""Start here: a first exercise, on what a shuffle takes away."""

from __future__ import annotations

from sbkit.course.exercise import exercise

# Reliance of a network that is right on 96 % of points, and on 51 % with one feature shuffled.
lost = exercise(
    want=0.45,
    expects="One number is expected, between 0 and 1",
    wrong={"That's what is left. What was lost?": 0.51, "That's in per cent: divide by 100.": 45},
    right="It lost almost all that it can lose: with two classes, guessing is still right on half.",
    rest="Take what's left after the shuffle away from what there was before.",
)
