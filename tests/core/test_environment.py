"""The environment: one place reads it, what is refused, what a room's limits keep out."""

import math
import mmap
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sbkit.core import SbkitError, check_memory
from sbkit.core.environment import (
    VARIABLES,
    claims_file,
    data_folder,
    headless,
    memory_allowed,
    seconds_allowed,
    stills_wanted,
    switched_on,
    unknown_variables,
)
from sbkit.core.machine import memory_held

ROOT = Path(__file__).parents[2]
SWITCHES = ["SBKIT_HEADLESS", "SBKIT_PNG", "SBKIT_REPLAY", "SBKIT_LOCK"]


def test_one_place_reads_the_environment():
    read = re.compile(r"^(?! *>>>).*(os\.environ|getenv)", re.MULTILINE)  # examples may set a variable
    readers = {file.name for file in (ROOT / "sbkit").rglob("*.py") if read.search(file.read_text("utf-8"))}
    texts = [file.read_text("utf-8") for file in (ROOT / "sbkit").rglob("*.py")]
    assert {*re.findall(r"SBKIT_[A-Z_]+", "".join(texts))} <= VARIABLES.keys()
    assert readers == {"environment.py"}


def test_the_set_up_page_names_every_variable():
    page = (ROOT / "docs" / "setup.md").read_text("utf-8")
    assert not [name for name in VARIABLES if f"`{name}" not in page]


@pytest.mark.parametrize("name", SWITCHES)
@pytest.mark.parametrize(
    ("given", "means"),
    [
        (word, word.strip().lower() in ("1", "true", "yes", "on"))
        for word in "1 True yes ON 0 false No off".split()
    ]
    + [(" 1 ", True)],
)
def test_a_switch_is_on_or_off_in_any_usual_word(monkeypatch, name, given, means):
    monkeypatch.setenv(name, given)
    assert switched_on(name) == switched_on(name, usual=True) == means


@pytest.mark.parametrize("usual", [False, True])
def test_a_switch_that_says_nothing_stands_as_usual(monkeypatch, usual):
    monkeypatch.setenv("SBKIT_LOCK", "")
    assert switched_on("SBKIT_LOCK", usual) == usual


@pytest.mark.parametrize("name", SWITCHES)
def test_other_words_are_refused_with_a_fix_that_works(monkeypatch, name):
    monkeypatch.setenv(name, "maybe")
    with pytest.raises(SbkitError, match=f"{name} is 1 or 0, got 'maybe'; try {name}=1.") as told:
        switched_on(name)
    monkeypatch.setenv(*re.findall(r"try (\w+)=(\w+)", str(told.value))[0])
    assert switched_on(name)


def test_every_reader_of_a_switch_agrees(monkeypatch):
    import sbkit as sb

    monkeypatch.setenv("SBKIT_HEADLESS", "True")
    monkeypatch.setenv("SBKIT_LOCK", "false")
    assert headless() and sb.predict("Which?", ["a", "b"]).committed
    assert "trained" in repr(sb.lab(lambda: sb.fit(sb.mlp(TASK(), runs=1), TASK(), batch=32, steps=1)))
    monkeypatch.setenv("SBKIT_HEADLESS", "no")
    asked = sb.predict("Which?", ["a", "b"])
    assert not asked.committed and not asked.locked


def TASK():
    import sbkit as sb

    return sb.slabs(n=64, n_test=64)


def test_the_stage_is_named_in_any_case(monkeypatch):
    monkeypatch.setenv("SBKIT_STAGE", "Stills")
    assert stills_wanted()


def test_a_home_is_expanded_in_every_path(monkeypatch, tmp_path):
    import sbkit as sb

    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SBKIT_DATA", "~/data")
    monkeypatch.setenv("SBKIT_CLAIMS", "~/claims.json")
    assert (data_folder(), claims_file()) == (tmp_path / "data", tmp_path / "claims.json")
    sb.claim("A sentence", [1.0, 2.0], within=(0, 3))
    assert (tmp_path / "claims.json").exists()
    monkeypatch.setenv("SBKIT_HEADLESS", "1")
    panel = sb.lab(lambda: sb.fit(sb.mlp(TASK(), runs=1), TASK(), batch=32, steps=1))
    assert panel.save_replay("~/run.html") == tmp_path / "run.html"


