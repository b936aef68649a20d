"""Any small table is a task that holds its numbers, or gets a sentence: never another error."""

import warnings

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import sbkit as sb

NAMES = st.sampled_from(["a", "b", "y", "", " a", "1", 1, 0, "NA", "x1", None, ("a", "b"), 1.5, True])
TEXTS = ["1", "2.5", "1,000", "0,13", "5%", "$3", "3.l4", "NA", "", " cat", "cat", "Cat", "dog", "ja", "é"]
CELLS = {
    "floats": st.one_of(st.floats(width=32), st.sampled_from([0.0, 1.0, 2.0])),
    "ints": st.integers(-3, 3),
    "large": st.integers(-(2**62), 2**62),
    "bools": st.booleans(),
    "texts": st.sampled_from(TEXTS),
    "mixed": st.sampled_from([None, 1, 2.5, "1", "a", True, float("nan"), (1,), b"a"]),
    "dates": st.sampled_from([*pd.date_range("2020-01-01", periods=4), pd.NaT]),
    "spans": st.sampled_from([pd.Timedelta(hours=hours) for hours in (1, 2, 30)]),
    "complex": st.sampled_from([1j, 2 + 0j]),
}
TYPES = {"floats": [None, "Float64"], "ints": [None, "Int64", "category", "uint8"]}
TYPES |= {"bools": [None, "boolean"], "texts": [None, "category", "string"]}


def usual(seed: int, rows: int) -> dict[str, list]:
    """Cells that make tasks: hypothesis' own are mostly alike."""
    rng = np.random.default_rng(seed)
    pick = {"floats": rng.normal(size=rows).round(3), "ints": rng.integers(-3, 4, rows)}
    return {
        name: values.tolist() for name, values in (pick | {"bools": rng.integers(2, size=rows) > 0}).items()
    }


@st.composite
def tables(draw) -> tuple[pd.DataFrame, object, object]:
    """A table, its y (a name, a place, values), and which rows test."""
    odd = draw(st.booleans())  # else the kinds that make tasks
    rows = draw(st.integers(0, 14) if odd else st.integers(10, 20))
    columns = []
    for _ in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from([*CELLS] if odd else ["floats", "ints", "bools"]))
        column = pd.Series(draw(st.lists(CELLS[kind], min_size=rows, max_size=rows)) if odd else [])
        column = column if odd else pd.Series(usual(draw(st.integers(0, 99)), rows)[kind])
        name = draw(st.sampled_from(TYPES.get(kind, [None])))
        fits = name is not None and not (name == "uint8" and (column < 0).any())
        columns.append(column.astype(name) if fits else column)
    table = pd.concat(columns, axis=1)
    if draw(st.booleans()):
        table.columns = pd.Index(
            draw(st.lists(NAMES, min_size=len(columns), max_size=len(columns))), dtype=object
        )
    if draw(st.booleans()):
        table.index = pd.Index(draw(st.permutations(range(rows))), dtype=int)
    answers = pd.Series(
        draw(st.lists(st.sampled_from(["ja", "nein"]), min_size=rows, max_size=rows)), table.index
    )
    places = st.sampled_from([0, -1, 7, *map(str, table), "a"])
    y = draw(st.one_of(places, st.sampled_from([answers, table.iloc[:, 0].rename("y")])))
    return table, y, draw(st.sampled_from([0.25, 0.5]))


@settings(max_examples=120, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@given(drawn=tables())
def check(seen: list[sb.Task], drawn: tuple) -> None:
    """The task has the table's rows, or there is a sentence."""
    table, y, share = drawn
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of columns that tell y
        try:
            task = sb.data.table(table, y, test=share)
        except sb.SbkitError as error:
            assert len(str(error)) > 20
            return
    seen.append(task)
    parts = (task.z, task.y), (task.z_test, task.y_test)
    assert read(table, y) == sorted(row for z, answers in parts for row in rows_of(z, answers, task))


def test_a_task_or_a_sentence():
    seen: list[sb.Task] = []
    check(seen)
    assert len(seen) > 10


def rows_of(z, y, task) -> list[tuple[str, ...]]:
    """A task's rows as words: its numbers, and the name of its class or its value."""
    answers = [task.names[c] for c in y.tolist()] if task.classes else [f"{v:.5g}" for v in y[:, 0].tolist()]
    return [(*(f"{v:.5g}" for v in row), answer) for row, answer in zip(z.tolist(), answers, strict=True)]


def read(table: pd.DataFrame, y: object) -> list[tuple[str, ...]]:
    """The same, read cell by cell."""
    names = [str(name) for name in table] if not isinstance(table.columns, pd.RangeIndex) else None
    named = [f"x{i + 1}" for i in range(table.shape[1])] if names is None else names
    own = named.index(str(y)) if not isinstance(y, pd.Series) and str(y) in named else y
    if isinstance(y, pd.Series):
        own = named.index(y.name) if y.name in named else None
    elif isinstance(own, int):
        own %= table.shape[1]
    answers = list(y) if isinstance(y, pd.Series) else [table.iloc[i, own] for i in range(len(table))]
    values = isinstance(answers[0], float | np.floating) and any(not float(v).is_integer() for v in answers)
    said = [f"{np.float32(v):.5g}" if values else word(v) for v in answers]
    kept = [j for j in range(table.shape[1]) if j != own]
    return sorted(
        (*(f"{np.float32(table.iloc[i, j]):.5g}" for j in kept), said[i]) for i in range(len(table))
    )


def word(value: object) -> str:
    """A class as text, 1.0 as 1."""
    return str(int(value)) if isinstance(value, float | np.floating) else str(value)  # pyright: ignore
