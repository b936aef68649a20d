"""How to follow the advice of a message: "…; try batch=64." is executed, not read."""

import ast
import re
from collections.abc import Iterator
from typing import Any

TRY = re.compile(r"(?:; |, |\. )(?:e\.g\. |or )?try (?P<code>.+?)\.?$", re.DOTALL)
MEANT = re.compile(r"Did you mean (?P<code>'[^']*')\?$")


def advice(message: str) -> str:
    """The code that a message advises at its end; "" where it advises none."""
    found = MEANT.search(message) or TRY.search(message)
    return found["code"] if found else ""


def ways(message: str) -> list[str]:
    """The alternatives of an advice: "3 or 5", "0.9, or the optimizer 'sgd'"."""
    code = advice(message)
    return re.split(r",? or ", code) if code and not _parses(code) else [code] * bool(code)


def _parses(code: str) -> bool:
    try:
        ast.parse(f"f({code})", mode="eval")
        return True
    except SyntaxError:
        return False


def followed(message: str, argument: str, known: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Keyword arguments that follow the advice, one an alternative; nothing where it is no code for one.

    argument: the one that the call was refused for, which a bare value replaces. known: names in the code.
    """
    for code in ways(message):
        try:
            call = ast.parse(f"f({code})", mode="eval").body
            assert isinstance(call, ast.Call)
            given = {k.arg: k.value for k in call.keywords if k.arg} or {argument: call.args[0]}
            values = {
                name: eval(compile(ast.Expression(v), "advice", "eval"), known) for name, v in given.items()
            }
        except (SyntaxError, NameError, IndexError):
            continue
        yield values
