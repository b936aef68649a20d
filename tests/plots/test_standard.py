"""What the registered plots make of snapshots: the numbers, the names, the words."""

import copy
import dataclasses
import functools
import math
import pickle

import numpy as np
import pytest
import torch

import sbkit as sb
from sbkit.core import registries, window
from sbkit.lessons.simplicity import which_feature_will_it_use  # noqa: F401  its measure and plot
from sbkit.plots import Bars, Field, Lines, pictures


def test_every_plot_is_registered():
    assert {"loss", "accuracy", "boundary", "reliance", "kinds", "spectrum"} <= set(registries.plot)


def test_measures_come_first_as_they_were_named_then_loss_and_accuracy(snapshot):
    drawn = pictures([snapshot()])
    assert [shape.name for shape in drawn] == [
        "boundary",
        "reliance",
        "kinds",
        "spectrum",
        "loss",
        "accuracy",
    ]
    assert all(shape.caption and shape.title for shape in drawn)


def test_curves_are_means_with_bands_over_runs(snapshot):
    loss = registries.plot["loss"]([snapshot(0), snapshot(50)]).lines[0]
    np.testing.assert_allclose(loss.x, [0, 50])
    np.testing.assert_allclose(loss.y, [0.3, 0.3], rtol=1e-6)
    np.testing.assert_allclose(loss.low, [0.1, 0.1])
    np.testing.assert_allclose(loss.high, [0.6, 0.6])


def test_test_accuracy_is_dashed_and_its_rows_are_told(snapshot):
    accuracy = registries.plot["accuracy"]([snapshot()])
    assert [line.dash for line in accuracy.lines] == [False, True]
    assert "1,000 test rows" in accuracy.caption and "min–max over 3 runs" in accuracy.caption
    assert accuracy.grows and accuracy.y.low <= 0.5


def test_regression_has_no_accuracy(snapshot):
    nan = torch.full((3,), float("nan"))
    whole = snapshot().sample
    values = dataclasses.replace(whole, y=whole.z[:, :1], y_test=whole.z_test[:, :1])
    for loss in (torch.ones(3), nan):  # also when all runs diverged
        made = snapshot(accuracy=nan, test_accuracy=nan, loss=loss, sample=values, values={})
        names = [shape.name for shape in pictures([made])]
        assert "accuracy" not in names and "loss" in names


def test_boundary_is_the_mean_and_names_its_axes(snapshot):
    field = registries.plot["boundary"]([snapshot()])
    assert (field.x.label, field.y.label) == ("linear", "slab5_1")
    np.testing.assert_allclose(field.values, 0.5)
    np.testing.assert_allclose(field.spread, np.std([0, 0.5, 1]), rtol=1e-6)
    assert field.points.shape == (8, 2) and field.labels.tolist() == [0, 1] * 4
    assert field.x.high == -field.x.low == pytest.approx(1.05)


def test_reliance_names_features_and_keeps_a_dot_a_run(snapshot):
    bars = registries.plot["reliance"]([snapshot()])
    assert bars.names == ("linear", "slab5_1") and bars.dots.shape == (2, 3)
    assert (bars.y.low, bars.y.high, bars.y.label) == (-0.05, 0.5, "accuracy lost when shuffled")


def test_of_many_features_the_simple_and_the_largest_are_shown(snapshot):
    bars = registries.plot["reliance"]([snapshot(features=30)])
    assert bars.names == ("linear", *(f"slab5_{i}" for i in range(19, 30)))
    assert "Not shown: 18 others." in bars.caption


def test_the_range_grows_with_what_does_not_fit(snapshot):
    values = {"reliance": torch.tensor([[0.93, -0.07]] * 3)}
    axis = registries.plot["reliance"]([snapshot(values=values)]).y
    assert axis.low == pytest.approx(-0.1) and axis.high == pytest.approx(1.0)


def test_kinds_are_left_out_where_a_task_has_none(snapshot):
    assert registries.plot["kinds"]([snapshot(values={"kinds": torch.empty(3, 0)})]) is None
    assert registries.plot["kinds"]([snapshot()]).names == ("S (1)", "Sᶜ (1)")


