"""Rank by design: an exercise on the energy of singular values."""

from __future__ import annotations

from sbkit.course.exercise import exercise

# Least ranks that hold 50, 80 and 95 % of the energy of singular values 3, 2, 1, 1, 1.
energy = exercise(
    want=[1, 2, 5],
    expects="Three ranks are expected, for 50, 80 and 95 %",
    wrong={"These are shares of the sum; energy is the sum of the squares.": [2, 4, 5]},
    right="Squares let the first direction hold half; the last per cents take the most rank.",
    rest="The energies are 9, 4, 1, 1 and 1 of 16: add from the largest until the share is reached.",
)
