"""The journal: whole lines, kept, read and deleted; trouble is told and nothing stops."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pandas as pd
import pytest

import sbkit as sb
from sbkit.course import journal

HALF = json.dumps(dict.fromkeys(journal.COLUMNS, "x")).encode()  # all there, none of it right
CHOICES = {"half": (0.4, 0.6), "all": (0.9, 1.0)}


@pytest.fixture(autouse=True)
def data(monkeypatch, tmp_path):
    monkeypatch.setenv("SBKIT_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("SBKIT_HEADLESS", raising=False)
    return tmp_path / "data"


def predicted(found, choice="half", confidence=80.0, lesson="", monkeypatch=None):
    prediction = sb.predict("How many?", CHOICES, choice, confidence)
    prediction.commit()
    return prediction, prediction.against(found)


def test_a_committed_prediction_is_a_line_and_its_outcome_replaces_it(data):
    prediction = sb.predict("How many?", CHOICES, confidence=80)
    assert len(journal.table()) == 0 and not data.exists(), "nothing is kept before it is committed"
    prediction.commit()
    prediction.commit()
    assert journal.table()["measured"].tolist() == [None]
    for _ in range(2):  # a cell may run twice
        prediction.against([0.95, 1.0])
    (file,) = data.iterdir()
    lines = pd.read_json(file, lines=True)
    assert len(lines) == 2, "pandas reads the file as it is"
    row = journal.table().iloc[0]
    assert (row.choice, row.confidence, row.measured, row.right) == ("half", 80, "all", False)


def test_a_changed_outcome_counts_last():
    prediction, _ = predicted("all")
    prediction.against("half")
    assert journal.table()["right"].tolist() == [True]


def test_brier_score_by_hand(monkeypatch):
    for lesson, found, choice, confidence in [
        ("a/one.ipynb", "half", "half", 80),
        ("a/one.ipynb", "all", "half", 60),
        ("b/two.ipynb", "all", "all", 100),
    ]:
        monkeypatch.setenv("JPY_SESSION_NAME", lesson)
        predicted(found, choice, confidence)
    sb.predict("Left open", CHOICES).commit()
    score = journal.calibration()
    assert list(score.index) == ["one", "two", "all lessons"]
    assert score.loc["one", "brier"] == pytest.approx((0.2**2 + 0.6**2) / 2)
    assert score.loc["two"].tolist() == [1, 100, 100, 0]
    assert score.loc["all lessons"].tolist() == pytest.approx([3, 200 / 3, 80, (0.04 + 0.36) / 3])


def test_nobody_has_predicted_yet():
    assert len(journal.calibration()) == 0 and journal.delete() == 0


def test_delete(data):
    predicted("half")
    assert journal.delete() == 1 and len(journal.table()) == 0 and not list(data.iterdir())


LISTED = json.dumps(dict.fromkeys(journal.COLUMNS, []) | {"confidence": 50, "right": None}).encode()
DEEP = b"[" * 100_000
SURE = json.dumps(dict.fromkeys(journal.COLUMNS, "x") | {"confidence": 1e300, "right": True}).encode()
GARBAGE = [
    b"{half a li",
    b"[1, 2]",
    b'{"id": "x"}',
    b"\xff\xfe",
    b'"text"',
    HALF,
    LISTED,
    DEEP,
    SURE,
    b"\0" * 99,
]


@pytest.mark.parametrize("spoiled", GARBAGE, ids=range(len(GARBAGE)))
def test_a_corrupt_line_is_told_and_left_out(data, spoiled):
    predicted("half")
    (file,) = data.iterdir()
    file.write_bytes(spoiled + b"\n" + file.read_bytes())
    with pytest.warns(UserWarning, match=r"1 line\(s\) in .* left out"):
        assert len(journal.table()) == 1


def test_a_line_cut_short_does_not_spoil_the_next(data):
    predicted("half")
    (file,) = data.iterdir()
    file.write_bytes(file.read_bytes()[:-5])  # a full disk
    with pytest.warns(UserWarning, match="left out"):
        predicted("all", "all")
        assert "all" in journal.table()["measured"].tolist()


def test_a_folder_that_cannot_be_written_is_told_and_the_lesson_goes_on(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SBKIT_DATA", str(tmp_path / "file"))  # also for root, whom no mode stops
    prediction = sb.predict("How many?", CHOICES)
    with pytest.warns(UserWarning, match="not kept: .* The lesson goes on"):
        prediction.commit()
    assert prediction.committed and not prediction.locked


def a_file(data, monkeypatch):
    """Also for root, whom no mode stops."""
    data.write_text("")


def a_folder(data, monkeypatch):
    journal._own_file().mkdir(parents=True)


def no_permission(data, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    predicted("half")  # kept while it still could be
    for name in ("read_bytes", "mkdir"):
        monkeypatch.setattr(journal.Path, name, refuse)


def no_disk(data, monkeypatch):
    def refuse(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(journal.Path, "mkdir", refuse)


def no_network(data, monkeypatch):
    def refuse(*_, **__):
        raise OSError(116, "Stale file handle")

    for name in ("glob", "mkdir"):
        monkeypatch.setattr(journal.Path, name, refuse)


TROUBLES = [a_file, a_folder, no_permission, no_disk, no_network]


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.filterwarnings("ignore:.*The lesson goes on")
def test_where_nothing_can_be_kept_the_lesson_goes_on(trouble, data, monkeypatch, tmp_path):
    """What was predicted in this kernel is still compared, listed."""
    trouble(data, monkeypatch)
    prediction = sb.predict("How many?", CHOICES, confidence=80)
    with pytest.warns(UserWarning, match="not kept: .* The lesson goes on"):
        prediction.commit()
        said = prediction.against([0.95])
    assert said.startswith("You said “half” (80 % sure). Measured: “all”.") and said.count("\n") == 2
    assert said.endswith("Your predictions so far: 1, 0 % right, 80 % sure on average; "
                         "Brier score 0.64 (0 is perfect, 0.25 is always “50 %”).")  # fmt: skip
    assert journal.table()["measured"].tolist() == ["all"]
    assert journal.calibration().loc["all lessons", "predictions"] == 1
    journal.delete()
    assert len(journal.table()) == 0


def test_a_journal_deleted_while_the_lesson_runs_begins_anew(data):
    prediction, _ = predicted("half")
    shutil.rmtree(data)
    assert "predictions so far: 1" in prediction.against("all")
    assert journal.table()["measured"].tolist() == ["all"]


def test_what_could_be_written_later_is_counted_once(data):
    data.write_text("")
    prediction = sb.predict("How many?", CHOICES)
    with pytest.warns(UserWarning, match="not kept"):
        prediction.commit()
    data.unlink()
    prediction.against("half")
    assert len(journal._files()) == 1 and journal.table()["right"].tolist() == [True]


def test_a_file_that_cannot_be_deleted_is_named(data):
    predicted("half")
    (data / "predictions-other.jsonl").mkdir()
    with pytest.warns(UserWarning, match="predictions-other.jsonl in .* is not deleted"):
        assert journal.delete() == 1


def test_a_question_of_half_a_letter_is_kept(data):
    sb.predict("\ud83d?", CHOICES).commit()
    assert journal.table()["question"].tolist() == ["\ud83d?"]


def test_without_a_page_nothing_is_kept(monkeypatch, data):
    monkeypatch.setenv("SBKIT_HEADLESS", "1")
    prediction, said = predicted([0.5])
    assert prediction.committed and not prediction.locked
    assert said.count("\n") == 1 and not data.exists()


def test_kernels_that_write_at_once_lose_nothing(data):
    program = (
        "import sbkit as sb\nfor i in range(50): sb.predict(f'{i} ' + 'long ' * 99, ['a', 'b']).commit()"
    )
    writers = [subprocess.Popen([sys.executable, "-c", program]) for _ in range(2)]
    assert [writer.wait() for writer in writers] == [0, 0]
    assert len(journal.table()) == 100
    (file,) = data.iterdir()
    lines = [line for line in file.read_bytes().splitlines() if line]  # one may end a line half written
    assert all(json.loads(line)["choice"] == "a" for line in lines)


def test_no_names_are_kept():
    predicted("half")
    assert list(journal.table().columns) == journal.COLUMNS
