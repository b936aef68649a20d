"""Rows of finished settings in a folder, found again while nothing that made them has changed."""

from __future__ import annotations

import contextlib
import importlib.metadata
import io
import os
import threading
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sbkit.core import SbkitError
from sbkit.core.registries import REGISTRIES
from sbkit.sweeps.fingerprint import HOME, fingerprint

VERSIONS = ("torch", "numpy", "scipy", "scikit-learn")
Row = dict[str, Any]


class Cache:
    """The rows of a lesson's settings, one .npz file of arrays each; no file is ever run.

    folder: made if missing; where that or a write fails, one warning says so and nothing is lost but the
    file. lesson: its rows hang on what `fingerprint` sees of it, on what was registered, on torch's default
    float type, on sbkit's code and on the `VERSIONS`. Raises `SbkitError` if folder is no name, or the
    lesson uses what has no content to compare.
    """

    def __init__(self, folder: str | os.PathLike[str], lesson: Callable[..., Any]):
        if not isinstance(folder, str | os.PathLike) or not os.fspath(folder):
            raise SbkitError(f"cache is the name of a folder, got {folder!r}; try cache='rows'.")
        self.folder, self._told = Path(folder).expanduser(), False
        code = [path.read_bytes() for path in sorted(HOME.rglob("*.py"))]
        versions = [importlib.metadata.version(name) for name in VERSIONS]
        self._lesson = fingerprint(lesson, registered(), code, versions, str(torch.get_default_dtype()))

    def path(self, setting: Mapping[str, Any]) -> Path:
        """The file of a setting."""
        return self.folder / f"{fingerprint(self._lesson, dict(setting))}.npz"

    def get(self, setting: Mapping[str, Any]) -> list[Row] | None:
        """The rows of a setting; None if there are none, or their file is damaged."""
        path = self.path(setting)
        try:
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
                names, *columns = (file[f"arr_{i}"] for i in range(len(file.files)))
            values = [[one.item() if one.ndim == 0 else one for one in column] for column in columns]
            return [dict(zip(names.tolist(), row, strict=True)) for row in zip(*values, strict=True)]
        except Exception:  # whatever a damaged file, or another program's, has NumPy and zipfile raise
            return None

    def put(self, setting: Mapping[str, Any], rows: list[Row]) -> None:
        """Keep the rows of a setting: the whole file, or none of it."""
        columns, file = {name: [row[name] for row in rows] for name in rows[0]}, io.BytesIO()
        np.savez(file, list(columns), *columns.values())
        path = self.path(setting)
        part = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            part.write_bytes(file.getvalue())
            part.replace(path)
        except OSError as error:
            with contextlib.suppress(OSError):
                part.unlink()
            if not self._told:
                got = f"{str(self.folder)!r}: {error.strerror}. The rows stay in memory"
                words = f"A cache is a folder that can be written, but {got}"
                warnings.warn(f"{words}; name another folder.", stacklevel=3)
            self._told = True


def registered() -> list[tuple[str, str, Any, Any]]:
    """What may change a run and was registered beside sbkit's own: (registry, name, function, about)."""
    return [
        (registry.kind, name, function, vars(registry.about[name]))
        for registry in REGISTRIES
        for name, function in registry.added().items()
        if registry.kind != "plot"
    ]
