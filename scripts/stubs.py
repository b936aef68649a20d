"""What is left of a solution for students to fill in."""

from __future__ import annotations

import ast
import re

from sbkit.core import SbkitError

OWN = "give the cell a stub of its own in metadata.sbkit.stub"


def stub(source: str) -> str:
    """The solution without its answer, as Python that still runs.

    A function keeps signature and docstring, a name gets `...`; imports stay, and checks of names,
    `sb.check.<exercise>(name)`; all else goes, comments too. Raises `SbkitError` on what is no plain
    Python, and on a check of more than names, which would give the answer away.

    >>> print(stub("pieces = [1, 2, 4, 6]  # gaps\\nsb.check.pieces(pieces)"))
    pieces = ...  # your answer
    sb.check.pieces(pieces)
    """
    try:
        statements = ast.parse(source).body
    except SyntaxError as error:
        raise SbkitError(f"A solution is plain Python, got {source!r:.60} ({error.msg}); {OWN}.") from error
    kept = "\n".join(part for node in statements if (part := _kept(node, source))).strip()
    return re.sub(r"\n{4,}", "\n\n\n", kept) or "...  # your code"


def _kept(node: ast.stmt, source: str) -> str:
    """What stays of one statement, "" for nothing; a function stands between two blank lines."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            doc = node.body[:1] if ast.get_docstring(node) is not None else []
            node.body = [*doc, ast.Expr(ast.Constant(...))]
            return f"\n\n{ast.unparse(node)}  # your code\n\n"
        case ast.Assign() | ast.AnnAssign():
            stored = (n for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))
            targets = dict.fromkeys(n.id for n in stored)
            return "\n".join(f"{name} = ...  # your answer" for name in targets)
        case ast.Expr(value=ast.Call() as call) if ast.unparse(call.func).startswith("sb.check."):
            given = [*call.args, *(keyword.value for keyword in call.keywords)]
            if not all(isinstance(value, ast.Name) for value in given):
                raise SbkitError(f"In a solution a check takes names, got {ast.unparse(call)}; {OWN}.")
        case ast.Import() | ast.ImportFrom():
            pass
        case _:
            return ""
    return ast.get_source_segment(source, node) or ""