def test_spectrum_has_a_line_a_layer(snapshot):
    lines = registries.plot["spectrum"]([snapshot()])
    assert [line.name for line in lines.lines] == ["layer 1", "layer 2"] and lines.y.log
    np.testing.assert_allclose(lines.lines[0].y, [4, 2])
    np.testing.assert_allclose(lines.lines[0].high, [5, 3])


def test_spectrum_keeps_the_one_at_step_0_beside_it(snapshot):
    later = [torch.tensor([[9.0, 1.0]] * 3), torch.full((3, 1), 5.0)]
    latest = snapshot(50, values={"spectrum": later})
    for lines in (
        registries.plot["spectrum"]([snapshot(), latest]),
        pictures([latest], first=snapshot())[0],
        pictures([snapshot(), latest], first=snapshot())[0],
    ):
        np.testing.assert_allclose(lines.lines[0].y, [9, 1])
        np.testing.assert_allclose(lines.lines[0].start, [4, 2])
        np.testing.assert_allclose(lines.lines[1].start, [1])
        assert lines.caption.endswith("Pale dashes: at step 0.")
        assert lines.table()["start"].tolist() == [4, 2, 1]


def test_singular_values_that_are_rounding_are_not_drawn(snapshot):
    rank_one = [torch.tensor([[2.0, 1e-8, 0.0]] * 3)]
    lines = registries.plot["spectrum"]([snapshot(values={"spectrum": rank_one})])
    for drawn in (lines.lines[0].y, lines.lines[0].start):
        assert drawn[0] == 2 and np.isnan(drawn[1:]).all()


def test_a_spectrum_that_began_out_of_sight_has_no_dashes(snapshot):
    lines = registries.plot["spectrum"]([snapshot(50), snapshot(100)])
    assert lines.lines[0].start is None and "step 0" not in lines.caption
    assert "start" not in lines.table()


def test_the_spectrum_at_step_0_is_of_the_runs_in_sight(snapshot):
    made = snapshot(50, state=("training", "diverged", "training"))
    np.testing.assert_allclose(registries.plot["spectrum"]([snapshot(), made]).lines[0].start, [3.5, 2])


def test_gradient_norms_are_a_line_over_layers_beside_the_one_at_step_0(snapshot):
    values = torch.tensor([[1.0, 4.0], [3.0, 0.0], [2.0, 8.0]])
    first, latest = (
        snapshot(step, values={"gradient_norms": values * factor}) for step, factor in ((0, 2), (50, 1))
    )
    (line,) = registries.plot["gradient_norms"]([first, latest]).lines
    np.testing.assert_allclose(line.x, [1, 2])
    np.testing.assert_allclose(line.y, [2, 6])  # a layer that got nothing has no place on a log axis
    np.testing.assert_allclose(line.start, [4, 12])
    assert registries.plot["gradient_norms"]([latest]).lines[0].start is None


def test_a_kernel_is_drawn_as_shares_of_each_runs_own_size(snapshot):
    """So that a run whose gradients are long does not outweigh the others."""
    one = torch.tensor([[1.0, -0.5], [-0.5, 3.0]])
    made = snapshot(50, values={"kernel": torch.stack([one, 100 * one, math.nan * one])})
    field = registries.plot["kernel"]([made])
    np.testing.assert_allclose(field.values, one / 2)
    assert (field.scale.low, field.scale.high) == (-1.5, 1.5) and "2 of" in field.caption


def test_only_plots_that_ask_get_the_first_snapshot(snapshot):
    loss, *_ = (s for s in pictures([snapshot(50)], first=snapshot()) if s.name == "loss")
    assert loss.lines[0].x.tolist() == [50]


def test_one_run_has_no_band_and_no_dots(snapshot):
    one = {"loss": torch.ones(1), "accuracy": torch.ones(1), "test_accuracy": torch.ones(1)}
    values = {"boundary": torch.rand(1, 4, 4), "reliance": torch.rand(1, 2)}
    field, bars, loss, _ = pictures([snapshot(**one, values=values, state=("training",))])
    assert field.spread is None and loss.lines[0].low is None and bars.dots is None
    assert "one run" in loss.caption


