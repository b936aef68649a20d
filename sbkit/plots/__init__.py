"""Pictures of snapshots: described here, drawn live by the stage, else by plotly or matplotlib."""

from sbkit.plots.drawing import pictures
from sbkit.plots.images import Images
from sbkit.plots.paired import paired
from sbkit.plots.parts import Axis, Mark
from sbkit.plots.shapes import Bars, Description, Field, Line, Lines, Scatter
from sbkit.plots.tables import bands, empty, tiles, where

__all__ = ["Axis", "Bars", "Description", "Field", "Images", "Line", "Lines", "Mark", "Scatter"]
__all__ += ["bands", "empty", "paired", "pictures", "tiles", "where"]
