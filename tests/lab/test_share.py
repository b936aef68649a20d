"""The shared text comes back exactly; whatever else stands there is refused before anything is built."""

import ipywidgets
import numpy as np
import pytest

import sbkit as sb
from sbkit.core import SbkitError
from sbkit.lab import lab
from sbkit.lab.dials import abbreviated, dials
from sbkit.lab.session import Session
from sbkit.lab.share import LONGEST, link, share, started
from sbkit.plots import Bars

DIALS = {
    "depth": (1, 8),
    "rate": (0.0, 1.0),
    "lr": (1e-3, 1.0, "log"),
    "name": ["sgd", "a & b=c?#", 3],
    "on": True,
}


def drawn(depth=2, rate=0.5, lr=0.1, name="sgd", on=False, seed=0, data=0, free="text", minus=-1):
    """A lesson of every kind of argument that does not train."""
    return Bars("b", "Bars", "depth", ["a"], [depth])


def read(start, lesson=drawn, **given):
    """Values of a lesson that starts there."""
    return started(lesson, dials(lesson, given or DIALS), start)[1]


def shared(values, lesson=drawn, **given):
    """The text of a session with these values."""
    return share(Session(lesson, values), dials(lesson, given or DIALS))


def test_the_text_is_a_short_query():
    values = {"depth": 3, "rate": 0.25, "lr": 0.02, "name": "sgd", "on": True}
    assert shared(values) == "depth=3&rate=0.25&lr=0.02&name=sgd&on=true"


@pytest.mark.parametrize(
    "around", ["{}", "?{}", " {}\n", "https://host:80/a/lab.ipynb?{}", "file.ipynb?{}#cell-3"]
)
@pytest.mark.parametrize("number", [0.1 + 0.2, 1 / 3, 1e-3, 5e-324, 1.0, 0.0, 1e-07])
@pytest.mark.parametrize("name", DIALS["name"])
def test_the_round_trip_is_exact(around, number, name):
    values = {
        "depth": 7,
        "rate": number,
        "lr": max(number, 1e-3),
        "name": name,
        "on": True,
        "seed": 16,
        "data": 3,
    }
    again = read(around.format(shared(values)))
    assert again == values and {k: type(v) for k, v in again.items()} == {
        k: type(v) for k, v in values.items()
    }


def test_only_what_differs_is_written_of_arguments_without_a_dial():
    assert shared({"depth": 3, "seed": 0, "data": 2}, depth=(1, 8)) == "depth=3&data=2"
    assert read("seed=8", depth=(1, 8)) == {"depth": 2, "seed": 8}


def test_choices_of_any_kind_are_told_by_their_text():
    def lesson(f=len, n=2, t=(1, 5), none=None, on=True):
        return Bars("b", "Bars", "y", ["a"], [1])

    given = {
        "f": [len, sum],
        "n": [np.float64(0.5), 2],
        "t": [(1, 5), (3,)],
        "none": [None, 3],
        "on": [True, False],
    }
    values = {"f": sum, "n": np.float64(0.5), "t": (3,), "none": None, "on": False}
    text = shared(values, lesson, **given)
    assert text.startswith("f=sum&n=0.5&t=%283%2C%29&none=None&on=false")
    assert read(text, lesson, **given) == values


def test_a_mapping_gives_the_same_as_a_text():
    values = {"depth": np.int64(3), "lr": np.float64(0.02), "on": True, "name": 3, "seed": 8}
    assert read(values) == read("depth=3&lr=0.02&on=true&name=3&seed=8")
    assert read(None) == read("") == read("?") == read({}) == read("https://host/lab?")


@pytest.mark.parametrize("end", [0.003, 0.07, 0.3, 0.9])
def test_the_ends_of_a_log_slider_may_be_rounded(end):
    """The page knows its ends as powers of 10."""
    for ends in ((end, 7.0), (1e-7, end)):
        for number in (np.nextafter(end, 0), end, np.nextafter(end, 1), 10 ** np.log10(end)):
            lesson = lambda lr=ends[0]: drawn()  # noqa: B023, E731
            assert read(f"lr={float(number)!r}", lesson, lr=(*ends, "log")) == {"lr": number}


