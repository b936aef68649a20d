"""Run parts of the Makefile one after the other, all of them whichever fails, and tell the seconds of each.

python scripts/parts.py style types quick      # what `make test` does, with its own list
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections import Counter

COUNT = re.compile(r"(\d+) (passed|failed|skipped|xfailed|errors?)\b")


def run(part: str) -> tuple[bool, float, Counter[str]]:
    """Whether `make part` succeeded, its seconds, and what its last lines of pytest count."""
    start, counts = time.monotonic(), Counter[str]()
    command = [os.environ.get("MAKE", "make"), "--no-print-directory", part]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as made:
        for line in made.stdout or ():
            print(line, end="", flush=True)
            if re.search(r" in [\d.]+s\b", line):
                counts.update({word: int(number) for number, word in COUNT.findall(line)})
    return made.returncode == 0, time.monotonic() - start, counts


def main() -> None:
    """Run the parts of the command line; the table and the sum come last."""
    told = {part: run(part) for part in sys.argv[1:]}
    print("\n| part | seconds | |\n|---|---:|---|")
    for part, (passed, seconds, counts) in told.items():
        words = ", ".join(f"{number} {word}" for word, number in counts.items())
        print(f"| {part} | {seconds:.0f} | {words}{'' if passed else ' FAILED'} |")
    failed = [part for part, (passed, *_) in told.items() if not passed]
    print(f"FAILED in: {' '.join(failed)}" if failed else "Every part passed.")
    total = sum((counts for *_, counts in told.values()), Counter[str]())
    seconds = sum(seconds for _, seconds, _ in told.values())
    print(f"{', '.join(f'{number} {word}' for word, number in total.items())} in {seconds:.2f}s")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
