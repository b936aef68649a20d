"""Every plot draws every number: none, infinite, huge, tiny, equal, and of runs that truly diverged."""

import dataclasses
import json
import math
from functools import cache

import numpy as np
import pytest
import torch
from cases import with_lessons
from matplotlib.figure import Figure

import sbkit as sb
from sbkit.core import measure, plot
from sbkit.lab.frame import encode
from sbkit.plots import Bars, Field, Images, Lines, Scatter, paired, pictures
from sbkit.plots.figure import figure
from sbkit.plots.png import draw, png

with_lessons()
RUNS, FEATURES = 3, 2
SHAPES = {"boundary": (4, 5), "reliance": (FEATURES,), "kinds": (2,), "alone": (FEATURES,)}
SHAPES |= {"gradient_norms": (4,), "kernel": (5, 5), "mask": (4, 3)}
SHAPES |= {"flatness": (4,), "valley": (41,), "learned": (2,)}
SHAPES |= {"quantiles": (3, 41), "tails": (5,), "bits": (), "words": (7,)}
SHAPES |= {"conflict": (FEATURES,), "margin": (3, 81), "own_number": (), "own_table": (3,), "own_row": (40,)}
SHAPES |= {"sharpness": (), "loss_surface": (3, 4), "parts": (4,)}
SHAPES |= {"rewound": (2, 4), "counterfactual": (9,)}
SHAPES |= {"reading": (5,), "order": (5,), "scores": (6,)}
SHAPES |= {"rate": (), "losses": ()}
SHAPES |= {"changes": (2, 10), "spread": (2,), "forecast": (2, 61), "far_off": (3,)}
SHAPES |= {"by_heart": ()}
SHAPES |= {"believed": (97,), "distances": ()}
SHAPES |= {"strengths": (9,), "survival": (2,), "restored": (3, 32, 16), "quality": ()}
SHAPES |= {"hidden": (20, 100), "awake": ()}
SHAPES |= {"answers": (8,), "heaviness": (8,)}
SHAPES |= {"certainty": (40, 2), "drift": (2,)}
SHAPES |= {"signal": (5,)}
SHAPES |= {"certainty": (40, 2), "drift": (2,), "recalled": (3,)}
SHAPES |= {"strip": (24, 66), "taken": (), "shown_now": (16, 64), "reads": (2,)}
SHAPES |= {"psnr": (3,), "views": (4, 12, 12)}
SHAPES |= {"signal": (5,), "gammas": (7,)}
SHAPES |= {"between": (11,), "risks": (12,), "area": ()}
SHAPES |= {"by_size": (2, 5)}
SHAPES |= {"solved": (), "apart": (2,)}
SHAPES |= {"tagging": (3,)}
SHAPES |= {"cloud": (561,)}
SHAPES |= {"alike": (10, 10)}


def axes(picture) -> list:
    """All axes of a picture."""
    if isinstance(picture, Images):
        return [picture.scale]
    scale = [picture.scale] if isinstance(picture, Field) and picture.scale else []
    return [picture.y, *scale, *([] if isinstance(picture, Bars) else [picture.x])]


def ends(picture) -> list:
    """The latest values in a picture."""
    if isinstance(picture, Images):
        return picture.pixels
    if isinstance(picture, Scatter):
        return picture.points[:, 1]
    return [line.y[-1] for line in picture.lines] if isinstance(picture, Lines) else picture.values


def assert_drawn(drawn) -> None:
    """Everyone who draws takes these pictures, and their axes are finite."""
    for picture in drawn:
        for axis in axes(picture):
            ends = [end for end in (axis.low, axis.high) if end is not None]
            assert np.isfinite(ends).all() and sorted(set(ends)) == ends
        assert len(picture.table()) >= 1 and "nan" not in picture.caption and "inf" not in picture.caption
    frame, _ = encode(drawn, run=1)
    json.dumps(frame, allow_nan=False)
    fig = json.loads(figure(drawn).to_json())
    for name, axis in fig["layout"].items():
        if name.startswith(("xaxis", "yaxis")):
            assert np.isfinite(axis.get("range", [0.0])).all()
    both = paired(drawn, drawn, ["A", "B"])
    encode(both)
    for picture in drawn:
        still(picture)


