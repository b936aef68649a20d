"""The science of the lesson "Six hundred labels", at other seeds than its own.

Row 14 of the course's sheet: Chang et al. 2019 on articles of numbers. Not asserted: that several clusterings
together are better than one, which brought nothing in a trial, and anything of texts.
"""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

import sbkit as sb
from sbkit.lessons.gallery import six_hundred_labels as extra

NOTEBOOK = Path(__file__).parents[2] / "notebooks/8-gallery/05-six-hundred-labels.ipynb"
SEEDS = [7000, 7100, 7200]
OF = torch.tensor([0, 2, 1, 1, 0, 2, 2] * 85 + [3] * 5)  # clusters of 600 tags


def lesson(**dials: Any) -> Any:
    """The lesson's own run."""
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    source = "".join(next(cell["source"] for cell in cells if cell["id"] == "lesson"))
    names: dict[str, Any] = {"sb": sb, "extra": extra}
    exec(source.split("ends =")[0], names)  # noqa: S102
    return names["lesson"](**dials)


def test_the_two_stages_multiply_two_chances():
    net = extra.TwoStages(OF, hidden=5).double()
    x = torch.randn(20, extra.WORDS, generator=torch.Generator().manual_seed(0)).double()
    found = net(x).exp()  # (20, 600)
    cluster, scores = net.matcher(x).softmax(-1), net.ranker(x)
    for c in range(4):
        slow = cluster[:, c, None] * scores[:, OF == c].softmax(-1)
        assert torch.allclose(found[:, OF == c], slow, rtol=1e-10)
    assert torch.allclose(found.sum(1), torch.ones(20).double(), rtol=1e-12)


def test_the_beam_keeps_the_likeliest_clusters_whole():
    chance = torch.rand(2, 9, 600, generator=torch.Generator().manual_seed(1)).double()
    scores = (chance / chance.sum(-1, keepdim=True)).log()
    for beam in (1, 2, 4, 9):
        kept, share = extra.beamed(scores, OF, beam)
        for run in range(2):
            tried = 0
            for row in range(9):
                mass = {c: float(scores[run, row, OF == c].exp().sum()) for c in range(4)}
                best = sorted(mass, key=mass.__getitem__)[-beam:]
                tags = torch.isin(OF, torch.tensor(best))
                assert torch.equal(kept[run, row].isfinite(), tags)
                assert torch.equal(kept[run, row, tags], scores[run, row, tags])
                tried += int(tags.sum())
            assert abs(float(share[run]) - tried / 5400) < 1e-9


def test_precision_counts_right_tags_among_the_first():
    task = extra.articles(20, 30, seed=5)
    scores = torch.randn(2, 30, 600, generator=torch.Generator().manual_seed(2)) + 2 * (task.y_test > 0)
    for k in (1, 3):
        for run, found in enumerate(extra.precision(scores, task.y_test, k)):
            hits = [
                int(task.y_test[row, tag] > 0)
                for row in range(30)
                for tag in sorted(range(600), key=lambda tag: -float(scores[run, row, tag]))[:k]
            ]
            assert abs(float(found) - sum(hits) / len(hits)) < 1e-9
    assert torch.equal(extra.precision(task.y_test[None], task.y_test, 3), torch.ones(1).double())


def test_every_article_has_three_tags_and_shuffling_keeps_sizes():
    task = extra.articles(300, 50, seed=6)
    for y in (task.y, task.y_test):
        assert torch.equal((y > 0).sum(1), torch.full((len(y),), 3)) and torch.allclose(
            y.sum(1), torch.ones(())
        )
    alike, chance = (extra.clusters(task, 24, alike, seed=6) for alike in (True, False))
    assert torch.equal(alike.bincount().sort()[0], chance.bincount().sort()[0]) and len(alike.unique()) == 24
    together = (alike[:, None] == alike) & (chance[:, None] == chance)
    assert int(together.sum()) < 0.5 * int((alike[:, None] == alike).sum())


def test_multiplications_are_as_the_lesson_counts_them():
    net = extra.TwoStages(torch.arange(600) % 24)
    sizes = [part.numel() for part in net.matcher.parameters() if part.ndim == 2]
    assert sum(sizes) == 7936 and net.ranker.weight.numel() == 60_000
    assert 100 * 64 + 64 * 10_000 + 4 * 100 * 100 == 686_400


def test_with_all_clusters_in_the_beam_nothing_is_left_out():
    run = lesson(beam=24, runs=2, seed=7)
    first = next(run)
    scores = run.fleet.predict(run.task.x_test)
    each = [extra.precision(scores, run.task.y_test, k) for k in (1, 3)]
    assert torch.allclose(first.values["tagging"], torch.stack([*each, torch.ones(2)], 1), atol=1e-6)


@pytest.mark.slow
def test_the_bottleneck_costs_what_the_clusters_seem_to_bring():
    ways = {"net": {"model": "net"}, "wide": {"model": "net", "hidden": 256}, "linear": {"model": "linear"}}
    ways |= {"stages": {}, "none": {"alike": False}}
    found = {name: extra.drawn(lesson, SEEDS, **how).mean(1) for name, how in ways.items()}  # (3,) each
    assert found["stages"][0] > found["net"][0] + 0.03 and 0.1 < found["stages"][2] < 0.3
    gap = found["stages"][1] - found["net"][1]
    assert 0.75 < (found["linear"][1] - found["net"][1]) / gap < 1.6
    assert found["wide"][1] > found["net"][1] + 0.03
    assert found["none"][1] < found["stages"][1] - 0.04


@pytest.mark.slow
def test_shuffled_clusters_hide_right_tags_from_the_beam():
    found = []
    for alike in (True, False):
        sb.last(run := lesson(alike=alike, seed=7300))
        of = extra.clusters(run.task, 24, alike, seed=7300)
        kept, _ = extra.beamed(run.fleet.predict(run.task.x_test), of, 4)
        found.append(float((kept.isfinite() * run.task.y_test).sum(-1).mean()))
    assert found[0] > 0.94 and found[1] < 0.82