def test_runs_that_are_not_finite_are_left_out_and_named(snapshot):
    loss = torch.tensor([0.1, float("nan"), 0.3])
    made = snapshot(loss=loss, state=("training", "diverged", "training"))
    drawn = {shape.name: shape for shape in pictures([made])}
    np.testing.assert_allclose(drawn["loss"].lines[0].y, [0.2], rtol=1e-6)
    np.testing.assert_allclose(drawn["boundary"].values, 0.5)
    assert drawn["reliance"].dots.shape == (2, 2)
    assert all("Left out, not finite: run 1." in shape.caption for shape in drawn.values())


def test_when_no_run_is_finite_pictures_still_come(snapshot):
    nan = torch.full((3,), float("nan"))
    values = {"boundary": torch.full((3, 4, 4), float("nan")), "reliance": torch.zeros(3, 2)}
    drawn = pictures([snapshot(loss=nan, values=values, state=("diverged",) * 3)])
    assert np.isnan(drawn[2].lines[0].y).all()


def test_an_old_value_stands_at_its_own_step_or_says_so(snapshot):
    """Looked at in steps 10, 20 and 30, measured in 10 and 30; of step 20 alone, and of all."""
    own = {"norm": torch.tensor([1.0, 2.0, 3.0])}
    looks = [
        snapshot(
            step,
            measured={"norm": at, "reliance": at},
            values={**snapshot().values, "norm": own["norm"] + at, "alone": torch.ones(3, 2) * at / 30},
        )
        for step, at in ((10, 10), (20, 10), (30, 30))
    ]
    live, whole = ({p.name: p for p in pictures(history)} for history in (looks[1:2], looks))
    assert live["norm"].lines[0].x.tolist() == [10] and live["loss"].lines[0].x.tolist() == [20]
    assert whole["norm"].lines[0].x.tolist() == [10, 30] and whole["norm"].lines[0].y.tolist() == [12, 32]
    assert whole["alone"].lines[0].x.tolist() == [10, 20, 30], "measured at each"
    assert live["reliance"].caption.endswith(" Measured at step 10.")
    assert "Measured at" not in live["norm"].caption + whole["reliance"].caption + live["spectrum"].caption
    assert looks[1].of("norm").epoch == 1.0 and looks[1].epoch == 2.0


def test_captions_say_when_rows_are_a_sample(snapshot):
    moving = {shape.name: shape.caption for shape in pictures([snapshot()], moving=True)}
    assert "A sample of the rows" in moving["accuracy"] and "A sample of the rows" in moving["reliance"]
    assert "sample" not in moving["spectrum"]
    whole = pictures([snapshot(0, rows=512), snapshot(50)])
    assert any("Earlier points: a sample of 512." in shape.caption for shape in whole)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (torch.rand(3), Lines),
        (torch.rand(3, 5), Bars),
        (torch.rand(3, 40), Lines),
        ([torch.rand(3, 4), torch.rand(3, 2)], Lines),
        (torch.rand(3, 2, 2), None),
        ("words", None),
    ],
)
def test_a_measure_without_a_plot_gets_a_plain_one(snapshot, values, kind):
    drawn = [
        shape for shape in pictures([snapshot(values={"my_measure": values})]) if shape.name == "my_measure"
    ]
    assert [type(shape) for shape in drawn] == ([] if kind is None else [kind])
    assert not drawn or drawn[0].title == "my measure"


def test_only_fields_are_fields(snapshot):
    assert [type(shape) for shape in pictures([snapshot()])].count(Field) == 1


@pytest.mark.parametrize("name", ["alone", "conflict"])
def test_a_timeline_has_a_curve_a_feature_until_colours_run_out(snapshot, name):
    values = [torch.full((3, 7), share) + 0.1 * torch.arange(3)[:, None] for share in (0.2, 0.6)]
    history = [snapshot(50 * i, 7, values={name: value}) for i, value in enumerate(values)]
    lines = registries.plot[name](history)
    assert [line.name for line in lines.lines] == ["linear", *(f"slab5_{i}" for i in range(1, 5))]
    np.testing.assert_allclose(lines.lines[0].y, [0.3, 0.7], rtol=1e-6)
    np.testing.assert_allclose(lines.lines[0].high, [0.4, 0.8], rtol=1e-6)
    assert lines.grows and "Not shown: 2 others." in lines.caption and "1,000 test rows" in lines.caption