def still(picture) -> None:
    """What `png` draws of a picture, without the layout of many, which takes long."""
    figure = Figure(figsize=(2, 2), dpi=20)
    draw(figure.add_subplot(), picture)
    figure.draw_without_rendering()


def one_run_nan(values):
    values[0] = math.nan
    return values


def one_place_nan(values):
    values.view(-1)[0] = math.nan
    return values


KINDS = {
    "NaN": lambda v: v.fill_(math.nan),
    "NaN in one run": one_run_nan,
    "NaN in one place": one_place_nan,
    "infinite": lambda v: v.fill_(math.inf),
    "infinite below": lambda v: v.fill_(-math.inf),
    "both infinite": lambda v: torch.where(v > 0.5, math.inf, -math.inf),
    "zero": lambda v: v.zero_(),
    "equal": lambda v: v.fill_(0.25),
    "huge": lambda v: 3e38 * v,
    "huge and negative": lambda v: -1e30 * v,
    "tiny": lambda v: 1e-40 * v,
    "of double precision": lambda v: 1e300 * v.double(),
    "whole": lambda v: (9 * v).long(),
}  # fmt: skip


def seen(snapshot, change, runs=RUNS, step=0, **fields):
    """A snapshot of everything that has a plot or gets a plain one, changed."""
    rng = torch.Generator().manual_seed(0)
    values = {name: change(torch.rand(runs, *shape, generator=rng)) for name, shape in SHAPES.items()}
    values["spectrum"] = [change(torch.rand(runs, k, generator=rng)) for k in (3, 1)]
    values["hessian"] = [change(torch.rand(runs, 5, generator=rng)) for _ in range(2)]
    values["units"] = [change(torch.rand(runs, *shape, generator=rng)) for shape in ((5, 3, 3), (5,))]
    values["own_list"] = [change(torch.rand(runs, k, generator=rng)) for k in (4, 2)]
    scores = {name: change(torch.rand(runs, generator=rng)) for name in ("accuracy", "test_accuracy")}
    fields = {"loss": torch.ones(runs), "state": ("training",) * runs, "values": values} | scores | fields
    return snapshot(step, FEATURES, **fields)


@pytest.mark.parametrize(
    ("kind", "moving"),
    [*((kind, False) for kind in KINDS), *((kind, True) for kind in ("NaN", "equal", "huge"))],
)
def test_every_kind_of_number_is_drawn(snapshot, kind, moving):
    history = [seen(snapshot, KINDS[kind], step=step) for step in ([50] if moving else [0, 50])]
    drawn = pictures(history, moving, first=history[0])
    assert {"loss", *SHAPES, "spectrum", "own_list"} <= {picture.name for picture in drawn}
    assert_drawn(drawn)


LOST = torch.tensor([math.nan, math.inf, -math.inf])


@pytest.mark.parametrize("kind", ["NaN", "equal"])
@pytest.mark.parametrize("moving", [False, True])
def test_when_no_run_has_a_loss_nothing_is_shown_of_any(snapshot, kind, moving):
    """Also of a measure that gives numbers for runs that diverged."""
    lost = seen(snapshot, KINDS[kind], step=50, loss=LOST, state=("diverged", "diverged", "training"))
    history = [lost] if moving else [seen(snapshot, KINDS["equal"]), lost]
    drawn = pictures(history, moving, first=history[0])
    assert_drawn(drawn)
    for picture in drawn:
        assert picture.caption.endswith("No value: the loss of all runs is not finite.")
        assert np.isnan(ends(picture)).all()


def test_a_curve_ends_where_its_run_did_and_others_go_on(snapshot):
    def at(step, *loss):
        states = ["training" if math.isfinite(one) else "diverged" for one in loss]
        return seen(snapshot, KINDS["equal"], step=step, loss=torch.tensor(loss), state=tuple(states))

    history = [at(0, 1.0, 2.0, 3.0), at(50, 1.0, math.inf, 3.0), at(100, 1.0, math.nan, math.nan)]
    line = plot["loss"]([*history, at(150, math.nan, math.nan, math.nan)]).lines[0]
    np.testing.assert_allclose(line.y, [2, 2, 1, math.nan])
    np.testing.assert_allclose(line.high, [3, 3, 1, math.nan])
    assert "run 1, run 2" in pictures(history)[0].caption


