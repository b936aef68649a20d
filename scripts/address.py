"""Write the repository's address, which stands in pyproject.toml alone, into badges and install lines.

python scripts/address.py           # write it
python scripts/address.py --check   # tell where another stands, and exit with 1
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
# What may stand around owner/name in a README or notebook.
PLACES = re.compile(
    r"(?P<before>git\+https://github\.com/|colab\.research\.google\.com/github/)(?P<name>[\w.-]+/[\w.-]+)"
)


def address() -> str:
    """owner/name of the repository, as in pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return project["urls"]["Repository"].removeprefix("https://github.com/")


def main() -> int:
    """Write or check every place; the number of files that differ, at most 1."""
    name, wrong = address(), []
    for path in [ROOT / "README.md", *ROOT.glob("docs/*.md"), *sorted(ROOT.glob("notebooks/**/*.ipynb"))]:
        if ".ipynb_checkpoints" in path.parts:
            continue
        before = path.read_text()
        after = PLACES.sub(rf"\g<before>{name}", before)
        if after != before:
            wrong.append(str(path.relative_to(ROOT)))
            if "--check" not in sys.argv:
                path.write_text(after)
    print("\n".join(wrong) or f"Every address is {name}.")
    return int(bool(wrong) and "--check" in sys.argv)


if __name__ == "__main__":
    sys.exit(main())
