"""The vocabulary of exercises: what is tried, what is right, and each wrong answer with its hint, as data."""

from __future__ import annotations

import copy
import reprlib
import textwrap
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from sbkit.core import SbkitError, Task, generator

Tries = Sequence[tuple[Any, ...]]
Rule = Callable[..., Any]

CLOSE = 1e-3  # how near a known mistake is told
TURNED: dict[str, Callable[[Tensor], Tensor]] = {  # what is often taken for the right answer
    "The sign is turned around: you have minus what is asked for.": torch.neg,
    "That is 1 minus what is asked for.": lambda right: 1 - right,
    "That is 1 over what is asked for.": torch.reciprocal,
    "That is the exp of what is asked for: its logarithm is.": torch.exp,
    "That is the logarithm of what is asked for: its exp is.": torch.log,
}


class Verdict(NamedTuple):
    """right: whether the answer is; sentence: what to say of it."""

    right: bool
    sentence: str

    def __bool__(self) -> bool:
        return self.right

    def __repr__(self) -> str:
        return f"{'✓' if self.right else '✗'} {self.sentence}"


@dataclass(frozen=True, repr=False)
class Exercise:
    """An answer asked of the reader; called with one it gives a `Verdict`, never the solution.

    takes: names of what the reader's function takes ("w and x"); "" where numbers are the answer. tries: what
    it is called with, a tuple a call, or a function that makes them; it gets copies, which with `keeps` it
    must not change. want: a right answer, up to `atol` the only one unless `many`. wrong: hint → an answer
    that shows the mistake, or a tuple of such. must: hint → what has to hold of the found tensors, one a try,
    and an answer of which it does not; asked after `wrong`. measured: from the found, what is compared in
    their place. rest: what to say of all other answers; expects: of those of another shape. Sentences may
    tell what was found by `str.format`: {0:.2f}.

    >>> share = Exercise(want=[0.5, 0.2], wrong={"Add up.": [0.3, 0.7]}, right="So it is.", rest="Count.")
    >>> share([0.5, 0.2]), share([0.3, 0.7]), share([0.5, 0.3]), share([0.5, 0.8]), share([1, 2, 3])
    (✓ So it is., ✗ Add up., ✗ 1 of 2 is off. Count., ...)
    """

    takes: str = ""
    _: KW_ONLY
    want: Any
    right: str
    rest: str = "Not yet: read once more what is asked for."
    tries: Tries | Callable[[], Tries] = ((),)
    wrong: Mapping[str, Any] = field(default_factory=dict)
    must: Mapping[str, tuple[Rule, Any]] = field(default_factory=dict)
    measured: Callable[..., Sequence[Any]] | None = None
    expects: str = ""
    within: tuple[float, float] | None = None
    atol: float = 1e-4
    many: bool = False
    keeps: bool = False

    def __call__(self, answer: Any) -> Verdict:
        """What to say of an answer, whatever it is."""
        if answer is ...:
            return Verdict(False, "No answer yet: put yours in place of the dots.")
        try:
            return self._judged(answer)
        except SbkitError as why:
            return Verdict(False, str(why))

    def __repr__(self) -> str:  # not the solution
        return f"An exercise: call it with {f'a function of {self.takes}' if self.takes else 'your numbers'}."

    def mistakes(self) -> list[tuple[str, Any]]:
        """Every hint with every answer that shows it."""
        return self._listed() + [(hint, shown) for hint, (_, shown) in self.must.items()]

    def _listed(self) -> list[tuple[str, Any]]:
        each = {hint: shown if isinstance(shown, tuple) else (shown,) for hint, shown in self.wrong.items()}
        return [(hint, one) for hint, several in each.items() for one in several]

    def _judged(self, answer: Any) -> Verdict:
        tries = self.tries() if callable(self.tries) else self.tries
        want = self.answers(self.want, tries)
        given = self.answers(answer, tries, self.expects or _expected(want))
        found, wanted = self._found(given, want), self._found(want, want)
        fit = _same_shape(given, want) and all(bool(part.isfinite().all()) for part in given)
        broken = [hint for hint, (holds, _) in self.must.items() if not holds(*found)] if fit else [""]
        if not broken and (self.many or _near(found, wanted, self.atol)):
            return Verdict(True, self.right.format(*found))
        for hint, mistake in self._listed():
            if _near(found, self._found(self.answers(mistake, tries), want), max(CLOSE, self.atol)):
                return Verdict(False, hint.format(*found))
        if not fit:
            other = [part for part, like in zip(given, want, strict=True) if part.shape != like.shape]
            got = _words(other[0]) if other else "numbers that are not finite"
            raise SbkitError(f"{self.expects or _expected(want)}; got {got}.")
        rest = (*broken, self.rest)[0].format(*found)
        if self.many:
            return Verdict(False, rest)
        off = "" if self.takes else _off(found[0], wanted[0], self.atol)
        return Verdict(False, _turned(found, wanted, self.atol) or off + rest)

    def answers(self, answer: Any, tries: Tries, expects: str = "") -> list[Tensor]:
        """The answer, or what the function answers to each try, as float64."""
        if self.takes and not callable(answer):
            raise SbkitError(f"A function of {self.takes} is expected; got {_words(answer)}.")
        each = [self._called(answer, given) for given in tries] if self.takes else [answer]
        return [_tensor(one, expects) for one in each]

    def _called(self, function: Callable[..., Any], given: tuple[Any, ...]) -> Any:
        own = copy.deepcopy(given)
        try:
            answer = function(*own)
        except Exception as error:  # the reader's own, whatever it is
            reason = textwrap.shorten(f"{type(error).__name__}: {error}", 150).rstrip(".")
            told = ", ".join(_words(value) for value in given)
            raise SbkitError(f"Called with {self.takes} ({told}), the function stopped: {reason}.") from error
        if answer is None or answer is ...:
            raise SbkitError("The function gave nothing back: does it end with `return`?")
        if self.keeps and not all(map(_unchanged, given, own)):
            raise SbkitError("The function changes what it was given: work on a copy, or make new ones.")
        return answer

    def _found(self, given: list[Tensor], want: list[Tensor]) -> list[Tensor]:
        """What is compared: the answers, or what is measured of them where they have the wanted shape."""
        if not _same_shape(given, want):
            return given
        low, high = self.within or (None, None)
        if self.within and not all(torch.equal(part, part.clamp(low, high)) for part in given):
            raise SbkitError(f"Numbers from {low:,.0f} to {high:,.0f} are expected; got others.")
        if self.measured is None:
            return given
        return [torch.as_tensor(value, dtype=torch.float64) for value in self.measured(*given)]


