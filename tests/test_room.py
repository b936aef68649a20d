"""The settings in docs/room parse, and name only what there is; the guide names them all."""

import ast
import re
from pathlib import Path

import nbformat
import pytest
import yaml
from traitlets.config import PyFileConfigLoader

from sbkit.core.environment import memory_allowed, seconds_allowed

ROOT = Path(__file__).parents[1]
ROOM = ROOT / "docs" / "room"
LESSONS = sorted((ROOT / "notebooks").glob("*/*.ipynb"))
# What the two hubs take, as their own default files name it (read 2026-11).
TLJH = {
    "limits": {"memory", "cpu"},
    "services": {"cull": {"enabled", "timeout", "every"}},
    "user_environment": {"default_app"},
}
ZERO = {
    "singleuser": {
        "image": {"name", "tag"},
        "memory": {"guarantee", "limit"},
        "cpu": {"guarantee", "limit"},
        "storage": {"capacity"},
        "defaultUrl": None,
        "extraEnv": {"SBKIT_MAX_SECONDS", "SBKIT_MAX_MEMORY", "SBKIT_IDLE_SECONDS"},
    },
    "cull": {"enabled", "timeout", "every"},
}


def settings(name: str):
    """What a Python file of settings sets."""
    return PyFileConfigLoader(name, path=str(ROOM)).load_config()


def unknown(given, known, path=""):
    """Names in `given` that `known` does not have."""
    if not isinstance(given, dict) or known is None:
        return []
    inner = known if isinstance(known, dict) else dict.fromkeys(known)
    wrong = [f"{path}{name}" for name in given if name not in inner]
    return wrong + [
        part
        for name in given
        if name in inner
        for part in unknown(given[name], inner[name], f"{path}{name}.")
    ]


@pytest.mark.parametrize(("file", "known"), [("tljh.yaml", TLJH), ("zero-to-jupyterhub.yaml", ZERO)])
def test_a_hub_is_told_nothing_that_it_does_not_know(file, known):
    given = yaml.safe_load((ROOM / file).read_text())
    assert given and not unknown(given, known)


@pytest.mark.parametrize("source", ["tljh_limits.py", "zero-to-jupyterhub.yaml"])
def test_the_limits_are_ones_that_sbkit_reads(source, monkeypatch):
    given = (
        settings(source).Spawner.environment
        if source.endswith(".py")
        else yaml.safe_load((ROOM / source).read_text())["singleuser"]["extraEnv"]
    )
    for name, text in given.items():
        assert isinstance(text, str), f"{name} in {source} is text, quote it."
        monkeypatch.setenv(name, text)
    assert [seconds_allowed(name) for name in ("SBKIT_MAX_SECONDS", "SBKIT_IDLE_SECONDS")] == [300, 900]
    assert memory_allowed() == 1e9


def test_voila_is_told_nothing_that_it_does_not_know():
    pytest.importorskip("voila", reason="Voilà is in the extra `serve`.")
    from jupyter_server.services.kernels.kernelmanager import MappingKernelManager
    from voila.configuration import VoilaConfiguration

    given = settings("voila.py")
    known = {
        kind.__name__: kind.class_trait_names(config=True)
        for kind in (MappingKernelManager, VoilaConfiguration)
    }
    assert set(given) == set(known)
    for kind, names in known.items():
        assert set(given[kind]) <= set(names)


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_the_app_of_a_lesson_is_all_up_to_its_panel(path):
    notebook = nbformat.read(path, as_version=4)
    shown = settings("voila.py").VoilaConfiguration.prelaunch_hook(None, notebook, "")
    nbformat.validate(shown)
    sources = [cell.source for cell in shown.cells]
    assert "SBKIT_DATA" in sources[0] and sources[-1].startswith("## Go on")
    assert any("sb.lab(" in source for source in sources[3:]), "a panel"
    assert not any(source.startswith(("## Explain", "## Set-up", "## Claims")) for source in sources)


def test_the_guide_names_every_file_and_every_limit():
    text = (ROOT / "docs" / "room.md").read_text()
    missing = [file.name for file in ROOM.iterdir() if file.is_file() and f"room/{file.name}" not in text]
    code = ROOT.joinpath("sbkit/lab/allowance.py").read_text()
    assert not missing and set(re.findall(r"SBKIT_\w+", code)) <= set(re.findall(r"SBKIT_\w+", text))


def test_settings_are_python_that_reads_well():
    for file in ROOM.glob("*.py"):
        assert ast.get_docstring(ast.parse(file.read_text()))
