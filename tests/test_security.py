"""Nothing that a stranger wrote is run: not a name, a caption, a share text, a CSV file, saved weights."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pandas as pd
import pytest
import torch
from claims_page import HEADS, table
from hostile import ALL, FLAG, HOSTILE

import sbkit as sb
from sbkit.core import SbkitError
from sbkit.course import predict
from sbkit.lab.dials import dials
from sbkit.lab.replay import replay
from sbkit.lab.session import Session
from sbkit.lab.share import link, share, started
from sbkit.plots.figure import figure

ROOT = Path(__file__).parents[1]
hostile = pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)


# Sources


FORBIDDEN = {"eval", "exec", "compile", "__import__"}  # called by name
LOADERS = {
    "cPickle",
    "dill",
    "cloudpickle",
    "marshal",
    "shelve",
    "imp",
}  # run what they read; pickle's are below
COMMANDS = {"system", "popen", "getoutput"}  # of os and subprocess, through a shell
SCRIPTS = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|srcdoc|createContextualFragment|DOMParser"
    r"|\beval\s*\(|new\s+Function|set(?:Timeout|Interval)\(\s*[\"'`]|javascript:|\.on\w+\s*=[^=]"
)


EXCEPTIONS = {"benchmarks/lessons.py", "benchmarks/rank.py"}  # they run, to time them, the lessons' own cells


def python() -> dict[str, str]:
    """Every Python source that a reader runs, by name: package, scripts, benchmarks, cells of notebooks."""
    files = [path for folder in ("sbkit", "scripts", "benchmarks") for path in (ROOT / folder).rglob("*.py")]
    found = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in files}
    for path in sorted((ROOT / "notebooks").rglob("*.ipynb")):
        cells = [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]
        for cell in cells:
            text = re.sub(r"^(\s*)[%!].*$", r"\1pass", "".join(cell["source"]), flags=re.MULTILINE)
            found[f"{path.stem}#{cell['id']}"] = text
    return found


def faults(source: str) -> list[str]:
    """What a Python source calls or imports that can run a stranger's text or bytes."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
            read = LOADERS | ({"pickle"} if isinstance(node, ast.ImportFrom) else set())
            found += [f"imports {name}" for name in names if name.split(".")[0] in read]
        if isinstance(node, ast.Call):
            found += _called(node)
    return found


def _called(node: ast.Call) -> list[str]:
    text, keywords = ast.unparse(node), {k.arg: ast.unparse(k.value) for k in node.keywords}
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    alone = isinstance(node.func, ast.Name)
    given = bool(node.args or node.keywords)  # fleet.eval() takes nothing, pandas' eval a text
    written = all(isinstance(part, ast.Constant) for part in node.args)  # in the source, by its author
    wrong = (
        (alone and name in FORBIDDEN)
        or (not alone and name == "eval" and given)
        or (not alone and name == "query" and not written)
        or (name in COMMANDS or keywords.get("shell") == "True")
        or (text.startswith("torch.load(") and keywords.get("weights_only") != "True")
        or keywords.get("weights_only") == "False"
        or keywords.get("allow_pickle") == "True"
        or text.startswith(
            (
                "pickle.load",
                "pickle.Unpickler",
                "pickle._",
                "joblib.load(",
                "yaml.load(",
                "pd.read_pickle(",
                "pandas.read_pickle(",
            )
        )
    )
    return [text] if wrong else []


def test_no_source_runs_text_or_unpickles():
    found = {name: faults(text) for name, text in python().items() if name not in EXCEPTIONS}
    assert not {name: wrong for name, wrong in found.items() if wrong}


def test_pandas_styler_is_told_to_escape():
    """Unlike a table, it does not by itself."""
    cells = {name: text for name, text in python().items() if ".style" in text and "#" in name}
    assert cells and not [name for name, text in cells.items() if '.format(escape="html")' not in text]
    table = pd.DataFrame([{"claim": ALL}])
    assert "<img" not in table.style.hide(axis="index").format(escape="html").to_html()


