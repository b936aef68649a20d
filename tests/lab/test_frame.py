"""A frame holds what it was made of: every array is read back as a page would."""

import json

import numpy as np
import pytest

from sbkit.lab.frame import Buffer, encode
from sbkit.plots import Axis, Bars, Field, Line, Lines

RNG = np.random.default_rng(0)
FIELD = Field(
    "f",
    "A field",
    Axis("x", low=-1, high=1),
    Axis("y", unit="s"),
    RNG.random((3, 5)),
    spread=RNG.random((3, 5)) / 2,
    points=RNG.random((7, 2)),
    labels=[0, 1, 2, 0, 1, 2, 5],
    caption="what it is",
)
LINES = Lines(
    "l",
    "Lines",
    "x",
    Axis("y", log=True),
    [Line("a", [0, 1], [2, 3], low=[1, 2]), Line("b", [4], [5], dash=True)],
)
BARS = Bars("b", "Bars", "y", ["p", "q", "r"], [1, 2, 3], dots=RNG.random((3, 2)))


def read(ref, buffer: bytes) -> np.ndarray:
    """The array that a REF stands for."""
    count = int(np.prod(ref["shape"]))
    return np.frombuffer(buffer, f"<{ref['type']}", count, ref["at"]).reshape(ref["shape"])


def refs(part):
    """All REFs of a frame."""
    if isinstance(part, dict) and "at" in part:
        yield part
    elif isinstance(part, dict | list):
        for inner in part.values() if isinstance(part, dict) else part:
            yield from refs(inner)


def test_arrays_come_back():
    frame, buffer = encode([FIELD, LINES, BARS], run=1, step=2)
    field, lines, bars = frame["plots"]
    for name in ("values", "points"):
        np.testing.assert_array_equal(read(field[name], buffer), getattr(FIELD, name))
    np.testing.assert_allclose(read(field["spread"], buffer) / 510, FIELD.spread, atol=0.5 / 510)
    assert read(field["labels"], buffer).tolist() == [0, 1, 2, 0, 1, 2, 5]
    first, second = lines["lines"]
    np.testing.assert_array_equal(read(first["low"], buffer), [1, 2])
    assert first["high"] is None and second["dash"] is True and read(second["y"], buffer).tolist() == [5]
    np.testing.assert_array_equal(read(bars["dots"], buffer), BARS.dots)


def test_what_a_picture_is_made_of_is_put_away_once():
    frame, _ = encode([BARS])
    assert frame["plots"][0]["table"]["blocks"] == [frame["plots"][0][name] for name in ("values", "dots")]


def test_where_a_line_began_comes_along():
    frame, buffer = encode([Lines("l", "L", "x", "y", [Line("a", [0, 1], [2, 3], start=[4, 5])])])
    assert read(frame["plots"][0]["lines"][0]["start"], buffer).tolist() == [4, 5]


def test_arrays_lie_at_multiples_of_four_and_do_not_overlap():
    frame, buffer = encode([FIELD, LINES, BARS])
    sizes = {"f4": 4, "u1": 1}
    ends = sorted(
        {(ref["at"], ref["at"] + int(np.prod(ref["shape"])) * sizes[ref["type"]]) for ref in refs(frame)}
    )
    assert all(start % 4 == 0 for start, _ in ends)
    assert all(end <= start for (_, end), (start, _) in zip(ends, ends[1:], strict=False))
    assert ends[-1][1] <= len(buffer)


def test_the_message_is_strict_json_whatever_the_numbers():
    bad = Field("f", "F", Axis("x", low=float("nan")), "y", [[np.nan, np.inf]], spread=[[np.nan, 9.0]])
    frame, buffer = encode([bad, FIELD], run=1, step=np.int64(3).item(), state="Ready")
    assert json.loads(json.dumps(frame, allow_nan=False)) == frame
    assert read(frame["plots"][0]["spread"], buffer).tolist() == [[0, 255]]


def test_the_head_stands_beside_the_plots():
    frame, _ = encode([LINES], run=3, step=150, state="Training", moving=True)
    assert frame["type"] == "frame" and frame["pushed"] is False and frame["moving"] is True
    plot = frame["plots"][0]
    assert (plot["shape"], plot["name"], plot["title"], plot["grows"]) == ("lines", "l", "Lines", False)
    ends = {"low": None, "high": None, "log": True}
    assert plot["y"] == {"label": "y", "unit": "", "ticks": []} | ends


def test_long_names_of_classes_are_cut_for_legends():
    long = Field("f", "F", "x", "y", [[0, 1]], points=[[0, 0]], labels=[1], names=["a", "b " * 50])
    [plot] = encode([long])[0]["plots"]
    assert plot["names"] == ["a", "b " * 50] and plot["called"] == ["a", "b " * 15 + "b…"]


def test_a_field_always_has_ends():
    (plot,) = encode([FIELD])[0]["plots"]
    assert [plot[axis][end] for axis in "xy" for end in ("low", "high")] == [-1, 1, 0, 1]


@pytest.mark.parametrize("values", [[], [[]], np.zeros((0, 3))])
def test_empty_arrays_have_their_shape(values):
    assert Buffer().put(values)["shape"] == list(np.shape(values))
