"""Do complex numbers help attention? Noisy tones, a net of real or complex layers, an exercise."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from sbkit.core import Fleet, Snapshot, Task, generator, one_of
from sbkit.course.exercise import exercise, normal
from sbkit.data import stack
from sbkit.models import fleet_of
from sbkit.plots import Axis, Bars
from sbkit.plots.bands import finite, middle

STEPS, TONES, REAL = 16, 4, torch.tensor([[[1.0]], [[0.0]]])  # moments heard, tones; no imaginary part
KINDS = {"complex": (2, 16), "real": (1, 32)}  # parts of a number, and width
HEARD = "Share of new tones told right; bar = mean, dots = nets; chance: 0.25. How far apart are the bars?"


def tones(n: int = 1000, noise: float = 0.5, seed: int = 0, n_test: int = 500) -> Task:
    """Hands that turn 1, 2, 3 or 4 times around, from any start, seen 16 times with noise: x, y of each."""
    rng, rows = generator(seed), n + n_test
    y, start = torch.randint(TONES, (rows,), generator=rng), torch.rand(rows, generator=rng)
    turns = start[:, None] + (y[:, None] + 1) * torch.arange(STEPS) / STEPS  # (rows, steps)
    place = torch.stack([(2 * math.pi * turns).cos(), (2 * math.pi * turns).sin()], -1)
    z = (place + noise * torch.randn(place.shape, generator=rng)).flatten(1)  # (rows, 2 · steps)
    return Task(z[:n], y[:n], z[n:], y[n:], {}, shape=(STEPS, 2))


def draws(n: int = 1000, seed: int = 0, runs: int = 6) -> Task:
    """Tones of its own for each run."""
    return stack([tones(n, seed=seed + r) for r in range(runs)])


class Layer(nn.Module):
    """A linear layer of numbers of 1 part, real, or 2, complex: all real parts, then all imaginary."""

    def __init__(self, inputs: int, outputs: int, parts: int):
        super().__init__()
        end = 1 / math.sqrt(inputs)
        self.weight = nn.Parameter(torch.empty(parts, outputs, inputs).uniform_(-end, end))

    def forward(self, x: Tensor) -> Tensor:
        """(…, parts · inputs) → (…, parts · outputs)"""
        if len(self.weight) == 1:
            return x @ self.weight[0].mT
        real, imaginary = self.weight
        return x @ torch.cat([torch.cat([real, -imaginary], 1), torch.cat([imaginary, real], 1)]).mT


def attend(q: Tensor, k: Tensor, v: Tensor, soft: bool = True) -> Tensor:
    """Attention: all products of parts, each with its softmax, and signs. (…, parts, steps, width) each"""
    scores = q[..., :, None, :, :] @ k[..., None, :, :, :].mT / math.sqrt(q.shape[-1])
    w = scores.softmax(-1) if soft else scores  # (…, parts of q, parts of k, steps, steps)
    if q.shape[-3] == 1:
        return w[..., 0, :, :] @ v
    same, mixed = w[..., 0, 0, :, :] - w[..., 1, 1, :, :], w[..., 0, 1, :, :] + w[..., 1, 0, :, :]
    real, imaginary = v.unbind(-3)
    return torch.stack([same @ real - mixed @ imaginary, same @ imaginary + mixed @ real], -3)


class Listener(nn.Module):
    """One layer of attention and one of units over the moments of a tone, x (…, n, 2 · steps) → logits."""

    def __init__(self, parts: int, width: int):
        super().__init__()
        self.parts = parts
        self.embed = Layer(2 // parts, width, parts)
        self.place = nn.Parameter(torch.randn(STEPS, parts * width) / 10)
        self.ask, self.units = Layer(width, 3 * width, parts), Layer(width, width, parts)
        self.out = nn.Linear(parts * width, TONES)

    def forward(self, x: Tensor) -> Tensor:
        h = self.embed(x.unflatten(-1, (STEPS, 2))) + self.place  # (…, steps, parts · width)
        asked = self.ask(h).unflatten(-1, (self.parts, 3, -1))  # (…, steps, parts, 3, width)
        q, k, v = asked.movedim(-4, -2).unbind(-3)  # (…, parts, steps, width) each
        h = h + attend(q, k, v).movedim(-3, -2).flatten(-2)
        return self.out((h + self.units(h).relu()).mean(-2))


def listeners(numbers: str = "complex", weights: str = "usual", seed: int = 0, runs: int = 6) -> Fleet:
    """Nets of complex or real layers, whose first weights are "usual" or "quieter", divided by √2."""

    def net() -> Listener:
        made = Listener(*KINDS[one_of("numbers", numbers, KINDS)])
        for part in made.modules():
            if isinstance(part, Layer) and one_of("weights", weights, ["usual", "quieter"]) == "quieter":
                part.weight.data /= math.sqrt(2)
        return made

    return fleet_of(net, runs, seed)


def heard(each: Mapping[str, Sequence[Snapshot]], steps: Sequence[int]) -> Bars:
    """The accuracy on new tones of several runs' snapshots, at these steps side by side, a dot a net."""
    found = [{one.step: one.test_accuracy for one in run} for run in each.values()]
    values = finite(torch.stack([one[step] for step in steps for one in found]))  # (steps · runs, nets)
    sides = tuple(f"after {step} steps" for step in steps)
    y, names = Axis("accuracy", low=0, high=1), [*each] * len(sides)
    sides = sides if len(sides) > 1 else ()
    return Bars("heard", "Who hears it?", y, names, middle(values.T)[0], values, HEARD, sides=sides)


# A function of complex weights (2, outputs, inputs) → weights for a control that begins as loud as real ones.
quieter = exercise(
    "weight",
    tries=[(normal(2, 3, 4),)],
    want=lambda weight: weight / 2**0.5,
    wrong={
        "Nothing has changed: the control would be the experiment.": lambda weight: weight,
        "That's too quiet: the variance goes with the square of a weight.": lambda weight: weight / 2,
        "Without imaginary parts you'd change more than the loudness.": lambda weight: weight * REAL,
    },
    right="Now both begin equally loud, and only the arithmetic differs.",
    rest="Give weights of the same shape: what number makes the variance of the answers half as large?",
    keeps=True,
)