REFUSED = [
    (
        "dept=3",
        "No dial or whole-number argument of drawn named 'dept'; there are depth, .*Did you mean 'depth'",
    ),
    ("free=other", "No dial or whole-number argument of drawn named 'free'"),
    ("minus=3", "No dial or whole-number argument of drawn named 'minus'"),
    ("token=abc&depth=3", "named 'token'"),
    ("depth=9", "depth is a number at least 1 and at most 8, got 9; try 8"),
    ("depth=-99999999999999999999", "depth is a whole number, got"),
    ("depth=3.0", "depth is a whole number, got '3.0'; try depth=2"),
    ("depth=1_0", "depth is a whole number, got '1_0'"),
    ("depth=٣", "depth is a whole number"),
    ("depth=", "depth is a whole number, got ''"),
    ("depth=true", "depth is a whole number, got 'true'"),
    ("depth=__import__('os')", "depth is a whole number"),
    ("rate=1.5", "rate is a number at least 0 and at most 1, got 1.5"),
    ("rate=nan", "rate is a number, got 'nan'; try rate=0.5"),
    ("rate=1e999", "rate is a number at least 0 and at most 1, got inf"),
    ("rate=0x1", "rate is a number, got '0x1'"),
    ("lr=0.0009", "lr is a number at least 0.001 and at most 1, got 0.0009"),
    ("name=sgdd", "No choice of name named 'sgdd'; there are sgd, .*Did you mean 'sgd'"),
    ("on=yes", "No value of on named 'yes'; there are true, false"),
    ("on=True", "Did you mean 'true'"),
    ("seed=-1", "seed is a number at least 0"),
    ("depth=3&depth=3", "start gives every name once, got 'depth' twice"),
    ("depth", "start is written name=value&name=value, got 'depth'"),
    ("depth=3&", "start is written name=value&name=value"),
    ("https://host/lab", "start is written name=value&name=value"),
    ("depth=%ff", "start is written name=value&name=value"),
    ("depth=3" + " " * LONGEST, "at most 2,000 characters or a mapping, got 2,007 characters"),
    (5, "a text of at most 2,000 characters or a mapping, got 5; try 'depth=3'"),
    ({"depth": 9}, "depth is a number at least 1 and at most 8, got 9"),
    ({"depth": True}, "depth is a whole number, got 'true'"),
    ({"rate": float("nan")}, "rate is a number, got 'nan'"),
    ({"nothing": 1}, "named 'nothing'"),
]


@pytest.mark.parametrize(("start", "says"), REFUSED, ids=[says for _, says in REFUSED])
@pytest.mark.parametrize("headless", ["0", "1"])
def test_refused_before_anything_is_built(monkeypatch, start, says, headless):
    built = []

    def lesson(depth=2, rate=0.5, lr=0.1, name="sgd", on=False, seed=0, data=0, free="text", minus=-1):
        built.append(1)

    lesson.__name__ = "drawn"
    monkeypatch.setenv("SBKIT_HEADLESS", headless)
    with pytest.raises(SbkitError, match=says):
        lab(lesson, **DIALS, start=start)
    assert not built


def test_choices_that_are_written_alike_are_told_apart():
    one, other = (lambda: 1), (lambda: 2)
    given = {"name": ["3", 3, True, 1, one, other, np.ones(2), np.ones(2)]}
    lesson = lambda name=3: drawn()  # noqa: E731
    for option in given["name"]:
        text = shared({"name": option}, lesson, **given)
        assert read(text, lesson, **given)["name"] is option
        assert read({"name": option}, lesson, **given)["name"] is option


def test_a_text_that_would_be_too_long_is_not_shared():
    given = {"name": ["n" * LONGEST, "sgd"]}
    with pytest.raises(SbkitError, match="at most 2,000 characters"):
        shared({"name": "n" * LONGEST}, **given)


@pytest.mark.parametrize(
    ("mine", "text", "value"),
    [
        (lambda: ipywidgets.IntText(7), "free=-12", -12),
        (lambda: ipywidgets.FloatText(0.5), "free=0.25", 0.25),
        (lambda: ipywidgets.Checkbox(False), "free=true", True),
        (lambda: ipywidgets.Text("a"), "free=b+c", "b c"),
        (lambda: ipywidgets.Dropdown(options=[3, 5]), "free=5", 5),
    ],
)
def test_a_widget_of_ones_own_moves_and_is_shared(mine, text, value):
    widget = mine()
    made = lab(drawn, free=widget, start=text)
    assert widget.value == value and made.session.values == {"free": value} and made.share() == text
    made.close()


