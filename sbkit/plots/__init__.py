"""Pictures of snapshots: described here, drawn live by the stage and standing still by plotly."""

from sbkit.plots.drawing import pictures
from sbkit.plots.paired import paired
from sbkit.plots.shapes import Axis, Bars, Description, Field, Line, Lines, Mark
from sbkit.plots.tables import bands, cells, empty, where

__all__ = ["Axis", "Bars", "Description", "Field", "Line", "Lines", "Mark", "bands", "cells"]
__all__ += ["empty", "paired", "pictures", "where"]