@pytest.mark.parametrize(
    "source",
    [
        "eval('1')",
        "exec(text)",
        "torch.load('a.pt')",
        "torch.load('a.pt', weights_only=False)",
        "pickle.load(file)",
        "pickle.loads(text)",
        "pickle.Unpickler(file).load()",
        "from pickle import loads",
        "np.load('a.npy', allow_pickle=True)",
        "table.eval('a = b')",
        "table.query(text)",
        "subprocess.run(text, shell=True)",
        "os.system(text)",
    ],
)
def test_the_search_finds(source):
    assert faults(source)


def test_no_script_of_the_page_makes_code_or_tags_of_text():
    files = {path.name: path.read_text() for path in (ROOT / "sbkit").rglob("*.js")}
    files |= {path.name: path.read_text() for path in (ROOT / "scripts").rglob("*.py")}
    files |= {path.name: path.read_text() for path in (ROOT / "scripts").rglob("*.j2")}
    assert not {name: SCRIPTS.findall(text) for name, text in files.items() if SCRIPTS.search(text)}
    loads = [name for name, text in files.items() if re.search(r"\bimport\(", text)]
    assert loads == ["loader.js"], "the stage's own script, which the kernel sends, and nothing else"


@pytest.mark.parametrize("source", ["a.innerHTML = b", "eval (x)", "new Function(x)", "node.onclick = f"])
def test_the_search_finds_scripts(source):
    assert SCRIPTS.search(source)


# Weights


class Trap:
    """Pickled, it is a call that leaves a mark in the file system."""

    def __init__(self, mark: Path):
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (self.mark,)


def test_saved_weights_that_would_run_are_refused(tmp_path):
    mark, file = tmp_path / FLAG, tmp_path / "flowers.pt"
    torch.save({"weights": Trap(mark)}, file)
    with pytest.raises(Exception, match="weights_only|Weights only"):
        torch.load(file, weights_only=True)
    assert not mark.exists()
    assert "weights_only=True" in (ROOT / "README.md").read_text()


# Names, choices, texts


@hostile
def test_a_dial_has_the_name_of_an_argument(text):
    with pytest.raises(SbkitError, match="name"):
        dials(lambda **given: None, {text: [1, 2]})
    with pytest.raises(SbkitError, match="name"):
        dials(lambda **given: None, {"class": [1, 2]})


def drawn(name="a"):
    """A lesson that draws a text wherever a picture has room for one."""
    axes = sb.Axis(name, unit=name, low=0, high=1), sb.Axis(name)
    points = {"points": [[0.2, 0.3]], "labels": [0]}
    return [
        sb.Bars("bars", name, axes[1], [name, "b"] * 2, [1, 2, 3, 4], sides=[name, "B"], caption=name),
        sb.Bars("one", name, axes[1], [name], [1], marks=[sb.plots.Mark(name, 0, 1)], caption=name),
        sb.Lines("lines", name, *axes, [sb.Line(name, [0, 1], [0, 1], start=[1, 1]), sb.Line("b", [0], [0])]),
        sb.Field("field", name, *axes, [[0, 1], [1, 0]], scale=axes[0], caption=name, **points),
        sb.Field("map", name, sb.Axis(name, ticks=[name, "b"]), sb.Axis(name, ticks=[name]), [[0, 1]]),
    ]


@hostile
def test_code_and_share_text_hold_a_choice_as_a_string(text):
    meant = dials(drawn, {"name": ["a", text]})
    session = Session(drawn, {"name": text})
    (call,) = ast.parse(session.code()).body
    assert [ast.literal_eval(k.value) for k in call.value.keywords] == [text]
    written = ast.parse(link(session, meant)).body
    assert [type(node) for node in written] == [ast.Assign, ast.Expr]
    assert started(drawn, meant, ast.literal_eval(written[0].value))[1] == {"name": text}
    assert not set(share(session, meant)) & set("<>\"'\n")


