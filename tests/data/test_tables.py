"""The sentence for every table that is none."""

import numpy as np
import pandas as pd
import pytest
from cases import animals

import sbkit as sb
from sbkit.data.tables import MOST

TABLE = animals()
NAMES, ROWS = list(TABLE)[:3], len(TABLE)
X, KIND = TABLE[NAMES].to_numpy(), TABLE["kind"].to_numpy(dtype=str)
Y = np.arange(ROWS) % 2  # sorted: Bird, cat


def lacking(column: str, rows: int, value: object) -> pd.DataFrame:
    """The table with other values in the first rows of a column."""
    values = TABLE[column].astype(object if column == "kind" else float)
    values.iloc[:rows] = value
    return TABLE.assign(**{column: values})


MANY = np.broadcast_to(np.float32(0), (10**7, 3))  # takes no memory
REFUSED = {
    "NaN": ((lacking("age", 3, np.nan), "kind"), r"missing .* 40 rows of which 'age' lacks 3; .*dropna"),
    "None": (([[1, None]] * ROWS, Y), "'x2' lacks 40"),
    "y lacks": ((lacking("kind", 2, None), "kind"), "'kind' lacks 2"),
    "NaN in y": ((X, [float("nan"), *Y[1:]]), "'y' lacks 1"),
    "infinite": ((lacking("age", 2, -np.inf), "kind"), "infinite ones in 'age', 2 of 40 rows"),
    "infinite y": ((X, [np.inf, *Y[1:]]), "infinite ones in 'y', 1 of 40"),
    "too large": ((X * [1, 1e39, 1], Y), r"at most 3.4e\+38, got infinite ones in 'x2'"),
    "text": ((TABLE, np.roll(Y, 3) & Y), "numbers, got text, .*'Bird' in row 0 of 'kind' .*get_dummies"),
    "numbers as text": ((X.astype(str), Y), "got text, .* of 'x1'"),
    "dates": ((TABLE.assign(day=pd.Timestamp("2020-01-01")), "kind"), "dates .* of 'day' .datetime64"),
    "categories": ((TABLE.assign(kind=pd.Categorical(KIND)), Y), "'Bird' in row 0 of 'kind' .category"),
    "complex": ((X + 1j, Y), "of 'x1' .complex128"),
    "one class": ((X, ["a"] * ROWS), "two classes or more, got 'a' alone in all 40 rows"),
    "one value": ((X, np.zeros(ROWS)), "two classes or more, got '0' alone"),
    "a class of one": ((X, ["a", *KIND[1:]]), "two rows or more, .* got one of 'a'; drop or merge"),
    "a quantity": ((X, np.arange(ROWS)), r"'4' and 35 more; .*floats of shape \(n, 1\)"),
    "two columns of classes": ((X, np.c_[Y, 1 - Y]), "one column, got 2; .*argmax.*astype"),
    "classes without an order": ((X, pd.Series([("a",), 1] * 20)), "can be sorted, got a mixture: .*astype"),
    "no rows": (([], []), "At least 8 rows, .*got 0"),
    "few rows": ((X[:7], Y[:7]), "At least 8 rows, .*got 7"),
    "many rows": ((MANY, np.zeros(10**7)), r"At most 1,000,000 rows, .*got 10,000,000; .*x\[::10\]"),
    "other lengths": ((X, Y[1:]), "as many rows, got 40 and 39"),
    "unequal rows": (([[1, 2], [3]] * 20, Y), "equally long, got some of 1 values, some of 2"),
    "same names": ((TABLE.rename(columns={"age": "weight"}), "kind"), "different names, got 'weight' more"),
    "same as text": ((pd.DataFrame(X, columns=["1", 1, 2]), Y), "different names, got '1' more"),
    "no such y": ((TABLE, "kin"), "No column named 'kin'; there are height, .*Did you mean 'kind'"),
    "y alone": ((TABLE[["kind"]], "kind"), "x has a column or more beside y, got kind alone"),
    "blurred": ((X * 100 + 1.7e9, Y), "float32 needs to tell values apart, got .* in 'x1'; subtract"),
    "x of three axes": ((np.zeros((40, 2, 2)), Y), r"x has rows and columns: .*got shape \(40, 2, 2\)"),
    "no x": ((None, Y), "x has rows and columns: .*CSV file, got NoneType"),
    "x of names": (({"a": Y}, Y), "x has rows and columns: .*got dict"),
    "no y": ((X, None), "y has rows and columns: .*name of a column of x, got NoneType"),
    "a number for y": ((X, 0.5), "y has rows and columns: .*got float"),
    "unknown column": ((TABLE, "kind", {"a": "hight"}), "No column named 'hight'; .*Did you mean 'height'"),
    "unknown place": ((X, Y, {"a": [0, 3]}), "counted from 0 to 2, .*got 3; there are x1, x2, x3"),
    "in two features": ((TABLE, "kind", {"a": "age", "b": ["age"]}), "got 'age' in 'a' and 'b'"),
    "twice in one": ((TABLE, "kind", {"a": ["age", 2]}), "got 'age' in 'a' and 'a'"),
    "empty feature": ((TABLE, "kind", {"a": []}), r"a column or more, got 'a': \[\]"),
    "a number for a name": ((TABLE, "kind", {1: "age"}), "a name, a string, .*got 1: age"),
    "a list of features": ((TABLE, "kind", ["age"]), "features are name → column .*got list; try"),
    "a feature named as a column": ((TABLE, "kind", {"age": "height"}), "different names, got 'age' for a"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refuses(case):
    given, says = REFUSED[case]
    with pytest.raises(sb.SbkitError, match=says):
        sb.data.table(*given)


OTHERS = TABLE.rename(columns={"age": "Age"})
REFUSED_TESTS = {
    "nothing": (0, "test is a number at least 0.01 and at most 0.9, got 0"),
    "a count": (10, "test is a number at least 0.01 .*got 10"),
    "a third part": ((TABLE, "kind", 0), r"\(x_test, y_test\), got 3 parts"),
    "fewer columns": ((X[:, :2], KIND), "have the columns of x and y, got x1, x2 for height, weight, age"),
    "other columns": ((OTHERS, "kind"), "No column of x_test named 'age'; there are .*Did you mean 'Age'"),
    "a class is not there": ((TABLE[KIND == "cat"], "kind"), "got no test row of 'Bird'"),
    "a new class": (
        (TABLE[NAMES], ["new", "cat"] * 20),
        "got no training row of 'new'|no test row of 'Bird'",
    ),
    "more answers": ((TABLE[NAMES], X[:, :2]), "have the columns of x and y, .* and y1, y2 for kind"),
    "missing": ((lacking("age", 3, np.nan), "kind"), "40 rows of which 'age' lacks 3"),
}


@pytest.mark.parametrize("case", REFUSED_TESTS)
def test_refuses_test_rows(case):
    test, says = REFUSED_TESTS[case]
    with pytest.raises(sb.SbkitError, match=says):
        sb.data.table(TABLE, "kind", test=test)


FILES = {
    "empty": ("", "cannot be read as CSV: No columns"),
    "header alone": ("a,kind\n", "At least 8 rows, .*got 0"),
    "same names": ("a,a,kind\n" + "1,2,x\n1,3,y\n" * 9, "different names, got 'a' more than once"),
    "no name": (TABLE.to_csv(), "has a name in its first line, got none for the first; .*try index_col=0"),
    "too few names": ("a,kind\n" + "1,2,x\n1,3,y\n" * 9, "got none for the first; .*try index_col=0"),
    "unequal rows": ("a,kind\n1,x\n1,2,3\n", "cannot be read as CSV: .*Expected 2 fields in line 3, saw 3"),
    "other bytes": (b"a,kind\n\xff\xfe,x\n", "cannot be read as CSV: .*utf-8"),
    "semicolons": ("a;kind\n" + "1;x\n2;y\n" * 9, "has a column for y and others, got 'a;kind'; try sep=';'"),
    "many rows": (
        "a,kind\n" + "1,2\n" * (MOST + 1),
        r"At most 1,000,000 rows, .*got more in file.csv; .*sample",
    ),
}


@pytest.mark.parametrize("case", FILES)
def test_refuses_files(written, case):
    text, says = FILES[case]
    path = written(text)
    with pytest.raises(sb.SbkitError, match=says):
        sb.data.table(path, "kind")


def test_a_file_that_is_not_there(written):
    with pytest.raises(sb.SbkitError, match="'flower.csv' is none; in .*there is no CSV file"):
        sb.data.table("flower.csv", "kind")
    written("")
    with pytest.raises(sb.SbkitError, match=r"'flower.csv' is none; in .*there are file\.csv"):
        sb.data.table("flower.csv", "kind")
