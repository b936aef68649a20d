"""The science of the lesson "Does SAM help a language model?", at other seeds than its own.

Row 42 of the course's sheet: Bahri et al. 2022. Not asserted: that SAM loses its lead with thirty sentences,
and where the curves of ten cross.
"""

import itertools
import json
import math
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch

import sbkit as sb
from sbkit.lessons.sharpness import does_sam_help_a_language_model as extra

NOTEBOOK = Path(__file__).parents[2] / "notebooks/3-sharpness/06-does-sam-help-a-language-model.ipynb"


@cache
def curves() -> Any:
    """The lesson's own function."""
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    names: dict[str, Any] = {"sb": sb, "extra": extra, "torch": torch}
    for cell in cells:
        if cell["id"] in ("lesson", "curves"):
            exec("".join(cell["source"]), names)  # noqa: S102
    return names["curves"]


def token(slot: int, word: str) -> str:
    """A word with what follows it."""
    return word + (" " if slot + 1 < len(extra.SLOTS) else ". ")


def before(slot: int, letters: int):
    """What may stand before a slot, at least so many letters of it, and how probable that is."""
    if letters <= 0:
        yield "", 1.0
        return
    slot = (slot - 1) % len(extra.SLOTS)
    for word in extra.SLOTS[slot]:
        for rest, chance in before(slot, letters - len(token(slot, word))):
            yield rest + token(slot, word), chance / len(extra.SLOTS[slot])


def left_open(context: int) -> float:
    """Bits a letter left to one who knows the grammar and sees so many letters: exact, window by window."""
    windows: Counter = Counter()
    for slot, each in enumerate(extra.SLOTS):
        for word, i in itertools.chain(*([(w, i) for i in range(len(token(slot, w)))] for w in each)):
            made = token(slot, word)
            for rest, chance in before(slot, context - i):
                windows[(rest + made[:i])[-context:], made[i]] += chance / len(each)
    seen: Counter = Counter()
    for (window, _), chance in windows.items():
        seen[window] += chance
    bits = sum(chance * math.log2(seen[window] / chance) for (window, _), chance in windows.items())
    return bits / sum(seen.values())


def test_the_entropy_rate_is_that_of_all_sentences(monkeypatch):
    """Of a small grammar, by writing down each of its sentences; and who sees all of one needs no less."""
    monkeypatch.setattr(extra, "SLOTS", [["a", "my"], ["old", "kind", "sly"], ["cat", "mouse"]])
    every = [" ".join(words) + ". " for words in itertools.product(*extra.SLOTS)]
    rate = math.log2(len(every)) / (sum(map(len, every)) / len(every))
    assert extra.entropy_rate() == pytest.approx(rate, rel=1e-12)
    assert left_open(30) == pytest.approx(rate, rel=1e-9)
    assert left_open(1) > 1.01 * rate


def test_eight_letters_leave_a_little_more_open_than_the_grammar():
    assert extra.entropy_rate() == pytest.approx(19 / 35.125, rel=1e-12)
    assert left_open(8) == pytest.approx(0.5979, abs=1e-4)


def test_texts_follow_the_grammar_and_tasks_the_text():
    text, task = extra.text(400, 5), extra.corpus(10, seed=5)
    for sentence in text.split(". ")[:-1]:
        assert all(word in slot for word, slot in zip(sentence.split(" "), extra.SLOTS, strict=True))
    assert task.x.shape == (400, 8 * 26) and len(task.y_test) == 4000
    assert "".join(extra.LETTERS[i] for i in task.y) == text
    for i in (0, 7, 8, 399):
        window = (extra.START + text)[i : i + 8]
        assert task.z[i].tolist() == [extra.LETTERS.index(letter) for letter in window]
        assert task.x[i].view(8, 26).argmax(1).tolist() == task.z[i].tolist()


def test_bits_and_words_are_minus_log2_of_chances():
    """Against a slow loop, in float64."""
    task = extra.corpus(5, seed=6).to(dtype=torch.float64)
    fleet = sb.mlp(task, width=6, runs=2, seed=6)
    chances = fleet.predict(task.x_test).softmax(-1)
    slow = [-sum(math.log2(float(p[i, y])) for i, y in enumerate(task.y_test)) / 4000 for p in chances]
    assert extra.bits(fleet, task).tolist() == pytest.approx(slow, rel=1e-10)
    y, z = extra.read(extra.PROBE)
    whole = extra.surprise(fleet, task.embed(z.double()), y).sum(1)
    torch.testing.assert_close(extra.words(fleet, task).sum(1), whole, rtol=1e-5, atol=0)
    assert extra.words(fleet, task).shape == (2, 7)


@pytest.mark.slow
def test_what_sam_saves_hangs_on_the_text_and_on_the_step():
    held = {size: curves()(size, seed=7000, steps=2000 if size == 10 else 500) for size in (10, 30, 100)}
    saved = {size: adam[:, 9] - sam[:, 9] for size, (adam, sam) in held.items()}
    assert saved[10].min() > 0.05 and saved[30].min() > 0.05 and saved[100].abs().max() < 0.15
    assert saved[10].mean() > saved[30].mean() > saved[100].mean()
    adam, sam = held[10]
    assert (adam[:, -1] - sam[:, -1]).mean() < 0.1
    assert (adam[:, 9] - adam.amin(1)).min() > 0.33 and (adam[:, 4] - sam[:, 9]).mean().abs() < 0.3
    assert min(float(curve.min()) for one in held.values() for curve in one) > 0.5979
