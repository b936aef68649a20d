"""The pictures of README and docs can still be taken from the lab, and are those that are shown."""

import re
import subprocess
import sys

import pytest
from browser.jupyter import ROOT

Image = pytest.importorskip("PIL.Image", reason="pictures are taken with the extra `author`")
pytestmark = pytest.mark.browser

NAMES = {"predict.png", "panel.png", "compare.png", "map.png", "panel.gif"}
LARGEST = {".png": 300_000, ".gif": 1_500_000}  # bytes


@pytest.fixture(scope="module")
def taken(chromium, tmp_path_factory):
    """A folder with all pictures, as the script takes them, but small and after little training."""
    folder = tmp_path_factory.mktemp("pictures")
    command = [sys.executable, ROOT / "scripts" / "pictures.py", "--quick", "--out", folder]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.slow
def test_the_script_takes_every_picture(taken):
    assert {path.name for path in taken.iterdir()} == NAMES
    for path in taken.iterdir():
        with Image.open(path) as image:
            assert image.width >= 500 and image.height >= 300, path
            assert len(image.convert("RGB").getcolors(1 << 24)) > 50, f"{path} shows next to nothing"


@pytest.mark.slow
def test_the_film_moves_and_repeats(taken):
    with Image.open(taken / "panel.gif") as film:
        assert film.n_frames >= 5 and film.info["loop"] == 0
        first = film.convert("RGB").tobytes()
        film.seek(film.n_frames - 1)
        assert film.convert("RGB").tobytes() != first


def test_docs_hold_these_pictures_and_no_others():
    docs = ROOT / "docs"
    kept = {path.name for path in docs.iterdir() if path.suffix in LARGEST}
    assert kept == NAMES
    assert not [name for name in kept if (docs / name).stat().st_size > LARGEST[(docs / name).suffix]]


def test_every_picture_is_shown_with_words_for_those_who_do_not_see_it():
    text = (ROOT / "README.md").read_text() + "".join(p.read_text() for p in (ROOT / "docs").glob("*.md"))
    shown = dict(re.findall(r"!\[([^\]]{20,})\]\((?:docs/)?([\w.-]+\.(?:png|gif))\)", text))
    assert set(shown.values()) == NAMES
