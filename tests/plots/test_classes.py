"""What classes are called, wherever they are told apart."""

import dataclasses
import json
import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from cases import animals
from hostile import HOSTILE

import sbkit as sb
from sbkit.lab.frame import encode
from sbkit.lab.replay import replay
from sbkit.lab.session import Session
from sbkit.plots.figure import figure
from sbkit.plots.paired import paired
from sbkit.plots.png import png
from sbkit.plots.standard import boundary

X = animals()[["height", "weight", "age"]]
Y = np.arange(40) % 2


def drawn(names=("Bird", "cat"), make=np.array):
    """A boundary over rows whose classes are called so."""
    task = sb.data.table(X, make([names[k] for k in Y]))
    return boundary(
        [sb.last(sb.fit(sb.mlp(task, depth=0, runs=2), task, steps=1, batch=16, measure="boundary"))]
    )


def test_names_of_the_data_reach_the_picture():
    field = drawn()
    assert field.names == ("Bird", "cat") and field.caption.startswith("Chance of cat, mean of 2 runs")
    frame, _ = encode([field])
    assert frame["plots"][0]["names"] == ["Bird", "cat"]
    traces = figure(field).data
    assert [trace.name for trace in traces if trace.type == "scatter"] == ["Bird", "cat"]
    assert "P(cat)" in traces[0].hovertemplate
    assert png([field])[1:4] == b"PNG"


@pytest.mark.parametrize(
    ("names", "shown"),
    [((1, 2), ("class 1", "class 2")), ((-1, 1), ("class -1", "class 1")),
     ((0.0, 1.0), ("class 0", "class 1")), ((False, True), ("False", "True"))],
)  # fmt: skip
def test_numbers_are_said_to_be_classes(names, shown):
    field = drawn(names)
    assert field.names == shown and field.caption.startswith(f"Chance of {shown[1]}, ")


def test_a_task_without_names_has_numbers(snapshot):
    field = boundary([snapshot()])
    assert field.names == () and field.caption.startswith("Chance of class 1, ")
    assert [t.name for t in figure(field).data if t.type == "scatter"] == ["class 0", "class 1"]


def test_long_names_are_cut_in_legends_and_captions():
    field = drawn(("a", "b " * 5000))
    assert field.names[1] == "b " * 5000 and len(field.caption) < 250
    assert all(len(t.name) <= 32 for t in figure(field).data if t.type == "scatter")


@pytest.mark.parametrize(
    "text", [*HOSTILE.values(), "$x$^{", "_private", "cost in $ and $", "猫", "🐈", "{name}", "a\nb"]
)
def test_names_are_text(text):
    field = drawn(("!", text), make=lambda names: pd.Series(names, dtype=object))
    assert field.names[1] == text and png([field])[1:4] == b"PNG"
    assert "<img" not in figure(field).to_html(include_plotlyjs=False).replace("\\u003cimg", "")
    page = replay(Session(lambda: [field], {}))
    data = page.partition('<script type="application/json">')[2].partition("</script>")[0]
    assert json.loads(data)["frames"][0]["plots"][0]["names"][1] == text and "<" not in data


def test_a_difference_is_between_chances_of_the_same_class():
    same, other = paired([drawn()], [drawn()], "AB"), paired([drawn()], [drawn(("a", "b"))], "AB")
    assert len(same) == 3 and same[2].names == ("Bird", "cat") and same[2].caption.startswith("P(cat) in B")
    assert len(other) == 2 and "or classes" in other[1].caption


def test_names_move_with_the_task():
    task = sb.data.table(X, np.where(Y, "cat", "Bird"))
    for moved in (
        task.to(dtype=torch.float64),
        task.sample(5),
        pickle.loads(pickle.dumps(task)),
        dataclasses.replace(task),
    ):
        assert moved.names == ("Bird", "cat")
    assert sb.data.table(X, X["age"] * X["height"]).names == ()


@pytest.mark.parametrize("names", [("a",), ("a", "b", "c"), "ab", (0, 1), None])
def test_one_name_a_class(names):
    task = sb.data.table(X, Y)
    with pytest.raises(sb.SbkitError, match=r"names are one string a class, got .* try names=\(\)"):
        dataclasses.replace(task, names=names)
