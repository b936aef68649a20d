"""Complex attention? Its exercise, and what this lesson alone needs and does not show."""

from __future__ import annotations

from sbkit.course.exercise import exercise, normal

# A function of the accuracies before and after shuffling, (runs,) each → what was lost, a number a run.
complex_attention = exercise(
    "before and after",
    tries=[(normal(8), normal(8, seed=1))],
    want=lambda before, after: before - after,
    wrong={"That is what is left. What was lost?": lambda before, after: after},
    right="What is lost by shuffling a feature is what hung on it.",
    rest="Compare the two accuracies of each run.",
)
