"""From abbreviations to dials: `[3, 5, 7]`, `(1, 8)`, `(0.0, 1.0)`, `(1e-4, 1.0, "log")`, `True`, widgets."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from sbkit.core import SbkitError, distinct, one_of, same
from sbkit.lab.pen import Pen
from sbkit.training.signature import MISSING, Lesson, Signature

RULE = 'a list, (1, 8), (0.0, 1.0), (1e-4, 1.0, "log"), True, False or a widget'
FEW = 12  # values that are advised as a list


@dataclass(frozen=True)
class Dial:
    """One control: the argument it sets, what it looks like, where it starts, and its range."""

    name: str
    control: Literal["choice", "whole", "number", "log", "switch", "widget"]
    start: Any
    options: tuple[Any, ...] = ()  # what a choice offers; a slider's low, high and perhaps step
    widget: Any = None

    @property
    def slides(self) -> bool:
        """Whether it goes from low to high."""
        return self.control in ("whole", "number", "log")


def unboxed(value: Any) -> Any:
    """A number or truth value of NumPy as Python's own; everything else as it is."""
    return value.item() if isinstance(value, np.number | np.bool_) else value


def shown(value: Any) -> str:
    """A value as a sentence shows it, in one line."""
    text = " ".join(repr(unboxed(value)).split())
    return text if len(text) <= 60 else f"{text[:59]}…"


def number(value: Any) -> bool:
    """Whether a value is a number, NumPy's too, and no truth value."""
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def finite(value: Any) -> bool:
    """Whether a value is a number that a slider can stand at."""
    return number(value) and math.isfinite(value)


def place(options: Sequence[Any], value: Any) -> int | None:
    """Where a value stands among options: the very object first, then an equal one of its type, then any.

    >>> place([1, True, 1.0], True), place([1.0, 2.0], 1), place([0], False)
    (1, 0, None)
    """
    equal = [k for k, option in enumerate(options) if same(option, value)]
    order = {k: (options[k] is not value, type(options[k]) is not type(value)) for k in equal}
    return min(equal, key=order.__getitem__, default=None)


def dials(lesson: Lesson | Signature, abbreviations: Mapping[str, Any]) -> dict[str, Dial]:
    """The dials of a lesson, each starting at the lesson's own default. Loads no widgets.

    Raises `SbkitError` on a name that the lesson does not take, an abbreviation that means nothing, a
    default that the dial does not have, and a widget that is to be two dials.

    >>> dials(lambda depth=2: None, {"depth": (1, 8)})["depth"]
    Dial(name='depth', control='whole', start=2, options=(1, 8), widget=None)
    """
    signature = Signature.of(lesson)
    signature.names(abbreviations)
    made = {name: _dial(signature, name, given) for name, given in abbreviations.items()}
    owners: dict[int, str] = {}
    for name, dial in made.items():
        other = owners.setdefault(id(dial.widget), name) if dial.control == "widget" else name
        if other != name:
            raise SbkitError(
                f"A widget is one dial, got the same for {other} and {name}; give {name} its own."
            )
    return made


def _dial(signature: Signature, name: str, given: Any) -> Dial:
    """What an abbreviation means; if nothing, an `SbkitError` with the nearest one that works."""
    default = signature.defaults.get(name, MISSING)
    try:
        return _meant(name, given, default)
    except SbkitError as error:
        raise SbkitError(f"{error}; {_advice(signature, name, given, default)}.") from None


def _meant(name: str, given: Any, default: Any) -> Dial:
    """The dial of an abbreviation, at the default if there is one."""
    if hasattr(given, "value") and hasattr(given, "observe"):
        return Dial(name, "widget", given.value, widget=given)
    if isinstance(given, bool | np.bool_):
        dial = Dial(name, "switch", bool(given), (False, True))
    elif isinstance(given, list) and given:
        dial = Dial(name, "choice", given[0], tuple(given))
    elif isinstance(given, tuple) and len(given) in (2, 3) and all(map(finite, given[:2])):
        dial = _slider(name, tuple(map(unboxed, given)))
    else:
        raise SbkitError(f"A dial is {RULE}; got {name}={shown(given)}")
    if default is MISSING:
        return dial
    if not (starts := _starts(dial, default)):
        rule = f"A dial starts at the lesson's default, {name}={shown(default)}"
        raise SbkitError(f"{rule}, and {shown(given)} does not hold it")
    return replace(dial, start=starts[0])


