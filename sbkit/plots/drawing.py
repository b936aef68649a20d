"""Which pictures are drawn of a history of snapshots, and what their captions add."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sbkit.core import SbkitError, Snapshot
from sbkit.core.registries import measure, plot
from sbkit.plots.bands import left_out
from sbkit.plots.shapes import Description, Field, Lines
from sbkit.plots.standard import by_shape
from sbkit.plots.words import say

History = Sequence[Snapshot]


def pictures(history: History, moving: bool = False, first: Snapshot | None = None) -> list[Description]:
    """All that can be drawn of a history: the measures, as they were named, then loss and accuracy.

    A value stands at the step at which it was measured, in curves; other pictures of an earlier one say so.
    history: [latest] for a live frame, else all snapshots. moving: the latest is a glance, at a sample of
    the rows, and captions say so. first: the run's first snapshot; a plot registered with `first=True` gets
    it before a live frame's. A measure without a plot of its name gets the one that draws what its values
    carry, or one by their shape; the caption of the loss names those that have none.
    """
    names = list(dict.fromkeys([*history[-1].values, "loss", "accuracy"]))
    drawn = {name: picture for name in names if (picture := _draw(name, history, first))}
    drawn["loss"] = replace(drawn["loss"], caption=drawn["loss"].caption + _untold(history, drawn))
    return [_with_rows(name, picture, history, moving) for name, picture in drawn.items()]


def _plot_of(name: str, snapshot: Snapshot) -> str:
    """The registered plot that draws a value; "" if none does.

    It draws what the registered measure of its name gave, not what a function of the same name did.
    """
    of = snapshot.measures.get(name, name) or ("" if name in measure else name)
    if of in plot:
        return plot.of(plot[of])  # a plot may have several names; it reads the value of its first
    value = snapshot.values.get(name)
    return next((one for one in plot if plot.about[one].draws and hasattr(value, plot.about[one].draws)), "")


def _draw(name: str, history: History, first: Snapshot | None) -> Description | None:
    of = _plot_of(name, history[-1])
    if of and first and plot.about[of].first:
        history = [first, *history]
    history = list({seen.step: seen for seen in (snapshot.of(name) for snapshot in history)}.values())
    if not of:
        return by_shape(name, history)
    if of == name or name not in history[-1].values:
        return _asked(of, history)
    picture = _asked(of, [replace(seen, values={**seen.values, of: seen.values[name]}) for seen in history])
    told = name.removeprefix(f"{of} ")  # which of several, by its arguments
    title = name.replace("_", " ") if told == name else f"{picture.title}: {told}" if picture else ""
    return replace(picture, name=name, title=title) if picture else None


def _asked(name: str, history: History) -> Description | None:
    """The picture that a registered plot gives, or an `SbkitError` if it is none."""
    picture = plot[name](history)
    if picture is not None and not isinstance(picture, Description):
        got = f"a {type(picture).__name__} of {name!r}"
        raise SbkitError(f"A plot returns Field, Lines, Bars or None, got {got}; try return None.")
    return picture


def _untold(history: History, drawn: Iterable[str]) -> str:
    """The measures that no picture shows, as a sentence; empty where all have one, or nothing to show."""
    beside = [name for about in measure.about.values() for name in about.beside]
    names = [name for name in history[-1].values if name not in drawn and name not in beside]
    return say("captions", "no_picture", names=", ".join(names)) if names else ""


def _with_rows(name: str, picture: Description, history: History, moving: bool) -> Description:
    """The same picture, its caption completed by what the rows were and which runs are missing."""
    caption, latest, grows = picture.caption, history[-1], isinstance(picture, Lines) and picture.grows
    if plot.about[_plot_of(name, latest)].rows:
        if moving:
            caption += say("captions", "sample")
        elif grows and history[0].rows < latest.rows:
            caption += say("captions", "earlier_sample", rows=history[0].rows)
    seen = latest.of(name)
    if seen.step < latest.step and not grows:
        caption += say("captions", "earlier_step", step=f"{seen.step:,}")
    return replace(picture, caption=caption + left_out(latest))