@pytest.mark.parametrize("name", plot)
@pytest.mark.parametrize("runs", [1, RUNS])
@pytest.mark.parametrize("kind", [*KINDS, "empty"])
def test_each_plot_alone_draws_or_has_none(snapshot, name, runs, kind):
    """Empty: a task without features, a fleet without matrices."""
    made = seen(snapshot, KINDS.get(kind, KINDS["equal"]), runs)
    if kind == "empty":
        made.values.update({own: torch.empty(runs, 0) for own in made.values})
        made.values.update(boundary=torch.empty(runs, 0, 0), margin=torch.empty(runs, 3, 0), spectrum=[])
        made.values.update(kernel=torch.empty(runs, 0, 0), mask=torch.empty(runs, 0, 0))
        made.values["units"] = [torch.empty(runs, 0, 3, 3), torch.empty(runs, 0)]
        made.values.update(
            flatness=torch.ones(runs, 4), valley=torch.ones(runs, 41), parts=torch.ones(runs, 4)
        )
        made.values.update(rate=torch.ones(runs), losses=torch.ones(runs), by_heart=torch.ones(runs))
        made.values.update(changes=torch.empty(runs, 2, 0), spread=torch.ones(runs, 2))
        made.values.update(forecast=torch.empty(runs, 2, 0), far_off=torch.ones(runs, 3))
        made.values.update(distances=torch.ones(runs))
        made.values.update(between=torch.ones(runs, 11))
        made.values.update(solved=torch.ones(runs))
        made.values.update(area=torch.ones(runs), risks=torch.ones(runs, 12))
        made.values.update(quantiles=torch.ones(runs, 3, 41), tails=torch.ones(runs, 5))
        made.values.update(tagging=torch.ones(runs, 3))
        made.values.update(rewound=torch.ones(runs, 2, 2), counterfactual=torch.ones(runs, 9))
        made.values.update(bits=torch.ones(runs), words=torch.ones(runs, 7))
        made.values.update(hessian=[torch.empty(runs, 0)] * 2, sharpness=torch.zeros(runs))
        made.values["loss_surface"] = torch.empty(runs, 0, 0)
        bare = sb.Task(*[made.sample.z, made.sample.y] * 2, {})
        made = dataclasses.replace(made, sample=bare)
    picture = plot[name]([made])
    if picture is not None:
        encode([picture])
        assert runs > 1 or figure(picture).to_json()


@pytest.mark.parametrize("empty", [torch.empty(RUNS, 0), [], [torch.empty(RUNS, 0)], torch.empty(RUNS, 0, 4)])
def test_an_empty_value_has_no_picture_but_a_word(snapshot, empty):
    (loss, _) = pictures([snapshot(values={"mine": empty})])
    assert "No picture of mine" in loss.caption


def test_plots_and_measures_of_the_package_are_all_tried():
    """A new one belongs into the table above."""
    assert {name for name in measure if measure[name].__module__.startswith("sbkit.")} <= {
        *SHAPES,
        "spectrum",
        "units",
        "hessian",
    }


@cache
def diverged(lr: float, outputs: str = "classes") -> list[sb.Snapshot]:
    """What was seen of three nets with learning rates too large for their columns."""
    task = sb.slabs((1, 3, 5), n=300, n_test=300)
    if outputs == "values":
        task = sb.Task(task.z, task.z[:, :1], task.z_test, task.z_test[:, :1], task.features, task.embed)
    wanted = list(measure) if outputs == "classes" else ["spectrum"]
    run = sb.fit(
        sb.mlp(task, runs=3, width=8), task, lr=lr, batch=50, steps=150, every=50, stop=None, measure=wanted
    )
    return [run.snapshot(), run.advance(steps=5, glance=True), *run]


@pytest.mark.parametrize("outputs", ["classes", "values"])
@pytest.mark.parametrize("moving", [False, True])
def test_runs_that_truly_diverged_are_drawn(outputs, moving):
    history = diverged(1e6, outputs)
    assert history[-1].state == ("diverged",) * 3 and not history[-1].loss.isfinite().any()
    drawn = pictures(history[-1:] if moving else history, moving, first=history[0])
    assert ("accuracy" in [picture.name for picture in drawn]) == (outputs == "classes")
    assert_drawn(drawn)
    assert png(drawn)[1:4] == b"PNG"
    for picture in drawn:
        assert np.isnan(ends(picture)).all(), "not one plausible number"
