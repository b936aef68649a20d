"""A heat map whose cells open the panel of their run."""

import ipywidgets
import pandas as pd
import pytest

from sbkit.core import SbkitError
from sbkit.lab.desk import Desk
from sbkit.lab.map import Chart, Map
from sbkit.lab.replay import replay
from sbkit.lab.stage import Stage
from sbkit.lab.still import Still

AXES = {"depth": [0, 1, 2], "optimizer": ["sgd", "sam"], "lr": [0.05]}
TABLE = pd.DataFrame(
    [
        {"depth": depth, "optimizer": name, "lr": lr, "run": run, "loss": depth + run}
        for lr in (0.05, 0.5)
        for depth in AXES["depth"]
        for name in AXES["optimizer"]
        for run in range(2)
    ]
)


@pytest.fixture
def chart(lesson):
    return Chart(lesson, TABLE, "loss", AXES)


@pytest.fixture
def sent(monkeypatch):
    """What is sent to the stages."""
    messages = []
    monkeypatch.setattr(Stage, "send", lambda self, content, buffers=None: messages.append(content))
    return messages


def pick(map: Map, row: int, column: int) -> None:
    map._stage._handle_custom_msg({"type": "pick", "plot": "map", "row": row, "column": column}, [])


def dials(panel) -> dict:
    return {
        name: (widget.value, [value for _, value in widget.options]) for widget, name in panel._names.items()
    }


def living() -> int:
    widgets = getattr(ipywidgets.widgets.widget, "_instances", None)  # ipywidgets 8
    return len(ipywidgets.Widget.widgets if widgets is None else widgets)


def test_it_draws_the_two_dials_with_several_values_and_holds_the_other(chart):
    [field] = chart.pictures()
    assert (field.x.ticks, field.y.ticks) == (("0", "1", "2"), ("sgd", "sam"))
    assert field.values.tolist() == [[0.5, 1.5, 2.5]] * 2 and len(chart.kept) == 12
    assert chart.finish() is TABLE


def test_it_says_how_it_was_made(chart):
    call = "sb.map(lesson, value='loss', depth=[0, 1, 2], optimizer=['sgd', 'sam'], lr=[0.05])"
    assert chart.code() == call and chart.did() == "6 tiles drawn of 12 runs"
    assert "sb.map(lesson" in replay(chart)


def test_its_code_is_its_call_alone(chart):
    reply, _ = Desk(chart).answer({"type": "code"})
    assert list(reply["texts"].values()) == [chart.code()]
    made = Map(chart)
    with pytest.raises(SbkitError, match="A map is shared by its call"):
        made.share()
    made.close()


def test_a_picked_cell_tells_all_its_values(chart):
    opened = []
    chart.opens = opened.append
    frame, _ = Desk(chart).answer({"type": "pick", "plot": "map", "row": 1, "column": 2})
    assert opened == [{"depth": 2, "optimizer": "sam", "lr": 0.05}]
    assert frame["state"] == "Ready" and frame["plots"][0]["x"]["ticks"] == ["0", "1", "2"]


@pytest.mark.parametrize(
    "place", [{"row": 2, "column": 0}, {"row": 0, "column": 3}, {"row": -1, "column": 0}, {}]
)
def test_a_cell_that_is_not_there_is_an_error_frame(chart, place):
    frame, _ = Desk(chart).answer({"type": "pick", **place})
    assert frame["state"] == "Error" and frame["reason"]


def test_a_click_opens_the_run_of_the_cell_below(lesson, chart, sent):
    made = Map(chart)
    assert made._stage.controls["picks"] is True and made.panel is None
    pick(made, 1, 2)
    assert made.children == (*made._own, made.panel) and sent[-1]["type"] == "frame"
    options = {
        name: (value, AXES[name]) for name, value in {"depth": 2, "optimizer": "sam", "lr": 0.05}.items()
    }
    assert dials(made.panel) == options
    run = made.panel.result()
    assert run.finished and len(run.fleet.weights()) == 3 and run.settings["lr"] == 0.05
    made.close()


def test_another_click_replaces_the_panel_and_closing_leaves_nothing(chart, sent):
    before = living()
    made = Map(chart)
    counts = []
    for column in (0, 1, 2):
        pick(made, 0, column)
        counts.append(living())
    assert len(set(counts)) == 1 and made.panel.session.values["depth"] == 2
    made.close()
    assert living() == before
    with pytest.raises(SbkitError, match="This panel is closed"):
        made.result()


def test_what_is_open_is_left_below_the_map_for_later_readers(chart, monkeypatch):
    left = []
    monkeypatch.setattr(Map, "leave", lambda self, told, *pngs: left.append((told.count("Field: "), pngs)))
    made = Map(chart)
    made._asked(made._stage, {"type": "picture"}, ["map"])
    pick(made, 0, 1)
    first = made.panel
    first._asked(first._stage, {"type": "picture"}, ["one"])
    pick(made, 0, 2)
    first._keep("late")
    made.panel._asked(made.panel._stage, {"type": "picture"}, ["two"])
    assert left == [(1, ("map",)), (2, ("map", "one")), (2, ("map",)), (2, ("map", "two"))]
    made.close()


def test_a_cell_whose_run_fails_says_so_and_leaves_what_is_open(sent):
    def fragile(depth=0, optimizer="sgd", lr=0.05):
        raise RuntimeError("no such net")

    made = Map(Chart(fragile, TABLE, "loss", AXES))
    pick(made, 0, 0)
    assert (sent[-1]["state"], sent[-1]["reason"]) == ("Error", "RuntimeError: no such net")
    assert made.panel is None and made.children == tuple(made._own)
    made.close()


def test_without_a_page_it_leaves_one_line(chart):
    still = Still(chart, {})
    call = "sb.map(lesson, value='loss', depth=[0, 1, 2], optimizer=['sgd', 'sam'], lr=[0.05])"
    assert repr(still).startswith(f"{call}: 6 tiles drawn of 12 runs. Open this notebook")
    assert still.result() is TABLE and still.figure().data[0].type == "heatmap"


@pytest.mark.parametrize(
    ("axes", "sentence"),
    [
        ({"depth": [0, 1]}, "A map is over two dials, got depth with several values"),
        (
            {"depth": [0, 1], "optimizer": ["sgd", "sam"], "lr": [1, 2]},
            "got depth, optimizer, lr",
        ),
        ({"depth": [0], "optimizer": ["sgd"], "lr": [1]}, "got none with several values"),
        ({"dept": [0, 1], "optimizer": ["sgd"]}, "Did you mean 'depth'"),
        ({"depth": [0, 1], "optimizer": ["sgd", "sam"], "steps": [9]}, "No column named 'steps'"),
    ],
)
def test_what_is_not_two_dials_gets_its_sentence(lesson, axes, sentence):
    with pytest.raises(SbkitError, match=sentence):
        Chart(lesson, TABLE, "loss", axes)
