"""Pictures of snapshots: described here, drawn live by the stage, else by plotly or matplotlib."""

from sbkit.plots.drawing import pictures
from sbkit.plots.paired import paired
from sbkit.plots.shapes import Axis, Bars, Description, Field, Line, Lines, Mark
from sbkit.plots.tables import bands, empty, tiles, where

__all__ = ["Axis", "Bars", "Description", "Field", "Line", "Lines", "Mark", "bands", "empty"]
__all__ += ["paired", "pictures", "tiles", "where"]
