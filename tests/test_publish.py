"""What is published says the same everywhere: citation, workflows, address, wheel."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")

# ---------------------------------------------------------------- citation

# Of the schema 1.2.0 of the Citation File Format: what a file must and may hold.
MUST = {"cff-version", "message", "title", "authors"}
MAY = MUST | set(
    "abstract commit contact date-released doi identifiers keywords license license-url preferred-citation "
    "references repository repository-artifact repository-code type url version".split()
)
PERSON = {"family-names", "given-names", "name-particle", "name-suffix", "orcid", "affiliation", "email"}


def author_is_valid(author: dict) -> bool:
    return set(author) <= PERSON | {"alias", "website"} or set(author) <= {
        "name",
        "website",
        "email",
        "orcid",
    }


def test_the_citation_is_valid():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert MUST <= set(cited) <= MAY
    assert cited["cff-version"] == "1.2.0" and cited["type"] in ("software", "dataset")
    assert all(isinstance(cited[name], str) and cited[name] for name in ("message", "title", "abstract"))
    for entry in [cited, *cited["references"]]:
        assert {"authors", "title", "type"} <= set(entry) and entry["authors"]
        assert all(author_is_valid(author) for author in entry["authors"])
    assert all(isinstance(entry.get("year", 0), int) for entry in cited["references"])


def test_the_citation_says_what_pyproject_says():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    ours = {"version": "version", "license": "license", "keywords": "keywords"}
    assert {name: cited[name] for name in ours} == {name: PROJECT[key] for name, key in ours.items()}
    assert cited["repository-code"] == PROJECT["urls"]["Repository"]
    assert cited["title"].startswith(PROJECT["name"])


# ---------------------------------------------------------------- workflows


def steps() -> list[tuple[str, str, str]]:
    """(job, system, command) of every command that a workflow runs."""
    found = []
    for path in WORKFLOWS:
        for name, job in yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].items():
            systems = job.get("strategy", {}).get("matrix", {}).get("os", [job["runs-on"]])
            commands = [step["run"] for step in job["steps"] if "run" in step]
            found += [(name, system, command) for system in systems for command in commands]
    return found


def test_workflows_run_on_three_systems_and_once_a_month():
    assert {system.split("-")[0] for _, system, _ in steps()} == {"ubuntu", "macos", "windows"}
    (told,) = (yaml.safe_load(path.read_text(encoding="utf-8"))[True] for path in WORKFLOWS)  # YAML's "on"
    assert {"push", "pull_request"} <= set(told)
    assert [len(each["cron"].split()) for each in told["schedule"]] == [5]
    assert told["schedule"][0]["cron"].split()[2].isdigit() and told["schedule"][0]["cron"].endswith("* *")


@pytest.mark.parametrize("command", sorted({command for _, _, command in steps()}))
def test_a_workflow_calls_what_the_reader_calls(command):
    """A target of the Makefile, or .ci/run, which is `make test`."""
    program, *rest = command.split()
    if program != "make":
        assert (ROOT / program).exists() and not rest
    else:
        assert re.search(rf"^{rest[0]}:", MAKEFILE, re.MULTILINE), f"no target {rest[0]}"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_is_small_in_rights_and_ends(path):
    told = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert told["permissions"] == {"contents": "read"}
    assert all(job["timeout-minutes"] > 0 for job in told["jobs"].values())


# ---------------------------------------------------------------- pages

PAGES = [
    "README.md",
    "CONTRIBUTING.md",
    *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")),
]


@pytest.mark.parametrize("page", PAGES)
def test_every_make_on_a_page_is_one(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    lines = re.findall(r"(?:^|`)make ((?:[a-z-]+ ?)+)", text, re.MULTILINE)  # commands, not prose
    called = [word for line in lines for word in line.split()]
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
    assert set(called) <= targets


@pytest.mark.parametrize("page", PAGES)
def test_every_link_on_a_page_leads_somewhere(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        assert "://" in link or ((ROOT / page).parent / link).exists(), link


def test_the_table_of_floors_is_the_one_that_is_enforced():
    """In the same order; beside it tests/test_floors.py says what each may import."""
    rows = re.findall(r"^\| (\d) \| (`.*?`) \|", (ROOT / "CONTRIBUTING.md").read_text("utf-8"), re.MULTILINE)
    told = {module: int(floor) for floor, modules in rows for module in re.findall(r"`(\w+)`", modules)}
    tree = ast.parse((ROOT / "tests" / "test_floors.py").read_text(encoding="utf-8"))
    (table,) = (
        node for node in tree.body if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "FLOORS"
    )
    floors = {row: floor for row, (floor, _) in ast.literal_eval(table.value).items() if row in told}
    assert {"core", "data", "training", "lab", "course", "__init__"} <= set(floors)
    assert all(told[a] <= told[b] for a in floors for b in floors if floors[a] < floors[b])


# ---------------------------------------------------------------- address


@pytest.fixture
def copy(tmp_path) -> Path:
    """The files that name the address."""
    names = [
        "pyproject.toml",
        "README.md",
        "CITATION.cff",
        "scripts/address.py",
        "notebooks/0-start-here.ipynb",
    ]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def addressed(copy: Path, *given: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, copy / "scripts" / "address.py", *given]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)


@pytest.mark.parametrize("end", ["", "/", ".git"])
def test_the_address_moves_with_one_command(copy, end):
    assert addressed(copy, f"https://github.com/new-owner/so.me{end}").returncode == 0
    for path in (path for path in copy.rglob("*") if path.is_file() and path.name != "address.py"):
        text = path.read_text(encoding="utf-8")
        assert "github.com/sbkit/sbkit" not in text and "com/github/sbkit/sbkit" not in text, path
        assert "new-owner/so.me" in text
    assert tomllib.loads((copy / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"] == {
        "Repository": "https://github.com/new-owner/so.me"
    }
    assert addressed(copy, "--check").returncode == 0


def test_an_address_that_is_none_is_refused(copy):
    before = (copy / "pyproject.toml").read_text(encoding="utf-8")
    done = addressed(copy, "github.com/you")
    assert done.returncode == 1 and "https://github.com/owner/name, got 'github.com/you'; try" in done.stderr
    assert (copy / "pyproject.toml").read_text(encoding="utf-8") == before


# ---------------------------------------------------------------- wheel


@pytest.mark.slow
def test_the_wheel_holds_all_that_runs_and_says_that_it_is_typed(tmp_path):
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(tmp_path), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    (wheel,) = tmp_path.glob("*.whl")
    held = set(zipfile.ZipFile(wheel).namelist())
    tracked = subprocess.run(
        ["git", "ls-files", "sbkit"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert {"sbkit/__init__.py", "sbkit/py.typed"} <= held
    assert set(tracked.stdout.split()) <= held, "Git tracks it, the wheel has it."
    assert not {name for name in held if not name.startswith(("sbkit/", f"sbkit-{PROJECT['version']}"))}


@pytest.mark.slow
def test_the_site_has_a_page_of_every_lesson(tmp_path):
    """Whatever part it stands in; without replays, which take minutes."""
    subprocess.run([sys.executable, ROOT / "scripts/gallery.py", "--out", tmp_path], check=True, cwd=tmp_path)
    index = (tmp_path / "index.html").read_text(encoding="utf-8")
    for path in (ROOT / "notebooks").rglob("*.ipynb"):
        page = path.relative_to(ROOT / "notebooks").with_suffix(".html")
        assert (tmp_path / page).exists() and page.as_posix() in index
