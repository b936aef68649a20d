"""The science of the lesson "Does the student copy its teacher?", at other seeds than its own.

Row 41 of the course's sheet: Nagarajan et al. 2023. Not asserted: that students are better (a fraction of a
percent), or exaggeration on the surest images, which isn't seen here.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch

import sbkit as sb
from sbkit.lessons.training import does_the_student_copy_its_teacher as extra

NOTEBOOK = Path(__file__).parents[2] / "notebooks/7-training/01-does-the-student-copy-its-teacher.ipynb"
SEEDS = [7000, 7100]  # six nets each


@cache
def lesson() -> dict[str, Any]:
    """The functions of the lesson: trained, taught."""
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    names: dict[str, Any] = {"sb": sb, "extra": extra}
    for cell in cells:
        if cell["id"] in ("trained", "taught"):
            exec("".join(cell["source"]), names)  # noqa: S102
    return names


@cache
def ratios(student: float, steps: int, teacher: float = 5e-4, by: str = "teacher") -> torch.Tensor:
    """The student's odds as a share of the teacher's, least sure fifth and surest. (seeds, 2)"""
    names = lesson()
    ends = [
        sb.last(names["taught"](*names["trained"](teacher, seed=seed), student, steps, by)) for seed in SEEDS
    ]
    return torch.stack([end.values["drift"].mean(0) for end in ends]).exp()


def linear(task: sb.Task, steps: int, targets=None, decay: float = 0.0) -> sb.Fleet:
    model = sb.models.deep_linear(task, factors=1, init=0, runs=1)
    options = {"optimizer": "gd", "lr": 0.5, "weight_decay": decay, "stop": None}
    sb.last(sb.fit(model, task, targets=targets, steps=steps, **options))
    return model


@pytest.mark.parametrize(("steps", "more", "decay"), [(300, 300, 0.0), (300, 40, 0.0), (200, 200, 0.02)])
def test_a_linear_student_keeps_the_product_of_both_shares(steps, more, decay):
    """Against the closed form of each share: of the clock alone, and of the clock with weight decay."""
    task = extra.linear(sb.data.digits(300, seed=7000))
    teacher = linear(task, steps, decay=decay)
    student = linear(task, more, teacher.predict(task.x)[0], decay)
    curve = 2 * torch.linalg.svdvals(task.x) ** 2 / (len(task.x) * task.outputs)
    curve = curve[curve > 1e-6 * curve[0]]

    def share(t: int) -> torch.Tensor:
        bend = curve + decay
        return curve / bend * (1 - (1 - 0.5 * bend) ** t)

    torch.testing.assert_close(extra.learned(teacher, task)[0], share(steps), rtol=0, atol=1e-12)
    torch.testing.assert_close(
        extra.learned(student, task)[0], share(steps) * share(more), rtol=0, atol=1e-12
    )


def test_log_odds_are_those_of_the_chances():
    logits = torch.randn(2, 7, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    answers = logits.argmax(-1)
    p = logits.softmax(-1).amax(-1)
    torch.testing.assert_close(extra.sureness(logits, answers), (p / (1 - p)).log())


def test_the_fall_by_loops():
    rng = torch.Generator().manual_seed(2)
    teacher, student, third = torch.randn(3, 2, 20, dtype=torch.float64, generator=rng)
    for by in (None, third):
        found = extra.fall(teacher, student, by)
        for r in range(2):
            order = sorted(range(20), key=lambda i, r=r: float((teacher if by is None else by)[r, i]))
            right = sum(float(student[r, i] - teacher[r, i]) for i in order[:4]) / 4
            assert found[r] == pytest.approx(right, rel=1e-12)


def test_what_the_panel_follows_is_of_all_rows_and_of_its_own_teacher():
    """Whatever sample a measure is handed at a glance."""
    task = sb.data.digits(100, seed=40)
    teacher, student = (sb.mlp(task, width=16, runs=3, seed=seed) for seed in (40, 50))
    certainty, drift = extra.since(teacher, task)
    pairs = certainty(student, task.sample(10))  # (3, 100, 2)
    said = teacher.predict(task.x).argmax(-1)
    for r in range(3):
        p = student.predict(task.x)[r].softmax(-1)[torch.arange(100), said[r]].double()
        torch.testing.assert_close(pairs[r, :, 1].double(), (p / (1 - p)).log(), rtol=1e-4, atol=1e-4)
    assert not certainty(teacher, task).diff(dim=-1).any() and not drift(teacher, task).any()
    low, top = drift(student, task).unbind(-1)
    torch.testing.assert_close(low, extra.fall(*pairs.unbind(-1)))
    torch.testing.assert_close(top, -extra.fall(*(-pairs).unbind(-1)))


@pytest.mark.slow
def test_with_decay_a_student_is_less_sure_at_both_ends():
    assert (ratios(5e-4, 1000)[:, 0] < 0.65).all()  # .52 in trials
    assert (ratios(5e-4, 1000)[:, 1] < 0.6).all()
    assert (ratios(5e-4, 1000, by="labels")[:, 0] > 0.95).all()


@pytest.mark.slow
def test_its_own_decay_decides_whether_it_copies():
    for teacher in (5e-4, 0.0):
        assert ((ratios(0.0, 3000, teacher)[:, 0] - 1).abs() < 0.1).all()
        assert (ratios(5e-4, 3000, teacher)[:, 0] < 0.65).all()
