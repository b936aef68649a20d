"""Write the repository's address, which stands in pyproject.toml alone, into badges, links and install lines.

python scripts/address.py                                  # write it
python scripts/address.py https://github.com/you/sbkit     # another one, into pyproject.toml first
python scripts/address.py --check                          # tell where another stands, and exit with 1
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROJECT = ROOT / "pyproject.toml"
ADDRESS = re.compile(r"https://github\.com/([\w.-]+/[\w.-]+?)(?:\.git|/)?")
# What may stand before owner/name in a README, a notebook or the citation.
PLACES = re.compile(
    r"(?P<before>git\+https://github\.com/|colab\.research\.google\.com/github/|repository-code: https://github\.com/)"
    r"[\w.-]+/[\w.-]+"
)


def address() -> str:
    """owner/name of the repository, as in pyproject.toml."""
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
    return project["urls"]["Repository"].removeprefix("https://github.com/")


def move(to: str) -> None:
    """Write another address into pyproject.toml."""
    found = ADDRESS.fullmatch(to)
    if not found:
        sys.exit(
            f"An address is https://github.com/owner/name, got {to!r}; try https://github.com/you/sbkit."
        )
    line = f'Repository = "https://github.com/{found[1]}"'
    text = re.sub(r'^Repository = ".*"$', line, PROJECT.read_text(encoding="utf-8"), flags=re.MULTILINE)
    PROJECT.write_text(text, encoding="utf-8")


def places() -> list[Path]:
    """The files that may name the address."""
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CITATION.cff", *ROOT.glob("docs/*.md")]
    found = [path for path in ROOT.glob("notebooks/**/*.ipynb") if ".ipynb_checkpoints" not in path.parts]
    return [path for path in pages if path.exists()] + sorted(found)


def main() -> int:
    """Write or check every place; the number of files that differ, at most 1."""
    for given in sys.argv[1:]:
        if given != "--check":
            move(given)
    name, wrong = address(), []
    for path in places():
        before = path.read_text(encoding="utf-8")
        after = PLACES.sub(rf"\g<before>{name}", before)
        if after != before:
            wrong.append(str(path.relative_to(ROOT)))
            if "--check" not in sys.argv:
                path.write_text(after, encoding="utf-8")
    print("\n".join(wrong) or f"Every address is {name}.")
    return int(bool(wrong) and "--check" in sys.argv)


if __name__ == "__main__":
    sys.exit(main())