exercise = Exercise  # as lessons write it: squeezed = exercise("factors", …)


def normal(*shape: int, seed: int = 0) -> Tensor:
    """Normal numbers to try a function on, float64, the same at every call. (*shape)"""
    return torch.randn(shape, dtype=torch.float64, generator=generator(seed))


def _tensor(answer: Any, expects: str) -> Tensor:
    """An answer as float64 without axes of one entry; a list of tensors counts as one long tensor."""
    try:
        with warnings.catch_warnings(action="error"):  # a complex number is no number here
            if isinstance(answer, list | tuple) and all(isinstance(a, Tensor | np.ndarray) for a in answer):
                answer = [torch.as_tensor(part).flatten() for part in answer]
                answer = torch.cat(answer) if len(set(map(len, answer))) > 1 else torch.stack(answer)
            array = answer.detach().cpu() if isinstance(answer, Tensor) else np.array(answer, np.float64)
            return torch.as_tensor(array, dtype=torch.float64).squeeze()
    except Exception as error:  # whatever an object does that is asked for its numbers
        raise SbkitError(f"{expects}; got {_words(answer)}.") from error


def _same_shape(given: list[Tensor], want: list[Tensor]) -> bool:
    return [part.shape for part in given] == [part.shape for part in want]


def _near(found: list[Tensor], other: list[Tensor], atol: float) -> bool:
    """Whether all numbers are the same up to atol, NaN where NaN is."""
    pairs = zip(found, other, strict=False)
    return _same_shape(found, other) and all(torch.allclose(a, b, 0, atol, equal_nan=True) for a, b in pairs)


def _turned(found: list[Tensor], wanted: list[Tensor], atol: float) -> str:
    """What to say where the right answer was turned around, or multiplied by a number; "" otherwise."""
    for hint, turn in TURNED.items():
        if _near(found, [turn(part) for part in wanted], atol):
            return hint
    all_found, right = (torch.cat([part.flatten() for part in parts]) for parts in (found, wanted))
    factor = float(all_found @ right / (right @ right))
    spread = right.numel() > 1 and float(right.std()) > CLOSE  # any number is a multiple of any other
    if spread and factor and torch.allclose(all_found / factor, right, 0, min(atol, CLOSE)):
        return f"Right up to a factor: yours is {factor:.3g} times what is asked for."
    return ""


def _off(found: Tensor, wanted: Tensor, atol: float) -> str:
    """How many of the numbers are wrong."""
    off = int((~found.isclose(wanted, rtol=0, atol=atol)).sum())
    return f"{off} of {found.numel()} {'is' if off == 1 else 'are'} off. "


def _expected(want: list[Tensor]) -> str:
    shape = tuple(want[0].shape)
    if len(shape) > 1:
        return f"A tensor of shape {shape} is expected"
    return f"{shape[0]} numbers are expected" if shape else "One number is expected"


def _words(value: Any) -> str:
    """The value in a few words; unlike `repr`, for any object."""
    if isinstance(value, Tensor) and value.ndim:
        return f"a shape of {tuple(value.shape)}"
    return reprlib.repr(value.item() if isinstance(value, Tensor) else value)


def _unchanged(given: Any, own: Any) -> bool:
    """Whether a function left its copy of a tensor, or of a task's test rows, as it was."""
    if isinstance(given, Task):
        return torch.equal(given.z_test, own.z_test) and torch.equal(given.y_test, own.y_test)
    return not isinstance(given, Tensor) or torch.equal(given, own)
