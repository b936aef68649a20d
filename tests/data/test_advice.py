"""What the sentences advise is done to the letter, and makes a task."""

import ast
import re

import numpy as np
import pandas
import pandas as pd
import pytest
import torch

import sbkit as sb

N = 80
RNG = np.random.default_rng(0)
SIZE, COIN = RNG.normal(size=N), RNG.integers(2, size=N)
CITY = RNG.choice(["Paris", "Rome", "Oslo"], N)
TABLE = pd.DataFrame({"size": SIZE, "age": RNG.integers(20, 60, N), "bought": np.where(COIN, "yes", "no")})
X = TABLE[["size", "age"]]


def advised(given) -> str:
    """The sentence that a table gets."""
    with pytest.raises(sb.SbkitError) as told:
        sb.data.table(*given[:2], **(given[2] if len(given) > 2 else {}))
    return str(told.value)


def followed(sentence: str, x, y, **options) -> sb.Task:
    """The task that a sentence's last advice makes: options, or an expression, for x unless it says for y."""
    advice, _, what = sentence.rpartition(" try ")[2].removesuffix(".").partition(" as ")
    call = ast.parse(f"dict({advice})", mode="eval") if re.match(r"\w+=", advice) else None
    names = {"pandas": pandas, "numpy": np, "table": x, "x": x, "y": y, "sb": sb}
    made = eval(compile(call, "", "eval") if call else advice, names)
    if isinstance(made, sb.Task):
        return made
    if call:
        return sb.data.table(x, y, **options | made)
    return sb.data.table(*((x, made) if what == "y" else (made, y)))


def typos(values, *wrong: str) -> list[str]:
    """Numbers as text, of which the ones from row 3 on are none."""
    texts = [f"{value:.3f}" for value in values]
    return [*texts[:3], *wrong, *texts[3 + len(wrong) :]]


ROUND = RNG.integers(1000, 9_999_999, N)
TEXTS = {
    "words": CITY,
    "words of a category": pd.Categorical(CITY),
    "names of rows": [f"person {i}" for i in range(N)],
    "y in other words": np.where(COIN, "ja", "nein"),
    "numbers": [f"{v:.3f}" for v in SIZE],
    "with spaces": [f" {v:.3f} " for v in SIZE],
    "decimal comma": [f"{v:.3f}".replace(".", ",") for v in SIZE],
    "thousands": [f"{v:,}" for v in ROUND],
    "German": [f"{v / 100:,.2f}".translate(str.maketrans(",.", ".,")) for v in ROUND],
    "French": [f"{v / 100:,.2f}".translate(str.maketrans(",.", "\u202f,")) for v in ROUND],
    "Swiss": [f"{v:,}".replace(",", "'") for v in ROUND],
    "percent": [f"{v:.1f}%" for v in SIZE],
    "percent with a space": [f"{v:.1f} %" for v in SIZE],
    "dollars": [f"${abs(v):.2f}" for v in SIZE],
    "many dollars": [f"${v:,}" for v in ROUND],
    "a typo": typos(SIZE, "3.l4"),
    "question marks": typos(SIZE, "?", "?", "-"),
    "mixed": ["3.l4", *SIZE[1:]],
    "dates": pd.date_range("2020-01-01", periods=N),
    "dates with a zone": pd.date_range("2020-01-01", periods=N, tz="UTC"),
    "spans": pd.to_timedelta(RNG.integers(1, 99, N), unit="h"),
    "complex": SIZE + 1j,
    "category of numbers": pd.Categorical(RNG.integers(5, size=N)),
    "periods": pd.period_range("2020-01", periods=N, freq="M"),
}


@pytest.mark.parametrize("kind", TEXTS)
def test_text_becomes_numbers_by_the_advice(kind):
    table = TABLE.assign(other=TEXTS[kind])
    task = followed(advised((table, "bought")), table, "bought")
    assert task.outputs == 2 and not {"bought", "bought_yes", "bought_no"} & set(task.features)
    x = table.drop(columns="bought")
    assert followed(advised((x, COIN)), x, COIN).outputs == 2


def test_text_of_every_kind_at_once():
    table = TABLE.assign(**{kind: column for kind, column in TEXTS.items()})
    assert followed(advised((table, "bought")), table, "bought").outputs == 2


