"""Is this machine ready for the course?"""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

import torch

from sbkit.core.environment import headless, stills_wanted, unknown_variables

# What shows and trains, with the floors of pyproject.toml (a test holds them together).
FLOORS = {"torch": "2.6", "ipywidgets": "7.7.1", "anywidget": "0.9.13", "plotly": "5.24"}


class Report(list[str]):
    """Lines of text, ✓ or ✗ before each; shown one a line."""

    def __repr__(self) -> str:
        return "\n".join(self)


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split("+")[0].split(".") if part.isdigit()]


def _package(name: str, floor: str) -> str:
    try:
        found = version(name)
    except PackageNotFoundError:
        return f"✗ {name} is missing: pip install '{name}>={floor}'"
    if _numbers(found) < _numbers(floor):
        return f"✗ {name} {found} is older than {floor}: pip install -U '{name}>={floor}'"
    return f"✓ {name} {found}"


def self_check() -> Report:
    """Whether this machine is ready for the course, a line each: Python, packages, device, renderer.

    >>> self_check()[0].startswith("✓ Python 3")
    True
    """
    gpu = torch.cuda.is_available()
    device = f"GPU {torch.cuda.get_device_name()}" if gpu else f"CPU, {torch.get_num_threads()} threads"
    live = "still pictures (SBKIT_STAGE is stills)" if stills_wanted() else "live panels, drawn by the stage"
    lines = [f"✓ Python {platform.python_version()}"]
    lines += [_package(name, floor) for name, floor in FLOORS.items()]
    lines += [f"✓ Device: {device}; nothing here needs more"]
    lines += [f"✓ Renderer: {'stills (SBKIT_HEADLESS is set)' if headless() else live}"]
    return Report(lines + [f"✗ {told}" for told in unknown_variables()])
