"""Rows of one's own, from a CSV file to the panel."""

import re

import pytest
from browser.jupyter import Stage
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

OWN = """
import numpy as np
import pandas as pd

y = np.arange(400) % 2
numbers = np.random.default_rng(0).normal(size=(400, 3)) * [10, 1, 5] + np.c_[170 + 40 * y, y, 50 + 0 * y]
pd.DataFrame(numbers, columns=["height", "shade", "age"]).assign(kind=np.where(y, "cat", "Bird")).to_csv(
    "animals.csv", index=False)

def animals(depth=1, seed=0):
    task = sb.data.table("animals.csv", "kind", standardize=True)
    fleet = sb.mlp(task, depth=depth, width=16, runs=4, seed=seed)
    return sb.fit(fleet, task, batch=64, stop=None, measure=["boundary", "reliance", "kinds", "spectrum"])

sb.lab(animals, depth=(1, 4))
"""


def test_own_columns_in_the_panel(lesson):
    """The axes of the boundary carry their names and units, the bars of reliance their names."""
    lesson.ask(OWN)
    stage = Stage(lesson.scratch.locator(".sb-stage"))
    stage.wait("frames", "n >= 1")
    stage.speed.select_option("slow")
    stage.train()
    stage.pause()
    expect(stage.root.locator("canvas")).to_have_count(5)
    cards = stage.root.locator(".sb-card")
    field = cards.filter(has_text="Decision boundary")
    expect(field.locator("canvas")).to_have_attribute("aria-label", re.compile("over height and shade"))
    stage.press("Data")
    bars = stage.root.get_by_role("region", name="Data of Feature reliance")
    expect(bars.locator("tbody th")).to_have_text(["height", "shade", "age"])
    field.scroll_into_view_if_needed()
    lesson.notebook.picture("10-own-data")
    ours = [text for text in lesson.notebook.errors if "Failed to load resource: net::" not in text]
    assert not ours, "\n".join(ours)
