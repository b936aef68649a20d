"""Run every benchmark and write RESULTS.md.

    python benchmarks/results.py          # all, or those named: python benchmarks/results.py fleet lms

A benchmark that is not run now keeps the section it has. --jax PYTHON is handed on to `fleet`.
"""

from __future__ import annotations

import argparse
import ast
import datetime
import importlib.metadata
import os
import platform
import re
import subprocess
import sys
import time
from pathlib import Path

import psutil
import torch

HERE = Path(__file__).parent
PARTS = ["fleet", "lms", "looks", "growth", "rank", "curvature", "instruments", "nets", "lessons"]
PARTS += ["panel", "start", "notebooks", "room", "gpu"]
LIBRARIES = ["torch", "numpy", "scikit-learn", "jax", "ipywidgets", "jupyterlab"]


def machine() -> str:
    """The machine and the versions, a line each."""
    found = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    model = re.search(r"model name\s*: (.+)", found)
    name = model[1] if model else platform.processor() or platform.machine()
    memory = psutil.virtual_memory().total / 2**30
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    versions = []
    for library in LIBRARIES:
        try:
            versions.append(f"{library} {importlib.metadata.version(library)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count()
    return (
        f"Machine: {name}, {cores} cores, {memory:.0f} GiB, {sys.platform}; GPU: {gpu}.\n\n"
        f"Versions: Python {platform.python_version()}, {', '.join(versions)}."
    )


def section(part: str, options: list[str]) -> str:
    """What a benchmark says about itself and what it printed."""
    path = HERE / f"{part}.py"
    about = (ast.get_docstring(ast.parse(path.read_text())) or "").split("\n\n")
    load, start = psutil.getloadavg()[0], time.perf_counter()
    done = subprocess.run([sys.executable, str(path), *options], stdout=-1, text=True, cwd=HERE.parent)
    said = done.stdout.strip() if done.returncode == 0 else f"Ended with an error ({done.returncode})."
    told = [text for text in (about[0], *about[2:]) if text.strip()]
    when = f"{datetime.date.today()}, {time.perf_counter() - start:.0f} s, load at its start {load:.1f}"
    return f"## {part}\n\n{chr(10).join(told)}\n\n{said}\n\n<sub>{when}</sub>\n"


def earlier(text: str) -> dict[str, str]:
    """The sections of a RESULTS.md by name."""
    parts = re.split(r"(?m)^## (?=\w+$)", text)[1:]
    return {part.split("\n", 1)[0]: f"## {part.rstrip()}\n" for part in parts}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("parts", nargs="*", metavar="part", help=", ".join(PARTS))
    options.add_argument("--jax", help="a Python that has JAX (extra `bench`)")
    given = options.parse_args()
    if strange := set(given.parts) - set(PARTS):
        options.error(f"no benchmark named {', '.join(strange)}; there are {', '.join(PARTS)}")
    results = HERE / "RESULTS.md"
    sections = earlier(results.read_text()) if results.exists() else {}
    for part in given.parts or PARTS:
        sections[part] = section(part, ["--jax", given.jax] if given.jax and part in ("fleet", "gpu") else [])
        head = (
            "# What was measured\n\nWritten by `make bench`; ratios are of turns that stood side by side.\n"
        )
        body = [sections[name] for name in PARTS if name in sections]
        results.write_text("\n".join([head, machine(), "", *body]))


if __name__ == "__main__":
    main()
