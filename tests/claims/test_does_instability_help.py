"""The science of the lesson on instability: Bartoldson et al. 2020 on digits with wrong labels.

Row 27 of the course's sheet. Not asserted: that the sum of all drops does not matter; it goes along with the
gain (0.09 for small cuts, 0.33 for large ones in 4, 10 and 40 events, 0.28 in one).
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch

import sbkit as sb
from sbkit.lessons.sparsity import does_instability_help as extra

NOTEBOOK = Path(__file__).parents[2] / "notebooks/5-sparsity/04-does-instability-help.ipynb"


def lesson(**dials: Any) -> Any:
    """The lesson's own run."""
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    names: dict[str, Any] = {"sb": sb, "extra": extra}
    exec("".join(next(cell["source"] for cell in cells if cell["id"] == "lesson")), names)  # noqa: S102
    return names["lesson"](**dials)


@cache
def end(target: str, events: int = 4, noise: float = 0.2) -> tuple[sb.Snapshot, torch.Tensor]:
    """The last look at ten nets, and how much accuracy a cut cost them on average, (10,)."""
    drops: list[torch.Tensor] = []
    last = sb.last(lesson(target=target, events=events, noise=noise, seed=7300, drops=drops))
    return last, sum(drops, torch.zeros(10)) / max(1, len(drops))


def gain(*of: Any, noise: float = 0.2) -> torch.Tensor:
    """Accuracy gained over nets with nothing cut. (10,)"""
    return end(*of, noise=noise)[0].test_accuracy - end("none", noise=noise)[0].test_accuracy


@pytest.mark.parametrize("target", ["small", "large"])
def test_units_go_in_their_order_and_stay_gone(target):
    """Against a sort of each net's units by Σ|w|, as they were when their turn came, in float64."""
    task = extra.noisy(40, 0.2, seed=3, runs=2).to(dtype=torch.float64)
    fleet, gone = sb.mlp(task, width=20, depth=2, runs=2, seed=3), [[], []]
    for share in (0.25, 0.5):
        sizes = fleet.weights()[1].detach().abs().sum(2)  # (runs, units)
        masks = extra.units_left(fleet, share, target)
        for r in range(2):
            order = sizes[r].argsort(descending=target == "large").tolist()
            gone[r] += [unit for unit in order if unit not in gone[r]][:5]
            out = [unit for unit in range(20) if not masks[1][r, unit].any()]
            assert sorted(gone[r]) == out
            assert [unit for unit in range(20) if not masks[2][r, :, unit].any()] == out
            assert masks[0][r].all() and masks[1][r].sum() == 20 * (20 - len(out))
        with torch.no_grad():
            for weight, mask in zip(fleet.weights(), masks, strict=True):
                weight.mul_(mask)


def test_a_drop_is_the_share_of_accuracy_lost():
    """The first event of the lesson, against nets cut by hand."""
    task = extra.noisy(40, 0.2, seed=5, runs=2)
    fleet, drops = sb.mlp(task, width=20, depth=2, runs=2, seed=5), []
    sb.last(sb.fit(fleet, task, lr=0.1, steps=60, stop=None))
    before = sb.measures.accuracy(fleet.predict(task.x_test), task.y_test)
    hidden = fleet.features(task.x_test)[-1]  # (runs, n, units)
    masks = extra.units_left(fleet, 0.15, "large")
    assert extra.cuts(fleet, task, "large", 4, drops)(298)[1].all() and not drops
    extra.cuts(fleet, task, "large", 4, drops)(299)
    alive = masks[1].any(2)  # (runs, units)
    logits = (hidden * alive.unsqueeze(1)) @ fleet.weights()[2].mT + fleet.net[-1].bias.unsqueeze(1)
    after = sb.measures.accuracy(logits, task.y_test)
    assert torch.allclose(drops[0], (before - after) / before, atol=1e-6)


def test_by_heart_counts_redrawn_rows_alone():
    task = sb.data.digits(200, flip=0.3, seed=6)
    fleet = sb.mlp(task, width=20, runs=3, seed=6)
    answers = fleet.predict(task.x).argmax(-1)
    rows = [i for i in range(200) if task.corrupted[i]]
    for r, share in enumerate(extra.by_heart(fleet, task)):
        assert float(share) == pytest.approx(sum(answers[r, i] == task.y[i] for i in rows) / len(rows))
    assert not extra.by_heart(fleet, sb.data.digits(200, seed=6)).any()


@pytest.mark.slow
def test_large_cuts_gain_more_than_small_ones_and_shaking_is_not_why():
    small, large = gain("small"), gain("large")
    assert small.mean() > 0.01 and (large - small).mean() > 0.005
    calm = gain("large", 40)
    assert (end("small")[1] - end("large", 40)[1]).mean() > 0
    assert (calm - small).mean() > 0.005 and abs((calm - large).mean()) < 0.01


@pytest.mark.slow
def test_stopping_early_beats_all_cuts_and_knows_fewest_wrong_labels():
    looks = {look.step: look for look in lesson(target="none", seed=7300)}
    ahead = looks[300].test_accuracy - end("large")[0].test_accuracy
    assert ahead.mean() > 0.005
    known = [
        at.values["by_heart"].mean() for at in (looks[300], end("large")[0], end("small")[0], looks[1000])
    ]
    assert known == sorted(known)


@pytest.mark.slow
def test_with_right_labels_cuts_gain_nothing():
    assert abs(gain("large", noise=0).mean()) < 0.005