def test_margins_are_named_by_what_was_shuffled(snapshot):
    below = torch.linspace(0, 1, 81).expand(3, 3, 81)
    drawn = registries.plot["margin"]([snapshot(values={"margin": below})])
    assert [line.name for line in drawn.lines] == ["as is", "S shuffled", "Sᶜ shuffled"]
    assert (drawn.x.low, drawn.x.high) == (-10, 10) and drawn.lines[0].x[[0, 40, -1]].tolist() == [-10, 0, 10]
    assert not drawn.grows and "1,000 test rows" in drawn.caption


# ---------------------------------------------------------------- the plane that was measured


def task_of_five(n_test=300) -> sb.Task:
    """Five columns whose ranges differ, so that no plane looks like another."""
    z = torch.randn(300, 5, generator=torch.Generator().manual_seed(0)) * torch.tensor([1.0, 9, 1, 40, 3])
    names = {name: sb.Feature((i,)) for i, name in enumerate("abcde")}
    return sb.Task(z, (z[:, 0] > 0).long(), z[:n_test], (z[:n_test, 0] > 0).long(), names)


def run_of(measure, task=None):
    task = task or task_of_five()
    return sb.fit(sb.mlp(task, runs=2, width=4), task, steps=50, batch=50, measure=measure)


def other(fleet, task):
    """A measure of one's own that looks at another plane."""
    return sb.boundary(fleet, task, axes=(3, 2), at=7, resolution=20)


class Looks:
    """The same as an object."""

    def __call__(self, fleet, task):
        return other(fleet, task)


