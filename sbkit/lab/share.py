"""The dials' values as one short text, as in a web address, and back; nothing in it is ever run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from sbkit.core import SbkitError, between, one_of, same
from sbkit.lab.dials import Dial, abbreviated, argument, place, unboxed
from sbkit.lab.labels import label, labels, told_apart
from sbkit.lab.pen import Pen
from sbkit.lab.session import Session
from sbkit.training.signature import Lesson, Signature

LONGEST = 2000  # characters of a text
LARGEST = 10**18  # of a whole number without a dial: what torch takes as a seed
WHOLE = re.compile(r"[-+]?\d{1,18}", re.ASCII)
NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?", re.ASCII | re.IGNORECASE)
READ_AS: dict[type, str] = {bool: "switch", int: "whole", float: "number", str: "text"}  # values of a widget

Start = str | Mapping[str, Any] | None


def share(session: Session, dials: Mapping[str, Dial]) -> str:
    """The present values of the dials as a URL query, and arguments such as seed that were counted up.

    Raises `SbkitError` on what `started` would not take: a widget whose value is not simple, a text that is
    too long.

    >>> from sbkit.lab.dials import dials
    >>> from sbkit.lab.session import Session
    >>> from sbkit.plots import Bars
    >>> def lesson(depth=2, name="a"):
    ...     return Bars("b", "Bars", "depth", [name], [depth])
    >>> share(Session(lesson, {"depth": 3}), dials(lesson, {"depth": (1, 8)}))
    'depth=3'
    """
    usual = session.signature.defaults
    kept = {n: value for n, value in session.values.items() if n in dials or not same(value, usual.get(n))}
    text = urlencode({name: _told(dials.get(name), value) for name, value in kept.items()})
    _values(session.lesson, dials, text)
    return text


def link(session: Session, dials: Mapping[str, Dial]) -> str:
    """The shared text and the call of `sb.lab` that takes it, as Python text."""
    pen = Pen(session.lesson)
    given = {"compare": repr(session.compare)} if session.compare else {}
    for name, dial in dials.items():
        given[argument(name)] = abbreviated(dial, pen)
    call = ", ".join([pen.called(), "start=start", *(f"{name}={text}" for name, text in given.items())])
    return pen.page(f'start = "{share(session, dials)}"', f"sb.lab({call})")


def started(
    lesson: Lesson | Signature, dials: Mapping[str, Dial], start: Start
) -> tuple[dict[str, Dial], dict[str, Any]]:
    """The dials where `start` puts them, and the values that the lesson is called with.

    start: a text that `share` made, alone, after a "?" or in a whole address, or {name: value}. Arguments
    without a dial may be given too if their default is a whole number of at least 0. Raises `SbkitError` on
    an unknown or repeated name, or a value that the dial does not have; then nothing has moved.

    >>> from sbkit.lab.dials import dials
    >>> lesson = lambda depth=2, seed=0: None
    >>> started(lesson, dials(lesson, {"depth": (1, 8)}), "?depth=3&seed=8")[1]
    {'depth': 3, 'seed': 8}
    """
    values = _values(lesson, dials, start)
    for name in [name for name in values if name in dials and dials[name].control == "widget"]:
        _place(dials[name], values[name])
    moved = {name: replace(dial, start=values.get(name, dial.start)) for name, dial in dials.items()}
    return moved, {name: dial.start for name, dial in moved.items()} | values


def _values(lesson: Lesson | Signature, dials: Mapping[str, Dial], start: Start) -> dict[str, Any]:
    """The values by name that `start` gives, each of its dial's type and range."""
    signature, dialled = Signature.of(lesson), {argument(name) for name in dials}
    usual = {name: signature.defaults.get(name) for name in signature.names(dialled) if name not in dialled}
    counts = {name: n for name, n in usual.items() if type(n) is int and n >= 0}
    counted = {name: Dial(name, "whole", n, (0, LARGEST)) for name, n in counts.items()}
    known, what = {**dials, **counted}, f"dial or whole-number argument of {signature.name}"
    given, exact = _given(start), isinstance(start, Mapping)
    return {name: _value(known[one_of(what, name, known)], value, exact) for name, value in given.items()}


def _text(value: Any) -> str:
    value = unboxed(value)
    return str(value).lower() if isinstance(value, bool) else label(value)


def _choices(dial: Dial) -> list[str]:
    """The options of a list as texts, all different."""
    named = zip(dial.options, labels(dial.options), strict=True)
    return told_apart(_text(o) if isinstance(unboxed(o), bool) else text for o, text in named)


def _told(dial: Dial | None, value: Any) -> str:
    """The text that `_value` reads as this value."""
    at = place(dial.options, value) if dial is not None and dial.control == "choice" else None
    return _text(value) if dial is None or at is None else _choices(dial)[at]


def _given(start: Start) -> dict[str, Any]:
    """The parts of `start` by name; those of a text remain text."""
    if start is None or isinstance(start, Mapping):
        return dict(start or {})
    if not isinstance(start, str) or len(start) > LONGEST:
        got = f"{len(start):,} characters" if isinstance(start, str) else f"{start!r:.60}"
        words = f"start is a text of at most {LONGEST:,} characters or a mapping"
        raise SbkitError(f"{words}, got {got}; try 'depth=3'.")
    query = start.strip().partition("#")[0].rpartition("?")[2]
    try:
        parts = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query), errors="strict")
    except ValueError as error:
        words = f"start is written name=value&name=value, got {start[:60]!r}"
        raise SbkitError(f"{words}; copy the whole text, or press Show code for a fresh one.") from error
    names = [name for name, _ in parts]
    if twice := [name for name in names if names.count(name) > 1]:
        raise SbkitError(f"start gives every name once, got {twice[0]!r} twice; keep one of them.")
    return dict(parts)


def _value(dial: Dial, given: Any, exact: bool) -> Any:
    """The value of this dial that a text stands for; if `exact`, `given` may also be the value itself."""
    control = READ_AS.get(type(dial.widget.value)) if dial.control == "widget" else dial.control
    text, like = _text(given), place(dial.options, given) if exact else None
    if control == "choice":
        texts = _choices(dial)
        at = texts.index(one_of(f"choice of {dial.name}", text, texts)) if like is None else like
        return dial.options[at]
    if control == "switch":
        return one_of(f"value of {dial.name}", text, ["true", "false"]) == "true"
    if control == "text":
        return text
    if control is None:
        words = "A widget is shared if its value is a number, a switch or a text"
        value = f"{dial.name}={dial.widget.value!r:.60}"
        raise SbkitError(f"{words}, got {value}; try a list of choices for {dial.name}.")
    pattern, number, what = (WHOLE, int, "whole number") if control == "whole" else (NUMBER, float, "number")
    if not pattern.fullmatch(text):
        raise SbkitError(f"{dial.name} is a {what}, got {text!r:.60}; try {dial.name}={dial.start}.")
    value = number(text)
    if dial.options:
        slack = 1e-9 if dial.control == "log" else 0  # the page rounds the ends of a log slider
        between(dial.name, value, dial.options[0] * (1 - slack), dial.options[1] * (1 + slack))
    return value


def _place(dial: Dial, value: Any) -> None:
    """Move a widget of the caller's own; an `SbkitError` if it does not take the value as it is."""
    from traitlets import TraitError

    before = dial.widget.value
    try:
        dial.widget.value = value
    except (TraitError, ValueError):
        pass  # told below
    if not same(dial.widget.value, value):
        dial.widget.value = before
        raise SbkitError(f"The widget of {dial.name} does not take {value!r}; try {dial.name}={before}.")
