"""What every test may ask for."""

import os
import shutil
import signal
from pathlib import Path

import pytest
import torch

NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"]
MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
ADVICE = (
    "No Chromium found for the browser tests. On Debian or Ubuntu: apt-get install chromium; elsewhere "
    "install Chromium or Chrome. If it has another name, set SBKIT_CHROMIUM to its path."
)


def find_chromium() -> str | None:
    """Path of the browser that SBKIT_CHROMIUM names, or else of the first one installed."""
    if wanted := os.environ.get("SBKIT_CHROMIUM"):
        return shutil.which(wanted)
    found = (path for name in NAMES if (path := shutil.which(name)))
    return next(found, str(MAC) if MAC.exists() else None)


@pytest.fixture(scope="session", autouse=True)
def own_folders(tmp_path_factory):
    """Claims and predictions of tests are kept apart from the reader's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SBKIT_CLAIMS", str(tmp_path_factory.mktemp("claims") / "claims.json"))
        patch.setenv("SBKIT_DATA", str(tmp_path_factory.mktemp("data")))
        yield


@pytest.fixture(scope="session", autouse=True)
def hears_interrupts():
    """Also where the tests were started in the background, whose processes ignore them."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def same_draws():
    """A test that draws from torch's own generator draws the same alone and after any other."""
    torch.default_generator.manual_seed(0)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of Chromium; without one the test is skipped, and under CI, which installs it, fails."""
    path = find_chromium()
    if path is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(ADVICE)
    return path
