"""Which pictures are drawn of a history of snapshots, and what their captions add."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from sbkit.core import Snapshot, registries
from sbkit.plots.bands import left_out
from sbkit.plots.shapes import Description, Field, Lines
from sbkit.plots.standard import plain
from sbkit.plots.words import say

History = Sequence[Snapshot]


def pictures(history: History, moving: bool = False, first: Snapshot | None = None) -> list[Description]:
    """All that can be drawn of a history: fields first, then loss and accuracy, then measures.

    A value stands at the step at which it was measured, in curves; other pictures of an earlier one say so.
    history: [latest] for a live frame, all snapshots for a still one. moving: the look was a glance at
    a sample of the rows, and captions say so. first: of the run; a plot registered with `first=True` gets
    it before a live frame's snapshot. A measure without a plot of its name gets a plain one, a map over a
    plane that of `boundary`; the caption of the loss names those that have none.
    """
    names = ["loss", "accuracy", *(name for name in history[-1].values if name not in ("loss", "accuracy"))]
    drawn = {name: picture for name in names if (picture := _draw(name, history, first))}
    for name, picture in drawn.items():
        untold = _untold(history, drawn) if name == "loss" else ""
        drawn[name] = _with_rows(_plot_of(name, history[-1]), picture, history, moving, untold)
    return sorted(drawn.values(), key=lambda picture: not isinstance(picture, Field))  # stable


def _plot_of(name: str, snapshot: Snapshot) -> str:
    """The registered plot that draws a value; "" if none does.

    It draws what the registered measure of its name gave, not what a function of the same name did.
    """
    measure = snapshot.measures.get(name, name)
    of = measure or ("" if name in registries.measure else name)
    if of in registries.plot:
        return registries.plot.of(
            registries.plot[of]
        )  # a plot may have several names; it reads the value of its first
    return "boundary" if hasattr(snapshot.values.get(name), "plane") else ""


def _draw(name: str, history: History, first: Snapshot | None) -> Description | None:
    of = _plot_of(name, history[-1])
    if of and first and registries.plot.about[of].first:
        history = [first, *history]
    history = list({seen.step: seen for seen in (snapshot.of(name) for snapshot in history)}.values())
    if not of:
        return plain(name, history)
    if of == name or name not in history[-1].values:
        return registries.plot[of](history)
    seen = [dataclasses.replace(s, values={**s.values, of: s.values[name]}) for s in history]
    picture = registries.plot[of](seen)
    told = name.removeprefix(f"{of} ")  # which of several, by its arguments
    title = name.replace("_", " ") if told == name else f"{picture.title}: {told}" if picture else ""
    return dataclasses.replace(picture, name=name, title=title) if picture else None


def _untold(history: History, drawn: Iterable[str]) -> str:
    """The measures that no picture shows, as a sentence; empty where all have one, or nothing to show."""
    beside = [name for about in registries.measure.about.values() for name in about.beside]
    names = [name for name in history[-1].values if name not in drawn and name not in beside]
    return say("captions", "no_picture", names=", ".join(names)) if names else ""


def _with_rows(of: str, picture: Description, history: History, moving: bool, more: str) -> Description:
    """The same picture, its caption completed by what the rows were and which runs are missing."""
    caption = picture.caption + more
    if registries.plot.about[of].rows:
        if moving:
            caption += say("captions", "sample")
        elif isinstance(picture, Lines) and picture.grows and history[0].rows < history[-1].rows:
            caption += say("captions", "earlier_sample", rows=history[0].rows)
    latest = history[-1].of(picture.name)
    if latest.step < history[-1].step and not (isinstance(picture, Lines) and picture.grows):
        caption += say("captions", "earlier_step", step=f"{latest.step:,}")
    return dataclasses.replace(picture, caption=caption + left_out(history[-1]))
