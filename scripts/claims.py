"""Put the claims of notebooks that just ran into docs/claims.json: python scripts/claims.py docs/.claims.json

What they claimed before goes, the other lessons' claims stay, all in the order of the course.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
KEPT = ROOT / "docs" / "claims.json"


def rows(path: Path) -> list[dict[str, Any]]:
    """The claims in a file, none where there is no file."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else []


def merged(kept: list[dict[str, Any]], new: list[dict[str, Any]], order: list[str]) -> list[dict[str, Any]]:
    """The new claims, and the kept ones of lessons that have no new ones, in this order of lessons.

    >>> old = [{"lesson": "b", "claim": "B"}, {"lesson": "a", "claim": "A, once"}, {"lesson": "gone"}]
    >>> merged(old, [{"lesson": "a", "claim": "A, now"}], ["a", "b"])
    [{'lesson': 'a', 'claim': 'A, now'}, {'lesson': 'b', 'claim': 'B'}]
    """
    ran = {row["lesson"] for row in new}
    every = [row for row in kept if row["lesson"] not in ran and row["lesson"] in order] + new
    return sorted(every, key=lambda row: order.index(row["lesson"]))


def main() -> None:
    """Merge the file of the command line into the one that is kept, and remove it."""
    given = Path(sys.argv[1])
    order = [path.stem for path in sorted(ROOT.glob("notebooks/**/*.ipynb"))]
    found = merged(rows(KEPT), rows(given), order)
    KEPT.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    given.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
