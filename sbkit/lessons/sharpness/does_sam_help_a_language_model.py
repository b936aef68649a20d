"""Does SAM help a language model? A grammar and its entropy, texts as tasks, what words cost, exercises."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from sbkit.core import Feature, Fleet, Snapshot, Task, plot
from sbkit.course.exercise import exercise, normal
from sbkit.plots import Axis, Bars, Line, Lines
from sbkit.plots.bands import alive, finite, middle, step_line

WHO = "the my your one".split()
HOW = "small old red quick lazy kind loud wise".split()
WHAT = "cat dog fox owl horse mouse robot child".split()
DOES = "sees likes draws hears helps knows finds follows".split()
SLOTS = [WHO, HOW, WHAT, DOES, WHO, HOW, WHAT]  # of a sentence, each filled at random
LETTERS = sorted({letter for slot in SLOTS for word in slot for letter in word} | {" ", "."})
CONTEXT, TEST = 8, 4000  # letters that a net sees, and that it is tested on
START = " robot. "  # what stands before a text
PROBE = "my lazy owl draws your quick robot."  # what is asked word by word
LENGTH = 40  # letters that we take for a sentence
SIDES = ("Adam", "SAM over Adam")  # the first half of the nets, and the other

FLOOR = "Bits that a letter of new text costs; band over nets. Dashes: what the grammar leaves open."
COST = "Bits that each word of one new sentence costs: with Adam, with SAM, and for who knows the grammar."


def entropy_rate() -> float:
    """Bits a letter that nobody can do without who knows the grammar: H(sentence) / mean length.

    >>> f"{entropy_rate():.3f}"
    '0.541'
    """
    length = sum(sum(map(len, slot)) / len(slot) + 1 for slot in SLOTS) + 1  # a space after each, one stop
    return sum(math.log2(len(slot)) for slot in SLOTS) / length


def text(letters: int, *seeds: int) -> str:
    """So many letters of sentences by the grammar.

    >>> text(35, 0)
    'one kind horse draws my small cat. '
    """
    rng, made = np.random.default_rng(seeds), ""
    while len(made) < letters:
        made += " ".join(rng.choice(slot) for slot in SLOTS) + ". "
    return made[:letters]


class OneHot(nn.Module):
    """Letters by number, (…, 8), as zeros and ones, (…, 8 · letters)."""

    def forward(self, z: Tensor) -> Tensor:
        return one_hot(z.long(), len(LETTERS)).flatten(-2).to(z.dtype)


def read(written: str) -> tuple[Tensor, Tensor]:
    """Each letter's number (n,), and those of the eight before it (n, 8)."""
    codes = torch.tensor([LETTERS.index(letter) for letter in START + written])
    return codes[CONTEXT:], codes.unfold(0, CONTEXT, 1)[:-1].float()


def corpus(sentences: int = 30, seed: int = 0) -> Task:
    """Which letter follows which eight, in a text of about so many sentences; new text is 4,000 letters.

    >>> corpus(10).x.shape, corpus(10).x_test.shape
    (torch.Size([400, 208]), torch.Size([4000, 208]))
    """
    (y, z), (y_test, z_test) = read(text(sentences * LENGTH, seed)), read(text(TEST, seed, 1))
    return Task(z, y, z_test, y_test, {"context": Feature((*range(CONTEXT),))}, OneHot(), names=LETTERS)


def surprise(fleet: Fleet, x: Tensor, y: Tensor) -> Tensor:
    """Bits that each next letter costs the nets, −log₂ of its chance; x (n, d), y (n,). (runs, n)"""
    chances = fleet.predict(x).double().log_softmax(-1)  # (runs, n, letters)
    return -chances[..., torch.arange(len(y)), y] / math.log(2)


def bits(fleet: Fleet, task: Task) -> Tensor:
    """Mean bits a letter of the text that is new to the nets. (runs,)

    >>> from sbkit.models import mlp
    >>> bits(mlp(task := corpus(5), width=4, runs=2), task).shape
    torch.Size([2])
    """
    return surprise(fleet, task.x_test, task.y_test).mean(1)


@plot("bits")
def bit_lines(history: Sequence[Snapshot]) -> Lines | None:
    """Bits a letter over steps, of each half of the nets, and the grammar's own as a floor."""
    if "bits" not in history[-1].values:
        return None
    lines = [step_line(name, history, lambda s, i=i: _half(s, i)) for i, name in enumerate(SIDES)]
    either = np.fmax(lines[0].y, lines[1].y)  # NaN where no net has a loss
    floor = np.where(np.isnan(either), either, np.float32(entropy_rate()))
    lines.append(Line("the grammar", lines[0].x, floor, dash=True))
    axes = Axis("step", low=0), Axis("bits a letter", low=0, high=6)
    return Lines("bits", "How surprised are they?", *axes, lines, FLOOR, grows=True)