@pytest.mark.parametrize(
    ("mine", "text", "says"),
    [
        (lambda: ipywidgets.IntSlider(2, 1, 8), "free=9", "The widget of free does not take 9; try free=2"),
        (lambda: ipywidgets.Dropdown(options=[3, 5]), "free=4", "does not take 4; try free=3"),
        (lambda: ipywidgets.IntText(7), "free=a", "free is a whole number, got 'a'"),
        (
            lambda: ipywidgets.SelectMultiple(options=[3, 5], value=[3]),
            "free=3",
            r"a switch or a text, got free=\(3,\)",
        ),
    ],
)
def test_a_widget_of_ones_own_that_does_not_take_it_stays(mine, text, says):
    widget = mine()
    before = widget.value
    with pytest.raises(SbkitError, match=says):
        lab(drawn, free=widget, start=text)
    assert widget.value == before
    widget.close()


def test_a_widget_does_not_move_if_another_value_is_refused():
    widget = ipywidgets.IntText(7)
    with pytest.raises(SbkitError, match="depth is a number at least 1"):
        lab(drawn, free=widget, depth=(1, 8), start="free=8&depth=9")
    assert widget.value == 7
    widget.close()


def test_a_widget_whose_value_is_not_simple_is_not_shared():
    widget = ipywidgets.SelectMultiple(options=[3, 5], value=[3])
    made = lab(drawn, free=widget)
    with pytest.raises(SbkitError, match=r"A widget is shared if its value is a number, .* got free=\(3,\)"):
        made.share()
    made.close()


def test_the_present_values_are_shared_also_of_dials_that_act_at_once(lesson):
    made = lab(lesson, depth=(1, 8), lr=(1e-3, 1.0, "log"))
    for name, value in (("lr", 0.05), ("depth", 3)):
        next(widget for widget, known in made._names.items() if known == name).value = value
    made._desk.answer({"type": "seed"})
    made._desk.answer({"type": "data"})
    text = made.share()
    assert text == "depth=3&lr=0.05&seed=2&data=1"
    other = lab(lesson, depth=(1, 8), lr=(1e-3, 1.0, "log"), start=text)
    assert other.session.values == made.session.values and other.session.run.settings["lr"] == 0.05
    assert sorted(widget.value for widget in other._names) == [pytest.approx(0.05), 3]
    assert other.share() == text
    other._desk.answer({"type": "seed"})
    assert other.session.values["seed"] == 4, "counts on from where it started"


def test_the_lab_without_a_page_starts_there_too(lesson, monkeypatch):
    monkeypatch.setenv("SBKIT_HEADLESS", "1")
    made = sb.lab(lesson, depth=(1, 8), start="?depth=3&seed=4")
    assert repr(made).startswith("lesson(depth=3, seed=4): 2 runs trained.")
    assert made.share() == "depth=3&seed=4" and made.session.run.fleet.seed == 4


def test_a_lesson_with_an_argument_of_labs_own_name_is_told_so():
    with pytest.raises(SbkitError, match="got a lesson with an argument 'start'; rename it, e.g. start_"):
        lab(lambda start=0: drawn())


def test_the_link_is_the_call_that_starts_there():
    meant = dials(drawn, DIALS)
    text = link(Session(drawn, {name: dial.start for name, dial in meant.items()}), meant)
    assert text.splitlines() == [
        'start = "depth=2&rate=0.5&lr=0.1&name=sgd&on=false"',
        "sb.lab(drawn, start=start, depth=(1, 8), rate=(0.0, 1.0), lr=(0.001, 1.0, 'log'), "
        "name=['sgd', 'a & b=c?#', 3], on=True)",
    ]
    names = {"sb": sb, "drawn": drawn}
    exec(f"{text[: text.index('sb.lab')]}panel = {text[text.index('sb.lab') :]}", names)
    assert names["panel"].session.values == read("")


def test_the_call_leaves_room_for_a_widget():
    widget = ipywidgets.IntText(7)
    assert abbreviated(dials(drawn, {"free": widget})["free"]) == "..."
    widget.close()