def test_one_hot_leaves_the_label_alone():
    table = TABLE.assign(city=CITY, job=np.roll(CITY, 1))
    says = advised((table, "bought"))
    assert "pandas.get_dummies(table, columns=['city', 'job'])" in says
    task = followed(says, table, "bought")
    fleet = sb.mlp(task, depth=0, runs=2)
    assert sb.last(sb.fit(fleet, task, steps=300, batch=16)).test_accuracy.max() < 0.8
    with pytest.raises(sb.SbkitError, match="does not hold y, got it .* in 'bought_no', 'bought_yes'"):
        sb.data.table(pd.get_dummies(table), COIN)


@pytest.mark.parametrize("kind", ["a typo", "mixed", "question marks"])
def test_the_value_shown_is_the_wrong_one(kind):
    says = advised((TABLE.assign(other=TEXTS[kind]), "bought"))
    assert re.search(r"'3\.l4' in row [03] of 'other'|'\?' in row 3 of 'other'", says)


@pytest.mark.parametrize(
    "x", [X.to_numpy().astype(str), X.to_numpy().astype(str).tolist()], ids=["array", "list"]
)
def test_arrays_of_text(x):
    assert torch.allclose(followed(advised((x, COIN)), x, COIN).z, sb.data.table(X, COIN).z, atol=1e-4)


def lacking(**rows: int) -> pd.DataFrame:
    """The table, as many of a column's first values missing as told."""
    return TABLE.assign(**{name: TABLE[name].where(np.arange(N) >= count) for name, count in rows.items()})


@pytest.mark.parametrize(
    "table",
    [
        lacking(age=3),
        lacking(age=N),
        lacking(size=70, age=2),
        lacking(bought=3),
        lacking(bought=3, age=39, size=1),
    ],
    ids=["few", "all", "most", "of y", "of both"],
)
def test_missing_values(table):
    assert followed(advised((table, "bought")), table, "bought").outputs == 2
    x, y = table[["size", "age"]], table["bought"].map({"yes": 1.0, "no": 0.0})
    assert followed(advised((x, y)), x, y).outputs == 2
    assert followed(advised((x.to_numpy(), y.to_numpy())), x.to_numpy(), y.to_numpy()).outputs == 2


def test_missing_in_many_rows_is_filled():
    table = lacking(size=35).assign(age=TABLE["age"].where(np.arange(N) < 45))
    task = followed(advised((table, "bought")), table, "bought")
    assert len(task.y) + len(task.y_test) == N


SEVERAL = pd.DataFrame(X.to_numpy(), columns=pd.MultiIndex.from_product([["a"], ["size", "age"]]))
OTHERS = {
    "lines of names": (SEVERAL, COIN),
    "same names": (pd.concat([TABLE, TABLE[["age"]]], axis=1), "bought"),
    "same as text": (pd.DataFrame(X.to_numpy(), columns=["1", 1]), COIN),
    "rows in another order": (X, TABLE["bought"].sample(frac=1, random_state=0)),
    "other rows": (X[X["age"] > 30], TABLE["bought"].sample(int((X["age"] > 30).sum()), random_state=0)),
    "labels with spaces": (X, [f"cat{' ' * (i % 3)}" if c else "dog" for i, c in enumerate(COIN)]),
    "labels with odd spaces": (
        TABLE.assign(bought=np.where(COIN, "New  York", "New\xa0York")).assign(
            bought=lambda t: t["bought"].where(t.index > 9, "Rome")
        ),
        "bought",
    ),
    "numbers and texts of numbers": (X, pd.Series([1, "1", 2, "2"] * (N // 4), dtype=object)),
    "quantities as text": (X, [f"{v:.2f}".replace(".", ",") for v in SIZE]),
    "quantities with a typo": (X, typos(SIZE, "3.l4")),
    "y itself": (TABLE.assign(label=COIN + 1), "bought"),
    "an option of a table": (X, COIN, {"sep": ";"}),
}


@pytest.mark.parametrize(
    "case", [name for name in OTHERS if name not in ("an option of a table", "quantities with a typo")]
)
def test_other_advice(case):
    x, y = OTHERS[case]
    assert isinstance(followed(advised((x, y)), x, y), sb.Task)


def test_labels_that_look_alike_but_for_capitals_are_pointed_out():
    with pytest.warns(UserWarning, match="by capitals alone: 'Cat', 'cat'"):
        assert sb.data.table(X, np.where(COIN, "Cat", "cat")).names == ("Cat", "cat")