def _slider(name: str, given: tuple[Any, ...]) -> Dial:
    low, high, *rest = given
    log = rest == ["log"]
    if not low < high or (log and low <= 0) or not (log or all(finite(step) and step > 0 for step in rest)):
        raise SbkitError(
            f"A slider is (low, high), (low, high, step) or (low, high, 'log') with low < high, above 0 if "
            f"'log'; got {name}={shown(given)}"
        )
    if log:
        return Dial(name, "log", math.sqrt(low) * math.sqrt(high), (float(low), float(high)))
    if all(isinstance(part, int) for part in given):
        step = rest[0] if rest else 1
        return Dial(name, "whole", low + (high - low) // 2 // step * step, given)
    return Dial(name, "number", low / 2 + high / 2, tuple(map(float, given)))


def _starts(dial: Dial, default: Any) -> list[Any]:
    """The lesson's default as the dial has it; empty if it cannot stand there."""
    if not dial.slides:
        at = place(dial.options, default)
        return [] if at is None else [dial.options[at]]
    low, high, *_ = dial.options
    start = unboxed(default)
    whole = dial.control != "whole" or isinstance(start, int)
    return [start] if finite(start) and whole and low <= start <= high else []


def _advice(signature: Signature, name: str, given: Any, default: Any) -> str:
    """What to do instead: the likeliest dial that works and can be written down."""
    for near in _nearest(given, [] if default is MISSING else [default]):
        pen = Pen(signature.lesson)
        text = pen.value(name, near)
        if len(text) <= 100 and not (pen.notes or pen.imports):
            with suppress(SbkitError):
                _meant(name, near, default)
                return f"try {name}={text}"
    return "change one of them"


def _nearest(given: Any, start: list[Any]) -> Iterator[Any]:
    """Dials that may have been meant, likeliest first; start: the default that they have to hold, if any."""
    given = given.tolist() if hasattr(given, "tolist") else given  # arrays, tensors, series
    several = [given]
    if not isinstance(given, str | bytes) and hasattr(given, "__len__") and hasattr(given, "__iter__"):
        several = list(given.values() if isinstance(given, Mapping) else given)
    several = sorted(several, key=str) if isinstance(given, set | frozenset) else several
    ends, step = several, []
    if tupled := isinstance(given, tuple) and len(given) in (2, 3):
        ends, step = several[:2], several[2:]
    if (tupled or len(several) > FEW) and all(map(finite, ends)):
        held = [unboxed(end) for end in (*ends, *start) if finite(end)]
        low, high = min(held), max(held)
        if any(isinstance(part, str) for part in step):
            yield float(low if low > 0 else high / 1e4), float(high), "log"
        yield from [(low, high, *step), (low, high), (float(low), float(high))]
    some = distinct(map(unboxed, several))[:FEW]
    yield from (some, [*start, *some], [*start], [1, 2, 4])


def abbreviated(dial: Dial, pen: Pen | None = None) -> str:
    """What one writes for a dial, as Python text; `...` for a widget of the caller's own.

    >>> abbreviated(dials(lambda lr=0.1: None, {"lr": (1e-3, 1.0, "log")})["lr"])
    "(0.001, 1.0, 'log')"
    """
    if dial.control == "widget":
        return "..."
    given = {"switch": True, "choice": list(dial.options), "log": (*dial.options, "log")}
    return (pen or Pen(len)).value(argument(dial.name), given.get(dial.control, dial.options))


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


def acts_on(name: str, side: str) -> bool:
    """Whether a dial is one of this side, or of both."""
    return name in (argument(name), twin(argument(name), side))


def elsewhere(dial: Dial) -> Any:
    """Another value of a dial, clearly different from its start.

    The first other option of a list; on a slider the place half way to the end that is further away. Raises
    `SbkitError` where there is none, and on a widget.

    >>> elsewhere(Dial("depth", "whole", 2, (1, 8))), elsewhere(Dial("lr", "log", 0.1, (1e-3, 1.0)))
    (5, 0.0133)
    """
    options = places(dial)
    others = [option for option in options if option is not dial.start]
    if not others:
        raise SbkitError(
            f"What is compared has a dial of two values or more, and no widget, got {dial.name} with "
            f"{shown(dial.start)} alone; give {dial.name} a list of values or (low, high)."
        )
    if not dial.slides:
        return others[0]
    here = min(int(np.searchsorted(options, dial.start)), len(options) - 1)
    far = len(options) - 1 if 2 * here < len(options) - 1 else 0
    return options[(here + far + (far > here)) // 2]


def places(dial: Dial, most: int = 9) -> list[Any]:
    """Values that show what a dial does: all that a choice offers, at most `most` places of a slider.

    A widget of the caller's own has none.

    >>> places(Dial("depth", "whole", 2, (1, 8))), places(Dial("lr", "log", 0.1, (0.01, 1.0)), most=3)
    ([1, 2, 3, 4, 5, 6, 7, 8], [0.01, 0.1, 1.0])
    """
    if not dial.slides:
        return list(dial.options)
    low, high, *step = dial.options
    if dial.control == "whole" or step:
        every = step[0] if step else 1
        count = int((high - low) / every + 1e-9) + 1
        values = [low + k * every for k in range(0, count, -(-count // most))]
    else:
        values = (np.geomspace if dial.control == "log" else np.linspace)(low, high, most)
    tidy = "{:.3g}" if dial.control == "log" else "{:.6g}"
    return [v if isinstance(v, int) else min(max(float(tidy.format(v)), low), high) for v in values]
