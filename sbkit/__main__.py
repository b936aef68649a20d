"""`python -m sbkit`: is this machine ready, copies of the course for a class, its claims."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from sbkit.core import SbkitError
from sbkit.course import self_check
from sbkit.course.claims import table
from sbkit.course.copies import masters, student, teacher

COPIES = {
    "student": (student, "write the students' copy: solutions are stubs, nothing has run"),
    "teacher": (teacher, "write the teacher's copy: answers, outputs, and notes"),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Do what the command line asks; without a command, check this machine. Errors exit with 2."""
    parser = argparse.ArgumentParser(
        prog="python -m sbkit", description="Without a command: is this machine ready for the course?"
    )
    commands = parser.add_subparsers(metavar="COMMAND")
    for name, (_, about) in COPIES.items():
        command = commands.add_parser(name, help=about, description=about)
        command.add_argument("out", metavar="OUT", type=Path, help="a new folder, or an earlier copy")
        command.add_argument("--notebooks", metavar="FOLDER", type=Path, help="the masters, if elsewhere")
        command.set_defaults(do=_copy, command=name)
    about = "print the claims of the course as a Markdown table, with what was measured"
    claims = commands.add_parser("claims", help=about, description=about)
    claims.add_argument("path", metavar="JSON", type=Path, nargs="?", default="docs/claims.json")
    claims.set_defaults(do=_claims)
    parser.set_defaults(do=_self_check)
    given = parser.parse_args(arguments)
    try:
        print(given.do(given))
    except SbkitError as error:
        parser.exit(2, f"{error}\n")


def _self_check(_: argparse.Namespace) -> str:
    return repr(self_check())


def _claims(given: argparse.Namespace) -> str:
    return table(given.path)


def _copy(given: argparse.Namespace) -> str:
    made = COPIES[given.command][0](given.notebooks or masters(), given.out)
    count = sum(path.suffix == ".ipynb" for path in made)
    return f"{given.out}: {count} notebook{'s'[: count != 1]} for the {given.command}."


if __name__ == "__main__":
    main()
