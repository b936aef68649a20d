"""Dials as ipywidgets."""

from __future__ import annotations

import math
from typing import Any

import ipywidgets
import traitlets

from sbkit.lab.dials import Dial, place
from sbkit.lab.labels import labels
from sbkit.plots.words import say


class Very(traitlets.Any):
    """A trait that changes whenever it gets another object, equal or not."""

    def set(self, obj: Any, value: Any) -> None:
        """Keep the value, and tell of it unless it is the very same."""
        old, new = obj._trait_values.get(self.name), self._validate(obj, value)
        obj._trait_values[self.name] = new
        if new is not old:
            obj._notify_trait(self.name, old, new)


class Choice(ipywidgets.Dropdown):
    """A drop-down whose options are told apart by what they are: 1, True and 1.0, arrays, NaN, lambdas."""

    value = Very(None, allow_none=True)

    @traitlets.validate("value")
    def _validate_value(self, proposal: Any) -> Any:
        at = place(self._options_values, proposal.value)
        if at is None:
            raise traitlets.TraitError("Invalid selection: value not found")
        return self._options_values[at]

    @traitlets.observe("value")
    def _propagate_value(self, change: Any) -> None:
        if self.index is None or self._options_values[self.index] is not change.new:
            self.index = place(self._options_values, change.new)


def widget_of(dial: Dial, at_once: bool) -> ipywidgets.DOMWidget:
    """The dial as an ipywidget that says whether it acts at once or restarts the run."""
    widget = _made(dial) if dial.widget is None else dial.widget
    tell(dial, widget, at_once, anew=widget is not dial.widget)
    return widget


def tell(dial: Dial, widget: ipywidgets.Widget, at_once: bool, anew: bool = True) -> None:
    """Write on a widget how it acts; unless `anew`, only where nothing is written yet."""
    if not widget.has_trait("description"):
        return  # ipywidgets cannot show a tooltip without one
    about = {"description": say("dials", "at_once" if at_once else "restarts", name=dial.name)}
    tip = "tooltip" if widget.has_trait("tooltip") else "description_tooltip"
    about[tip] = say("dials", "acts" if at_once else "begins", name=dial.name)
    for name, text in about.items():
        if widget.has_trait(name) and (anew or not getattr(widget, name)):
            setattr(widget, name, text)


def snapped(dial: Dial, widget: Any, old: Any, new: Any) -> bool:
    """Whether a slider only went from `old` to the nearest of its steps, as the page does by itself."""
    if not dial.slides:
        return False
    before, after = (
        ((math.log10(v) if dial.control == "log" else v) - widget.min) / widget.step for v in (old, new)
    )  # in steps from the lower end
    stood, stands = (abs(at - round(at)) < 1e-6 for at in (before, after))
    return after == before or (not stood and stands and abs(after - before) < 0.5 + 1e-6)


def _made(dial: Dial) -> ipywidgets.DOMWidget:
    given: dict[str, Any] = {"value": dial.start, "style": {"description_width": "initial"}}
    if dial.control == "choice":
        named = list(zip(labels(dial.options), dial.options, strict=True))
        return Choice(options=named, index=place(dial.options, dial.start), **given)
    if dial.control == "switch":
        return ipywidgets.Checkbox(indent=False, **given)
    low, high, *step = dial.options
    if dial.control == "log":
        ends = {"min": math.log10(low), "max": math.log10(high), "step": 0.05}
        return ipywidgets.FloatLogSlider(**ends, base=10, readout_format=".2g", **given)
    if dial.control == "whole":
        return ipywidgets.IntSlider(min=low, max=high, step=step[0] if step else 1, **given)
    every = step[0] if step else high / 100 - low / 100
    digits = min(20, max(0, math.ceil(-math.log10(every))))
    return ipywidgets.FloatSlider(min=low, max=high, step=every, readout_format=f".{digits}f", **given)
