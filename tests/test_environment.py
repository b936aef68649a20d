"""The files that describe an environment agree: pyproject, conda's, the two lists of pins, pre-commit."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = PYPROJECT["project"]
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text())
FILES = ["constraints.txt", "constraints-colab.txt"]
CONDA_NAMES = {"pytorch-cpu": "torch"}  # conda's name for a package: pip's
LEFT_OUT_OF_COLAB = {"lab", "author", "audit", "bench", "serve"}  # extras that no test installs there
BREAKS_TORCH = {"torchvision", "torchaudio", "torchmetrics", "laplace-torch", "backpack-for-pytorch"}


def requirements(lines: list[str]) -> dict[str, Requirement]:
    """Requirements by canonical name."""
    return {canonicalize_name(r.name): r for r in map(Requirement, lines)}


def lines(file: str) -> list[str]:
    """Lines of a list of pins, without comments."""
    text = (line.split("#")[0].strip() for line in (ROOT / file).read_text().splitlines())
    return [line for line in text if line]


def versions(file: str) -> dict[str, str]:
    """Pinned version by canonical name."""
    return {name: str(r.specifier).removeprefix("==") for name, r in requirements(lines(file)).items()}


CORE = requirements(PROJECT["dependencies"])
EXTRAS = {extra: requirements(names) for extra, names in PROJECT["optional-dependencies"].items()}
CONDA_PACKAGES = requirements([entry for entry in CONDA["dependencies"] if isinstance(entry, str)])


def wanted(file: str) -> list[tuple[str, Requirement]]:
    """Every (extra, requirement) that a list of pins must hold."""
    extras = [extra for extra in EXTRAS if file == "constraints.txt" or extra not in LEFT_OUT_OF_COLAB]
    return [("core", r) for r in CORE.values()] + [(e, r) for e in extras for r in EXTRAS[e].values()]


@pytest.mark.parametrize("file", FILES)
def test_pins_are_exact_public_and_single(file):
    bad = [line for line in lines(file) if not re.fullmatch(r"[\w.-]+==[\w.]+", line)]
    assert not bad, f"{file} holds only name==version, no +cpu and no marker; got {bad}."
    assert len(lines(file)) == len(versions(file)), f"{file} pins a package twice; keep one line of it."


@pytest.mark.parametrize(
    ("file", "extra", "requirement"),
    [pytest.param(f, e, r, id=f"{f}-{e}-{r.name}") for f in FILES for e, r in wanted(f)],
)
def test_pin_satisfies_pyproject(file, extra, requirement):
    pin = versions(file).get(canonicalize_name(requirement.name))
    assert pin, f"{file} pins all of pyproject.toml, but not {requirement.name} ({extra}); add it."
    assert requirement.specifier.contains(pin), (
        f"{file} has {requirement.name}=={pin}, pyproject.toml ({extra}) wants {requirement.specifier}; "
        "move the pin, or the floor if Colab allows."
    )


def test_both_environments_share_one_torch():
    torch = {file: versions(file)["torch"] for file in FILES}
    assert len(set(torch.values())) == 1, f"One torch serves both environments, got {torch}; pin the same."


@pytest.mark.parametrize("name", sorted(CONDA_PACKAGES.keys() - {"python", "pip"}))
def test_conda_floor_is_pyprojects(name):
    pip_name = CONDA_NAMES.get(name, name)
    ours = (CORE | EXTRAS["lab"]).get(pip_name)
    assert ours, f"environment.yml names {name}, which pyproject.toml does not know as {pip_name}; drop it."
    assert CONDA_PACKAGES[name].specifier == ours.specifier, (
        f"environment.yml wants {name} '{CONDA_PACKAGES[name].specifier}', pyproject.toml "
        f"'{ours.specifier}'; write the same in both."
    )


def test_conda_brings_torch_and_pip_the_rest():
    assert CONDA["name"] == PROJECT["name"] and CONDA["channels"] == ["conda-forge"]
    assert "pytorch-cpu" in CONDA_PACKAGES, "conda-forge's pytorch-cpu keeps pip from fetching another torch."
    (pip,) = [entry["pip"] for entry in CONDA["dependencies"] if isinstance(entry, dict)]
    assert pip == ["-e .[test,lab]"], f"pip installs sbkit from here and nothing else, got {pip}."


def test_one_oldest_python():
    floor = PROJECT["requires-python"]
    tools = {
        "environment.yml": CONDA_PACKAGES["python"].specifier,
        "ruff": SpecifierSet(re.sub(r"py(\d)(\d+)", r">=\1.\2", PYPROJECT["tool"]["ruff"]["target-version"])),
        "pyright": SpecifierSet(">=" + PYPROJECT["tool"]["pyright"]["pythonVersion"]),
    }
    differ = {tool: str(spec) for tool, spec in tools.items() if spec != SpecifierSet(floor)}
    assert not differ, f"requires-python is {floor}, but {differ}; write one floor everywhere."


def test_pre_commit_runs_the_pinned_ruff():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    got = {dependency for hook in hooks for dependency in hook["additional_dependencies"]}
    assert got == {f"ruff=={versions('constraints.txt')['ruff']}"}, f".pre-commit-config.yaml has {got}."


@pytest.mark.parametrize("source", ["pyproject.toml", "environment.yml", *FILES])
def test_nothing_that_breaks_a_cpu_torch(source):
    named = {
        "pyproject.toml": CORE.keys() | {name for extra in EXTRAS.values() for name in extra},
        "environment.yml": CONDA_PACKAGES.keys(),
    }
    names = named[source] if source in named else versions(source).keys()
    assert not names & BREAKS_TORCH, f"{source} names {names & BREAKS_TORCH}, which break beside a CPU torch."