@hostile
def test_a_share_text_is_a_value_or_a_sentence(text):
    meant = dials(drawn, {"name": ["a", "b"]})
    for start in (text, f"name={text}", f"{text}=a", f"https://example.org/?name={text}"):
        with pytest.raises(SbkitError):
            started(drawn, meant, start)


@hostile
def test_a_replay_holds_texts_as_data(text):
    page = replay(Session(drawn, {"name": text}))
    assert page.count("</script>") == 2 and page.count("<script") == 2 and page.count("<style") == 1
    before, _, rest = page.partition('<script type="application/json">')
    assert "<img" not in before and "<svg" not in before
    data, _, after = rest.partition("</script>")
    assert json.loads(data)["frames"][0]["plots"][0]["title"] == text and "<" not in data
    assert "<img" not in after.partition("<script")[0]


@hostile
def test_plotly_is_given_no_tags_but_our_own(text):
    fig = figure(drawn(text))
    texts = [json.loads(json.dumps(value)) for value in _texts(fig.to_plotly_json())]
    tags = {tag for value in texts for tag in re.findall(r"</?\w+", value)}
    assert tags <= {"<span", "</span", "<b", "</b", "<br", "<extra", "</extra"}
    usual = figure(drawn("a")).to_html(include_plotlyjs=False)
    assert fig.to_html(include_plotlyjs=False).count("<script") == usual.count("<script")
    assert fig.to_html(include_plotlyjs=False).count("</script") == usual.count("</script")


def _texts(value) -> list[str]:
    """All strings inside a figure, whatever they mean."""
    if isinstance(value, str):
        return [value]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else []
    return [text for part in parts for text in _texts(part)] if parts is not None else []


@hostile
def test_a_claim_is_a_row_of_text(text, tmp_path, monkeypatch):
    monkeypatch.setenv("SBKIT_CLAIMS", str(tmp_path / "claims.json"))
    monkeypatch.setenv("SBKIT_LESSON", "one")
    sb.claim(text, [1.0], within=(0, 2), published=text, source=text)
    (tmp_path / "little-room.toml").write_text(
        f"[one]\n{2 * (json.dumps(text) + ' = ')}"[:-3], encoding="utf-8"
    )
    lines = table(tmp_path / "claims.json").splitlines()
    first, second = (line for line in lines if "one run |" in line or "one run" in line.split(" | "))
    for row, columns in ((first, len(HEADS)), (second, 4)):
        assert row.count("|") - row.count("\\|") == columns + 1, "whatever is in them"
        assert not re.search(r"(?<!\\)<", row), "nothing starts a tag"


def test_a_question_and_its_choices_are_text(monkeypatch):
    monkeypatch.delenv("SBKIT_HEADLESS", raising=False)
    asked = predict(ALL, [ALL, "b"])
    question, choice, *_ = asked._widget().children
    assert "<img" not in question.value and "<script" not in question.value
    assert choice.options[0] == ALL, "which the page shows as text"


def test_columns_of_a_file_are_names_and_numbers(tmp_path):
    texts = [*HOSTILE.values()]
    frame = pd.DataFrame({text: [float(i % 3 + k) for i in range(40)] for k, text in enumerate(texts)})
    frame["y"] = [i % 2 for i in range(40)]
    frame.to_csv(tmp_path / "own.csv", index=False)
    task = sb.data.table(tmp_path / "own.csv", y="y")
    assert list(task.features)[0] == texts[0] and len(task.features) == len(texts)
    frame["y"] = [texts[i % 2] for i in range(40)]  # classes too
    frame.to_csv(tmp_path / "own.csv", index=False)
    assert sb.data.table(tmp_path / "own.csv", y="y").outputs == 2


def test_a_verdict_on_an_answer_is_plain_text():
    verdict = sb.check.pieces(ALL)
    assert not verdict and not hasattr(verdict, "_repr_html_")


def test_a_table_shows_texts_as_text():
    shown = pd.DataFrame({ALL: [ALL]})._repr_html_()
    assert "<img" not in shown and "onload" in shown and shown.count("<script") == 0
