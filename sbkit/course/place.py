"""Where this lesson runs: its name, and the folder that the reader's own notes are kept in."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def lesson_name() -> str:
    """The notebook at work, as Jupyter's server tells its kernel; "" where nobody does.

    SBKIT_LESSON says so where notebooks run without a server.
    """
    return Path(os.environ.get("SBKIT_LESSON") or os.environ.get("JPY_SESSION_NAME", "")).stem


def headless() -> bool:
    """True where no page shows what a cell returns."""
    return os.environ.get("SBKIT_HEADLESS") == "1"


def data_folder() -> Path:
    """The user's data folder of sbkit, made by whoever writes to it first; SBKIT_DATA names another."""
    return Path(os.environ.get("SBKIT_DATA") or platformdirs.user_data_dir("sbkit", appauthor=False))
