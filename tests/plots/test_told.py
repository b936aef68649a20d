"""What those are told who do not see a picture."""

import numpy as np
import pytest

from sbkit.plots import Axis, Bars, Field, Images, Line, Lines, Mark, Scatter
from sbkit.plots.told import described, tabled

PLANE = Field(
    "f", "F", "a", "b", [[0, 0.2], [0.8, 1]], points=[[0, 0]], labels=[1], names=["no", "<b>yes</b>"]
)
TILES = Field("m", "M", Axis("depth", ticks=[1, 2]), Axis("lr", ticks=["low", "high"]), [[1, 2], [3, np.nan]])
LOSS = Axis("loss", unit="nats")
CURVES = [Line("a", [0, 2], [4, 0.5], low=[3, 0.4], high=[5, 0.6]), Line("b", [1], [7], start=[9])]
MARKS = [Mark("you said", 0.25, 0.5)]
BARS = Bars("b", "B", LOSS, ["p", "q"] * 2, [1, 2, 3, 4], dots=[[0, 2]] * 4, sides=["A", "B"], marks=MARKS)
CLOUD = Scatter("s", "S", "x", LOSS, [[0.5, 1], [0.25, 10]], [0, 2], names=["sgd", "sam"])
SHOWN = Images("i", "I", [[[0, 0.5, 1]]], labels=["one"])
CASES = [
    (
        BARS,
        "B: loss of p, A 1, q, A 2, p, B 3, q, B 4. you said: 0.25 to 0.5.",
        ("loss in nats", ["name", "mean", "run 0", "run 1"], ["p, A", "q, A", "p, B", "q, B"], [1, 0, 2]),
    ),
    (
        Bars("b", "B", "y", [*"pqrstuvw"], range(8), low=[0] * 8, high=[9] * 8),
        "B: y of p 0, q 1, r 2, s 3, t 4, u 5 and 2 more.",
        ("y", ["name", "value", "from", "to"], [*"pqrstuvw"], [0, 0, 9]),
    ),
    (
        Lines("l", "L", "step", LOSS, CURVES, marks=MARKS),
        "L: loss against step, at the end a 0.5, b 7. you said: 0.25 to 0.5.",
        (
            "loss in nats by step",
            ["step", "a", "a, lowest", "a, highest", "b", "b, at step 0"],
            [0, 1, 2],
            [4, 3, 5, np.nan, np.nan],
        ),
    ),
    (
        PLANE,
        "F: P(<b>yes</b>) over a and b; above one half on 50 % of the plane.",
        ("P(<b>yes</b>) at 2 × 2 of 2 × 2 grid points", ["b \\ a", "0", "1"], [1, 0], [0.8, 1]),
    ),
    (
        Field("f", "F", "a", "b", [[-1, 1]], scale=LOSS),
        "F: loss over a and b, from −1 nats to 1 nats.",
        ("loss in nats at 1 × 2 of 1 × 2 grid points", ["b \\ a", "0", "1"], [0.5], [-1, 1]),
    ),
    (
        TILES,
        "M: value of 2 × 2 tiles, from 1 to 3.",
        ("value", ["lr \\ depth", "1", "2"], ["high", "low"], [3, np.nan]),
    ),
    (
        CLOUD,
        "S: loss against x, 1 of sgd, 1 of class 2.",
        ("loss in nats", ["class", "x", "y"], ["sgd", "class 2"], [0.5, 1]),
    ),
    (
        SHOWN,
        "I: images, 1 of 1 × 3 pixels, value from 0 to 1: one.",
        ("value", ["label", "image", "least value", "mean value", "largest value"], ["one"], [0, 0, 0.5, 1]),
    ),
]


@pytest.mark.parametrize(("shape", "sentence", "table"), CASES, ids=lambda it: getattr(it, "name", ""))
def test_a_picture_is_one_sentence_and_one_table(shape, sentence, table):
    note, head, names, first = table
    made = tabled(shape)
    assert (made.note, list(made.head), list(made.names)) == (note, head, names)
    cells = np.column_stack(made.blocks)
    np.testing.assert_array_almost_equal(cells[0], first)
    assert cells.shape == (len(names), len(head) - 1)
    assert described(shape) == sentence


def test_a_long_table_is_thinned_and_says_so():
    table = tabled(Scatter("s", "S", "x", "y", np.ones((1_000, 2))))
    assert len(table.names) == len(table.blocks[0]) == 200 and table.note == "y; 200 of 1000 rows"


def test_a_fine_plane_is_told_at_some_places_from_its_corner():
    values = np.linspace(0, 1, 100 * 25).reshape(100, 25)
    table = tabled(Field("f", "F", Axis("x", low=-1, high=1), "y", values))
    assert table.blocks[0].shape == (10, 9) and table.head[1:3] == ["−1", "−0.75"]
    assert (
        table.blocks[0][-1][0] == 0
        and table.names[-1] == 0
        and table.note.endswith("10 × 9 of 100 × 25 grid points")
    )


def test_what_holds_nothing_is_told_too():
    nothing = Field("f", "F", "a", "b", [[np.nan]], scale="loss")
    assert described(nothing) == "F: loss over a and b, without values."
    assert described(Lines("l", "L", "x", "y", [Line("a", [], [])])) == "L: y against x, at the end a –."
    assert described(Scatter("s", "S", "x", "y", np.empty((0, 2)))) == "S: y against x, points: 0."


def test_lines_that_share_their_first_places_are_told_as_they_are_unless_they_grow():
    lines = [Line("a", [1, 2, 3], [4, 5, 6]), Line("b", [1, 2], [7, 8])]
    assert [
        block is line.y
        for block, line in zip(tabled(Lines("l", "L", "x", "y", lines)).blocks, lines, strict=True)
    ]
    grown = tabled(Lines("l", "L", "x", "y", lines, grows=True)).blocks
    assert [len(block) for block in grown] == [3, 3] and np.isnan(grown[1][2])