def _half(seen: Snapshot, i: int) -> Tensor:
    """Bits of the nets with Adam, 0, or with SAM, 1, and NaN of the others. (runs,)"""
    found = seen.values["bits"]
    with_sam = torch.arange(len(found)) >= (len(found) + 1) // 2
    return found.where(with_sam == bool(i), math.nan)


def words(fleet: Fleet, task: Task) -> Tensor:
    """Bits that each word of a new sentence costs, with the space or stop after it. (runs, words)"""
    y, z = read(PROBE)
    ends = [i for i, letter in enumerate(PROBE) if letter in " ."]
    costs = surprise(fleet, task.embed(z.to(task.z)), y).cumsum(1)[:, ends]  # (runs, words)
    return costs.diff(dim=1, prepend=torch.zeros_like(costs[:, :1]))


@plot("words")
def word_bars(history: Sequence[Snapshot]) -> Bars | None:
    """What each word of a sentence costs nets with Adam, nets with SAM, and one who knows the grammar."""
    if "words" not in history[-1].values:
        return None
    costs = finite(history[-1].values["words"])  # (runs, words)
    costs = np.where(alive(history[-1])[:, None], costs, np.nan)
    names = [f"{i} {word}" for i, word in enumerate(PROBE.rstrip(".").split(), 1)]
    parts = [middle(part)[0] for part in np.split(costs, [(len(costs) + 1) // 2])]
    parts.append(np.log2([len(slot) for slot in SLOTS]) + 0 * middle(costs)[0])
    about = {"sides": (*SIDES, "the grammar"), "caption": COST}
    bars = names * 3, np.concatenate(parts)
    return Bars("words", "Word by word", Axis("bits", low=0, high=60), *bars, **about)


# Bits a letter of three toy grammars: 8 × 8 words in 12 letters, 8 × 16 in 12, 8 × 8 in 24.
grammar_floor = exercise(
    want=[6 / 12, 7 / 12, 6 / 24],
    wrong={
        "One of 8 words is 3 bits, for 2³ is 8: take log₂ first.": [64 / 12, 128 / 12, 64 / 24],
        "Those are nats: take the logarithm to base 2.": [n * math.log(2) for n in (6 / 12, 7 / 12, 6 / 24)],
        "Those are bits a sentence. A letter?": [6, 7, 6],
    },
    right="More words raise the floor a little, longer words lower it: letters that are certain are free.",
    rest="Add up log₂ of the choices, and divide by the letters.",
)

P, SEEN = torch.sigmoid(3 * normal(40)), torch.arange(40) % 3 == 0  # (letters,) each


def _bits(p: Tensor) -> Tensor:
    return -p.log2().mean()


# A function of the chances that a net gave the letters that came, (n,) → bits a letter.
letter_bits = exercise(
    "p",
    tries=[(P,), (P[:7],)],
    want=_bits,
    wrong={
        "Those are nats: take the logarithm to base 2.": lambda p: -p.log().mean(),
        "Those are bits for the whole text: take the mean.": lambda p: -p.log2().sum(),
        "First the logarithm, then the mean: a letter at chance 0 costs all.": lambda p: -p.mean().log2(),
    },
    right="A letter that was certain costs nothing, one at ½ a bit, and one at 0.001 ten.",
    rest="Minus log₂ of every chance, then the mean.",
)

# A function of such chances and of whether each letter's sentence was among those learned → bits a letter.
honest_bits = exercise(
    "p and seen",
    tries=[(P, SEEN), (P.flip(0), SEEN)],
    want=lambda p, seen: _bits(p[~seen]),
    wrong={
        "That is the friend's number, which lies below the floor.": lambda p, seen: -p.log().mean(),
        "Bits now. But what was learned by heart says nothing of new text.": lambda p, seen: _bits(p),
        "New sentences only. But these are nats.": lambda p, seen: -p[~seen].log().mean(),
        "You kept those that the net has seen.": lambda p, seen: _bits(p[seen]),
    },
    right="Now it's in the unit of the floor, and of new sentences alone.",
    rest="Which letters may count, and which logarithm makes bits?",
)