WAYS = {
    "partial": functools.partial(sb.boundary, axes=(3, 2), at=7),
    "partial of a list": functools.partial(sb.boundary, axes=[3, 2], at=7, resolution=20),
    "partial of a partial": functools.partial(functools.partial(sb.boundary, axes=(3, 2)), at=7),
    "function": other,
    "lambda": lambda fleet, task: other(fleet, task),
    "object": Looks(),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("moving", [False, True])
def test_a_boundary_is_drawn_over_the_plane_that_was_measured(way, moving):
    run, task = run_of([WAYS[way]]), task_of_five()
    seen = pickle.loads(pickle.dumps(run.advance(steps=5, glance=moving)))  # as a process hands it over
    (field,) = (p for p in pictures([seen], moving) if isinstance(p, sb.Field))
    ends = window(task, (3, 2))
    assert [(a.label, a.low, a.high) for a in (field.x, field.y)] == [("d", *ends[0]), ("c", *ends[1])]
    np.testing.assert_array_equal(field.points, task.sample().z_test[:, [3, 2]])
    assert "other coordinates as in test row 7" in field.caption
    values = sb.boundary(run.fleet, task, (3, 2), 7, field.values.shape[0]).mean(0)
    np.testing.assert_allclose(field.values, values, atol=1e-6)


def test_a_glance_at_a_partial_is_coarse_unless_it_says_otherwise():
    for options, rows in [({}, 25), ({"resolution": 50}, 50)]:
        run = run_of([functools.partial(sb.boundary, axes=(1, 4), **options)])
        assert run.snapshot(glance=True).values["boundary"].shape == (2, rows, rows)


def test_a_glance_goes_through_the_same_row_as_a_look():
    """Also one that is not among the few rows of a glance."""
    run = run_of([functools.partial(sb.boundary, at=299, resolution=9)])
    glance, look = run.snapshot(glance=True), run.snapshot()
    assert torch.equal(glance.values["boundary"], look.values["boundary"])


def test_several_planes_have_a_name_each():
    planes = [functools.partial(sb.boundary, axes=(i, 4), resolution=9) for i in (1, 2)]
    seen = run_of([*planes, "boundary", other, registries.measure["spectrum"]]).snapshot()
    drawn = [p for p in pictures([seen]) if isinstance(p, sb.Field)]
    names = ["boundary axes=(1, 4), resolution=9", "boundary axes=(2, 4), resolution=9", "boundary", "other"]
    assert [p.name for p in drawn] == names and list(seen.values) == [*names, "spectrum"]
    assert [(p.x.label, p.y.label) for p in drawn] == [("b", "e"), ("c", "e"), ("a", "b"), ("d", "c")]
    assert drawn[0].title == "Decision boundary: axes=(1, 4), resolution=9" and drawn[3].title == "other"
    with pytest.raises(sb.SbkitError, match=r"different names, got 'boundary axes=\(1, 4\)' twice"):
        run_of([functools.partial(sb.boundary, axes=(1, 4)) for _ in range(2)])


def test_a_function_with_a_registered_name_is_drawn_as_what_it_gives(monkeypatch):
    def boundary(fleet, task):
        return torch.arange(float(fleet.runs))

    def reliance(fleet, task):
        return torch.rand(fleet.runs, 9)

    drawn = {p.name: p for p in pictures([run_of([boundary, reliance]).snapshot()])}
    assert drawn["boundary"].lines[0].y.tolist() == [0.5] and len(drawn["reliance"].names) == 9
    table = sb.sweep(lambda lr=0.1: run_of([reliance]), lr=[0.1])
    assert "reliance[8]" in table
    one_column = sb.Task(*[torch.linspace(-1, 1, 60)[:, None], torch.arange(60) % 2] * 2, {})
    assert pictures([run_of([boundary], one_column).snapshot()])
    for ask in (functools.partial(sb.boundary, axes=(0, 1)), "boundary"):
        with pytest.raises(sb.SbkitError, match="needs two columns"):
            run_of([ask], one_column)


def test_a_plot_may_be_registered_for_another_measure(monkeypatch):
    monkeypatch.setattr(registries.plot, "_functions", dict(registries.plot._functions))
    monkeypatch.setattr(registries.plot, "about", copy.copy(registries.plot.about))
    registries.plot("other")(registries.plot["boundary"])
    (field, *_) = pictures([run_of([other]).snapshot()])
    assert (field.name, field.x.label, field.y.label) == ("other", "d", "c")


def test_a_plot_may_show_points_or_images(monkeypatch, snapshot):
    def cloud(history):
        value = history[-1].values["cloud"]
        return sb.Scatter("cloud", "Cloud", "x", "y", value[0], caption="One run.")

    def looks(history):
        return sb.Images("looks", "Looks", history[-1].values["looks"])

    for name, function in {"cloud": cloud, "looks": looks}.items():
        monkeypatch.setitem(registries.plot._functions, name, function)
    values = {"cloud": torch.rand(3, 9, 2), "looks": torch.rand(3, 4, 4)}
    state = ("training", "training", "diverged")
    drawn = {picture.name: picture for picture in pictures([snapshot(values=values, state=state)])}
    assert drawn["cloud"].caption == "One run. Left out, not finite: run 2."
    assert drawn["looks"].pixels.shape == (3, 4, 4)


def test_a_plot_that_gives_no_picture_is_refused(monkeypatch, snapshot):
    monkeypatch.setitem(registries.plot._functions, "mine", lambda history: "a figure")
    with pytest.raises(sb.SbkitError, match="A plot returns .* got a str of 'mine'; try return None"):
        pictures([snapshot(values={"mine": torch.rand(3)})])


def test_planes_that_differ_between_two_sides_have_no_difference():
    def lesson(across=1):
        return run_of([functools.partial(sb.boundary, axes=(across, 4))])

    panel = sb.lab(lesson, compare="across", across=[1, 2])
    names = {p.name: p for p in panel.session.pictures()} if panel.result() else {}
    assert "boundary B − A" not in names and "different planes" in names["boundary B"].caption
    assert (names["boundary A"].x.label, names["boundary B"].x.label) == ("b", "c")


def test_what_no_picture_shows_is_named(snapshot):
    values = {"deep": torch.rand(3, 2, 2, 2), "turned": torch.ones(3, dtype=torch.complex64), "text": "words"}
    loss, *others = pictures([snapshot(values=values | {"kinds": torch.empty(3, 0)})])
    assert [p.name for p in others] == ["accuracy"]
    assert " No picture of deep, turned, text: there is one of numbers (runs,) or (runs, k)" in loss.caption
