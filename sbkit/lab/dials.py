"""From abbreviations to dials: `[3, 5, 7]`, `(1, 8)`, `(0.0, 1.0)`, `(1e-4, 1.0, "log")`, `True`, widgets."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from sbkit.core import SbkitError, one_of
from sbkit.lab.lesson import Lesson, default_of, literal, parameters
from sbkit.plots.words import say

if TYPE_CHECKING:
    import ipywidgets

RULE = 'a list, (1, 8), (0.0, 1.0), (1e-4, 1.0, "log"), True, False or a widget'
MISSING = object()


@dataclass(frozen=True)
class Dial:
    """One control: its kind ("choice", "whole", "number", "log", "switch", "widget"), range and start."""

    name: str
    kind: str
    start: Any
    options: tuple[Any, ...] = ()  # of a choice; of a slider low, high and, if given, step
    widget: Any = None


def dials(lesson: Lesson, abbreviations: Mapping[str, Any]) -> dict[str, Dial]:
    """The dials of a lesson, each starting at the lesson's own default. Loads no widgets.

    Raises `SbkitError` on a name that the lesson does not take, an abbreviation that means nothing, and
    a default that the dial does not have.

    >>> dials(lambda depth=2: None, {"depth": (1, 8)})["depth"]
    Dial(name='depth', kind='whole', start=2, options=(1, 8), widget=None)
    """
    parameters(lesson, abbreviations)
    return {
        name: _dial(name, given, default_of(lesson, name, MISSING)) for name, given in abbreviations.items()
    }


def _dial(name: str, given: Any, default: Any) -> Dial:
    """What an abbreviation means, with the default as its start if it has one."""
    if isinstance(given, bool):
        return _starting(Dial(name, "switch", given, (False, True)), given, default)
    if isinstance(given, list) and given:
        return _starting(Dial(name, "choice", given[0], tuple(given)), given, default)
    if hasattr(given, "value") and hasattr(given, "observe"):
        return Dial(name, "widget", getattr(given, "value"), widget=given)  # noqa: B009
    if isinstance(given, tuple) and len(given) in (2, 3) and all(map(_number, given[:2])):
        return _starting(_slider(name, given), given, default)
    raise SbkitError(f"A dial is {RULE}; got {name}={given!r:.60}; try {name}={_nearest(given)}.")


def _slider(name: str, given: tuple[Any, ...]) -> Dial:
    low, high, *rest = given
    log = rest == ["log"]
    if not low < high or (log and low <= 0) or not (log or all(_number(step) and step > 0 for step in rest)):
        raise SbkitError(
            f"A slider is (low, high), (low, high, step) or (low, high, 'log') with low < high, above 0 if "
            f"'log'; got {name}={given!r}; try {name}=(1e-4, 1.0, 'log')."
        )
    if log:
        return Dial(name, "log", math.sqrt(low * high), (float(low), float(high)))
    if all(isinstance(end, int) for end in given):
        return Dial(name, "whole", (low + high) // 2, given)
    return Dial(name, "number", (low + high) / 2, tuple(map(float, given)))


def _starting(dial: Dial, given: Any, default: Any) -> Dial:
    """The dial at the lesson's default, or an `SbkitError` if it cannot stand there."""
    if default is MISSING:
        return dial
    if dial.kind == "switch":
        fits = isinstance(default, bool)
    elif dial.kind == "choice":
        fits = any(default is option or default == option for option in dial.options)
    else:
        whole = dial.kind != "whole" or isinstance(default, int)
        fits = _number(default) and whole and dial.options[0] <= default <= dial.options[1]
    if not fits:
        raise SbkitError(
            f"A dial starts at the lesson's default, {dial.name}={default!r}, and {given!r} does not hold "
            f"it; change one of them."
        )
    return Dial(dial.name, dial.kind, default, dial.options)


def abbreviated(dial: Dial) -> str:
    """What one writes for a dial, as Python text; `...` where that is a widget of one's own.

    >>> abbreviated(dials(lambda lr=0.1: None, {"lr": (1e-3, 1.0, "log")})["lr"])
    "(0.001, 1.0, 'log')"
    """
    if dial.kind in ("switch", "widget"):
        return "True" if dial.kind == "switch" else "..."
    ends = dial.options + (("log",) if dial.kind == "log" else ())
    return literal(list(ends) if dial.kind == "choice" else ends)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _nearest(given: Any) -> str:
    """What was probably meant."""
    if isinstance(given, tuple | set | dict | range) and given:
        return repr(list(given))[:60]
    return repr([given])[:60] if isinstance(given, int | float | str) else "[1, 2, 4]"


def twins(meant: Mapping[str, Dial], compare: str) -> dict[str, Dial]:
    """The same dials, but that of `compare` twice and first: for A as it was, for B `elsewhere`.

    Raises `SbkitError` if there is no such dial, or if it has one value only.
    """
    dial = meant[one_of("dial", compare, meant)]
    starts = {"A": dial.start, "B": elsewhere(dial)}
    both = [replace(dial, name=twin(compare, side), start=start) for side, start in starts.items()]
    return {twin.name: twin for twin in both} | {name: meant[name] for name in meant if name != compare}


