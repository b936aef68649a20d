"""However long a dial's name is, what is turned keeps its room, and no dial lies on another."""

import pytest
from browser.jupyter import Notebook, stage_of

pytestmark = pytest.mark.browser

PATH = "0-instruments/01-how-we-measure.ipynb"  # which no other test opens
SOURCE = """
import ipywidgets
import sbkit as sb

ARGUMENTS = {
    "a": (1, 8),
    "number_of_hidden_layers": (1, 8),
    "weight_decay_factor": (1e-4, 1.0, "log"),
    "größe_des_schrittes_in_millimetern": (0.0, 1.0),
    "学習率の大きさと重みの減衰の係数": (1e-4, 1.0, "log"),
    "w" * 60: (0.0, 1.0),
    "optimizer_of_the_outermost_loop": ["sgd", "a rather long name of a choice of this drop-down " * 2],
    "whether_layers_are_normalized_before_or_after_the_activation_": True,
    "text_of_ones_own_that_is_as_long_as_the_others": ipywidgets.Text("mine"),
}

def named(**values):
    return sb.Bars("b", "Bars", "y", ["a"], [1])

sb.lab(named, **ARGUMENTS)
"""
BOXES = """panel => [...panel.querySelectorAll(".widget-inline-hbox:not(.sb-stills *)")].map(dial => {
    const box = node => node && (({left, right, top, bottom, width}) =>
        ({left, right, top, bottom, width}))(node.getBoundingClientRect());
    const label = dial.querySelector(".widget-label-basic span") ?? dial.querySelector(".widget-label");
    return {
        dial: box(dial), label: dial.matches(".widget-checkbox") ? null : box(label),
        readout: box(dial.querySelector(".widget-readout")),
        turned: box(dial.querySelector(".noUi-target, .ui-slider, select, input")),
        clipped: box(dial.querySelector(".widget-label-basic")),
        name: label?.textContent, tip: label?.title || dial.title || label?.parentElement.title,
    };
})"""


def apart(one: dict, other: dict) -> bool:
    """Whether two boxes do not lie on each other."""
    beside = one["right"] <= other["left"] + 1 or other["right"] <= one["left"] + 1
    return beside or one["bottom"] <= other["top"] + 1 or other["bottom"] <= one["top"] + 1


@pytest.fixture(scope="module", params=["lab/tree", "notebooks"], ids=["lab", "notebook"])
def panel(request, address, browser):
    """A panel of dials with names of every length."""
    notebook = Notebook(browser, address, PATH, app=request.param)
    cell = notebook.insert_below(notebook.cell("import sbkit as sb"))
    notebook.write(cell, SOURCE.strip())
    stage_of(notebook, cell)
    cell.get_by_role("button", name="More").click()
    yield notebook.page, cell.locator(".sb-panel"), request.param.partition("/")[0]
    notebook.page.close()


@pytest.mark.parametrize("width", [1920, 1366, 683, 360])
def test_names_leave_room_for_what_is_turned(panel, width):
    page, root, app = panel
    if app == "lab" and width < 683:
        pytest.skip("JupyterLab with its file browser leaves no room for a notebook at all")
    page.set_viewport_size({"width": width, "height": 900})
    root.scroll_into_view_if_needed()
    root.screenshot(path=f"artefacts/31-names-{app}-{width}.png")
    inside = root.bounding_box()
    boxes = root.evaluate(BOXES)
    assert len(boxes) == 9
    for k, one in enumerate(boxes):
        least = 12 if "whether" in one["name"] else 60
        assert one["turned"]["width"] >= least, one
        assert one["dial"]["right"] <= inside["x"] + inside["width"] + 1, one
        assert one["tip"] and one["tip"].split(":")[0] in one["name"], one
        parts = [one[part] for part in ("label", "turned", "readout") if one[part]]
        assert all(apart(a, b) for i, a in enumerate(parts) for b in parts[:i]), one
        inner = [*parts, one["clipped"] or one["turned"]]
        assert all(part["right"] <= one["dial"]["right"] + 1 for part in inner), one
        assert all(apart(one["dial"], other["dial"]) for other in boxes[:k]), one
