"""A file of rows, in the folder that a test runs in."""

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def written(tmp_path, monkeypatch) -> Callable[[str | bytes], str]:
    """written(text) writes file.csv into the folder that tests run in; its name."""
    monkeypatch.chdir(tmp_path)

    def write(text: str | bytes) -> str:
        Path("file.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
        return "file.csv"

    return write
