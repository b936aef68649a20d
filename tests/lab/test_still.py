"""Without a page: the run is trained, one stable line is left, what goes wrong is raised."""

import subprocess
import sys

import pytest

from sbkit.core import SbkitError
from sbkit.lab import lab
from sbkit.lab import still as module
from sbkit.lab.still import Still
from sbkit.plots import Axis, Bars, Field, Mark


@pytest.fixture(autouse=True)
def headless(monkeypatch, with_page):
    monkeypatch.setenv("SBKIT_HEADLESS", "1")


def test_it_trains_to_the_end_and_leaves_one_line(lesson):
    made = lab(lesson, slabs=[3, 5], depth=(1, 8))
    text = "lesson(slabs=5, depth=1): 2 runs trained. Open this notebook in JupyterLab or Colab to drive it."
    assert isinstance(made, Still) and made.result().finished
    assert made._repr_mimebundle_() == ({"text/plain": text}, {}) and repr(made) == text


def test_its_methods_are_those_of_a_panel(lesson, tmp_path):
    made = lab(lesson, slabs=[3, 5])
    assert made.code() == "run = lesson(slabs=5)\nrun.advance(steps=60)"
    assert made.figure().data
    assert made.save_replay(tmp_path / "x.html").exists()


def test_a_lesson_that_does_not_train_draws(still):
    made = lab(still, slope=(0.0, 2.0))
    assert repr(made).startswith("still(slope=1.0): 1 picture drawn.")
    assert made.result().name == "line" and made.figure().data


def test_what_goes_wrong_is_raised(lesson):
    with pytest.raises(ZeroDivisionError):
        lab(lambda: 1 / 0)
    with pytest.raises(SbkitError, match="does it end with `return`"):
        lab(lambda: None)
    with pytest.raises(SbkitError, match="Did you mean 'slabs'"):
        lab(lesson, slab=[3])


def test_two_of_them_are_equal(lesson):
    one, other = (lab(lesson, depth=(1, 3)) for _ in range(2))
    assert all(
        (a.loss == b.loss).all() for a, b in zip(one.session.history, other.session.history, strict=True)
    )


def test_a_picture_stands_beside_the_line(lesson, monkeypatch):
    monkeypatch.setenv("SBKIT_PNG", "1")
    data, metadata = lab(lesson)._repr_mimebundle_()
    assert data["image/png"][1:4] == b"PNG" and data["text/plain"].startswith("lesson(): 2 runs trained.")
    alt = metadata["image/png"]["alt"]  # where nbconvert looks for it
    assert alt.startswith("Field: Decision boundary") and "Bars: " in alt


def test_a_replay_stands_beside_the_line_where_something_moves(lesson, still, monkeypatch):
    monkeypatch.setenv("SBKIT_REPLAY", "1")
    for made in (lab(lesson), lab(still, slope=(0.0, 2.0))):
        data, _ = made._repr_mimebundle_()
        assert data[module.REPLAY].startswith("<!doctype html>")
    assert set(lab(still)._repr_mimebundle_()[0]) == {"text/plain"}


def test_alt_text_tells_captions_axes_and_marks():
    field = Field("f", "A plane", "x1", Axis("x2", "cm"), [[0.0, 1.0]])
    bars = Bars(
        "b", "Reliance", "accuracy lost", ["S"], [0.5], caption="One bar.", marks=[Mark("you said", 0.4, 0.6)]
    )
    told = "Field: A plane. Axes: x1, x2 (cm). Bars: Reliance. One bar. you said (0.4 to 0.6)."
    assert module.alt([field, bars]) == told


def test_no_widget_and_no_plotly_is_loaded():
    code = (
        "import sys, os; os.environ['SBKIT_HEADLESS'] = '1'\n"
        "import sbkit as sb\n"
        "from sbkit.plots import Bars\n"
        "print(sb.lab(lambda h=1.0: Bars('b', 'B', 'y', ['a'], [h]), h=(0.0, 2.0)))\n"
        "assert not {'ipywidgets', 'anywidget', 'plotly', 'pandas', 'IPython'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "1 picture drawn" in done.stdout