def test_nothing_is_written_into_the_readers_folder_unasked(tmp_path):
    """A reader's session: predictions, claims, a panel, a sweep; the folder stays as it was."""
    code = (
        "import sbkit as sb\n"
        "from sbkit.course import self_check\n"
        "asked = sb.predict('Which?', ['a', 'b']); asked.against('a')\n"
        "sb.claim('A sentence', [1.0, 2.0], within=(0, 3))\n"
        "def lesson(depth=1):\n"
        "    task = sb.slabs(n=64, n_test=64)\n"
        "    return sb.fit(sb.mlp(task, depth=depth, runs=1), task, batch=32, steps=1)\n"
        "sb.lab(lesson, depth=[0, 1]); sb.sweep(lesson, depth=[0, 1]); self_check()\n"
    )
    others = {name: value for name, value in os.environ.items() if not name.startswith("SBKIT_")}
    env = others | {"SBKIT_HEADLESS": "1", "HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT)}
    (tmp_path / "reader").mkdir()
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path / "reader", env=env, check=True)
    assert not list((tmp_path / "reader").iterdir())


def test_a_mistyped_variable_is_told_by_the_self_check(monkeypatch):
    from sbkit.course import self_check

    assert unknown_variables() == []
    monkeypatch.setenv("SBKIT_HEADLES", "1")
    assert self_check()[-1].startswith("✗ No variable named 'SBKIT_HEADLES'")
    assert self_check()[-1].endswith("Did you mean 'SBKIT_HEADLESS'?")


@pytest.mark.parametrize(
    ("given", "bytes"), [("2GB", 2e9), ("800 mb", 8e8), ("1.5G", 1.5e9), ("4096", 4096), ("", math.inf)]
)
def test_a_size_is_read(monkeypatch, given, bytes):
    monkeypatch.setenv("SBKIT_MAX_MEMORY", given)
    assert memory_allowed() == bytes


@pytest.mark.parametrize("given", ["much", "0", "0GB", "-1GB", "2GiBB", "nan"])
def test_what_is_no_size_is_refused(monkeypatch, given):
    monkeypatch.setenv("SBKIT_MAX_MEMORY", given)
    with pytest.raises(SbkitError, match=f"a size above 0, got '{given}'; try SBKIT_MAX_MEMORY=2GB"):
        memory_allowed()


@pytest.mark.parametrize("given", ["ten", "0", "-5", "nan"])
def test_what_are_no_seconds_is_refused(monkeypatch, given):
    monkeypatch.setenv("SBKIT_IDLE_SECONDS", given)
    with pytest.raises(SbkitError, match="SBKIT_IDLE_SECONDS is a number of seconds above 0"):
        seconds_allowed("SBKIT_IDLE_SECONDS")


def test_a_request_is_refused_by_what_the_room_leaves(monkeypatch):
    monkeypatch.setenv("SBKIT_MAX_MEMORY", str(memory_held() + 10**8))
    check_memory(10**7, "a small thing")
    with pytest.raises(SbkitError, match="a large thing = 0.1 GB"):
        check_memory(10**8, "a large thing")
    monkeypatch.setenv("SBKIT_MAX_MEMORY", "1MB")
    with pytest.raises(SbkitError, match=r"this room allows 0.0 GB \(SBKIT_MAX_MEMORY\); restart the kernel"):
        check_memory(10**6, "anything")


def test_held_memory_grows_with_what_is_held():
    before = memory_held()
    with mmap.mmap(-1, 40_000_000) as kept:  # new from the system, not what an earlier test had freed
        for page in range(0, len(kept), mmap.PAGESIZE):
            kept[page] = 1
        assert memory_held() - before > 3e7