def twin(name: str, side: str) -> str:
    """The name of a dial of one side: no argument is named so."""
    return f"{name} · {side}"


def argument(name: str) -> str:
    """The argument of the lesson that a dial stands for.

    >>> argument("optimizer · A"), argument("depth")
    ('optimizer', 'depth')
    """
    return name.partition(" · ")[0]


def elsewhere(dial: Dial) -> Any:
    """Another value of a dial, clearly different from its start.

    The first other option of a list; of a slider the value half way to its end that is further away, in
    logarithms on a log slider. Raises `SbkitError` where there is none, and on a widget.

    >>> elsewhere(Dial("depth", "whole", 2, (1, 8))), elsewhere(Dial("lr", "log", 0.02, (1e-3, 1.0)))
    (5, 0.14)
    """
    start = dial.start
    if dial.kind in ("choice", "switch", "widget"):
        others = [option for option in dial.options if option is not start and option != start]
        if not others:
            raise SbkitError(
                f"What is compared has a dial of two values or more, and no widget, got {dial.name} with "
                f"{start!r} alone; give {dial.name} a list of values or (low, high)."
            )
        return others[0]
    low, high, *step = dial.options
    if dial.kind == "log":
        far = max(low, high, key=lambda end: abs(math.log(end / start)))
        return float(f"{math.sqrt(far * start):.2g}")
    gap = max(low - start, high - start, key=abs)
    every = step[0] if step else 1 if dial.kind == "whole" else (high - low) / 100
    away = min(max(1, round(abs(gap) / 2 / every)) * every, abs(gap))
    value = start + math.copysign(away, gap)
    return round(value) if dial.kind == "whole" else float(f"{value:.6g}")


def places(dial: Dial, most: int = 9) -> list[Any]:
    """Values that show what a dial does: a choice's own, of a slider at most `most` from end to end.

    None of a widget of one's own.

    >>> places(Dial("depth", "whole", 2, (1, 8))), places(Dial("lr", "log", 0.1, (0.01, 1.0)), most=3)
    ([1, 2, 3, 4, 5, 6, 7, 8], [0.01, 0.1, 1.0])
    """
    if dial.kind in ("choice", "switch", "widget"):
        return list(dial.options)
    low, high, *step = dial.options
    if dial.kind == "whole":
        values = range(low, high + 1, step[0] if step else 1)
        return list(values[:: -(-len(values) // most)])
    between = np.geomspace if dial.kind == "log" else np.linspace
    return [float(f"{value:.3g}") for value in between(low, high, most)]


def widget_of(dial: Dial, at_once: bool) -> ipywidgets.DOMWidget:
    """The dial as an ipywidget that says whether it acts at once or restarts the run."""
    import ipywidgets

    widget = (
        dial.widget if dial.kind == "widget" else getattr(ipywidgets, CLASSES[dial.kind])(**_traits(dial))
    )
    about = {"description": say("dials", "at_once" if at_once else "restarts", name=dial.name)}
    tip = "tooltip" if widget.has_trait("tooltip") else "description_tooltip"
    about[tip] = say("dials", "acts" if at_once else "begins", name=dial.name)
    for name, text in about.items():
        if widget.has_trait(name) and not (dial.kind == "widget" and getattr(widget, name)):
            setattr(widget, name, text)
    return widget


def snapped(dial: Dial, widget: Any, old: Any, new: Any) -> bool:
    """Whether a slider only went from `old` to the nearest of its steps, as the page does by itself."""
    if dial.kind not in ("number", "log"):
        return False
    before, after = (math.log10(v) if dial.kind == "log" else v for v in (old, new))
    nearest = widget.min + round((before - widget.min) / widget.step) * widget.step
    return abs(after - nearest) < 1e-6 * widget.step


CLASSES = {
    "choice": "Dropdown",
    "whole": "IntSlider",
    "number": "FloatSlider",
    "log": "FloatLogSlider",
    "switch": "Checkbox",
}


def _traits(dial: Dial) -> dict[str, Any]:
    made: dict[str, Any] = {"value": dial.start, "style": {"description_width": "initial"}}
    if dial.kind == "choice":
        return made | {"options": [(str(option), option) for option in dial.options]}
    if dial.kind == "switch":
        return made | {"indent": False}
    low, high, *step = dial.options
    made |= {"continuous_update": True, "min": low, "max": high}
    if dial.kind == "log":
        ends = {"min": math.log10(low), "max": math.log10(high), "step": 0.05, "base": 10}
        return made | ends | {"readout_format": ".2g"}
    if dial.kind == "number":
        every = step[0] if step else (high - low) / 100
        return made | {"step": every, "readout_format": f".{max(0, math.ceil(-math.log10(every)))}f"}
    return made | ({"step": step[0]} if step else {})
