"""Six hundred labels: articles with tags, clusters of tags, a model in two stages, and its control."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sbkit.core import Feature, Fleet, Snapshot, Task, generator, one_of
from sbkit.core.registries import plot
from sbkit.course.exercise import exercise
from sbkit.models import fleet_of, mlp
from sbkit.plots import Axis, Bars, Lines
from sbkit.plots.bands import finite, middle, step_line, told
from sbkit.training import Run, last

TAGS, THEMES, EACH, WORDS = 600, 20, 3, 100
STEPS = "Share of right tags among the first 1 and 3, and share of all tags that were scored; {}."
BARS = "Share of right tags among the first three; bar = mean, dots = runs. Compare the heights."
SCORES = {"first tag right": 0, "right among three": 1, "tags scored": 2}


def articles(n: int = 3000, n_test: int = 500, seed: int = 0) -> Task:
    """Articles of a shop, 100 numbers each, with three of 600 tags; the targets are 1/3 for each of them.

    Tags belong to 20 themes, and a few of them are frequent. Two of an article's tags mostly share a theme.
    """
    rng = generator(seed)
    theme = torch.arange(TAGS) % THEMES
    about = torch.randn(THEMES, WORDS, generator=rng)[theme] + torch.randn(TAGS, WORDS, generator=rng)
    often = 1 / (1 + torch.randperm(TAGS, generator=rng))  # (tags,)

    def drawn(rows: int) -> tuple[Tensor, Tensor]:
        first = often.expand(rows, -1).multinomial(1, generator=rng)  # (rows, 1)
        near = often * torch.where(theme[first] == theme, 100, 1)  # (rows, tags)
        more = near.scatter(1, first, 0).multinomial(EACH - 1, generator=rng)
        y = torch.zeros(rows, TAGS).scatter(1, torch.cat([first, more], 1), 1 / EACH)
        return y @ about + 0.7 * torch.randn(rows, WORDS, generator=rng), y

    return Task(*drawn(n), *drawn(n_test), {"words": Feature(tuple(range(WORDS)))})


def clusters(task: Task, count: int, alike: bool = True, seed: int = 0) -> Tensor:
    """The cluster of each tag: alike in the mean of their articles, or the same clusters shuffled. (tags,)"""
    from sklearn.cluster import KMeans

    means = F.normalize(task.y.T @ task.x, dim=1)  # (tags, words), 0 of a tag without articles
    of = torch.as_tensor(KMeans(count, random_state=seed).fit(means.numpy()).labels_).long()
    return of if alike else of[torch.randperm(TAGS, generator=generator(seed))]


class TwoStages(nn.Module):
    """log P(cluster | x) by a net, plus log P(tag | cluster, x) by a linear ranker. (n, tags)"""

    def __init__(self, of: Tensor, hidden: int = 64):
        super().__init__()
        self.register_buffer("member", F.one_hot(of).float())  # (tags, clusters)
        layers = nn.Linear(WORDS, hidden), nn.ReLU(), nn.Linear(hidden, int(of.max()) + 1)
        self.matcher, self.ranker = nn.Sequential(*layers), nn.Linear(WORDS, TAGS)

    def forward(self, x: Tensor) -> Tensor:
        scores = self.ranker(x)  # (n, tags)
        within = (scores.exp() @ self.member).log()  # (n, clusters)
        return scores + (self.matcher(x).log_softmax(-1) - within) @ self.member.T


def built(model: str, hidden: int, task: Task, of: Tensor, runs: int = 3, seed: int = 0) -> Fleet:
    """A "net" with so many hidden units, a "linear" model, or "two stages" with these clusters (tags,).

    >>> task = articles(100, 10)
    >>> built("two stages", 8, task, clusters(task, 5), runs=2)(task.x_test).shape
    torch.Size([2, 10, 600])
    """
    if one_of("model", model, ["net", "linear", "two stages"]) == "two stages":
        return fleet_of(lambda: TwoStages(of, hidden), runs, seed)
    return mlp(task, depth=int(model == "net"), width=hidden, runs=runs, seed=seed)


def beamed(scores: Tensor, of: Tensor, beam: int) -> tuple[Tensor, Tensor]:
    """Scores (runs, n, tags) of the likeliest clusters, −inf elsewhere, and the share scored. (runs,)"""
    member = F.one_hot(of).to(scores)
    chance = scores.exp() @ member  # (runs, n, clusters)
    best = chance.topk(min(beam, chance.shape[-1]), -1).indices
    kept = torch.zeros_like(chance).scatter(-1, best, 1) @ member.T > 0
    return scores.where(kept, -torch.inf), kept.double().mean((-1, -2))


def precision(scores: Tensor, y: Tensor, k: int) -> Tensor:
    """Share of the k tags with the highest scores (runs, n, tags) that are right, y (n, tags). (runs,)"""
    best = scores.topk(k, -1).indices
    return (y > 0).expand_as(scores).gather(-1, best).double().mean((-1, -2))


def watch(model: str, of: Tensor, beam: int) -> Callable[[Fleet, Task], Tensor]:
    """A measure of `sb.fit`: precision at 1 and at 3, and the share of tags scored. (runs, 3)"""

    def tagging(fleet: Fleet, task: Task) -> Tensor:
        scores = fleet.predict(task.x_test)
        lost = scores.sum((1, 2)) * 0  # NaN of a run that diverged
        scores, scored = beamed(scores, of, beam if model == "two stages" else TAGS)
        first, three = (precision(scores, task.y_test, k) for k in (1, EACH))
        return torch.stack([first, three, scored], 1) + lost[:, None]

    return tagging


def drawn(lesson: Callable[..., Run], seeds: Iterable[int], **dials: Any) -> Tensor:
    """`tagging` at the end of a lesson with one run on each of several draws of the articles. (3, draws)"""
    ends = [last(lesson(**dials, runs=1, seed=seed)) for seed in seeds]
    return torch.cat([end.values["tagging"] for end in ends]).T


@plot("tagging", rows=False)
def tagging_lines(history: Sequence[Snapshot]) -> Lines | None:
    """Precision, and what it costs, over steps."""
    if "tagging" not in history[-1].values:
        return None
    lines = [step_line(name, history, lambda s, i=i: s.values["tagging"][:, i]) for name, i in SCORES.items()]
    x, y, caption = Axis("step", low=0), Axis("share", low=0, high=1), STEPS.format(told(history[-1])["over"])
    return Lines("tagging", "How many are right?", x, y, lines, caption, grows=True)


def right(ends: Mapping[str, Snapshot]) -> Bars:
    """Precision at 3 of several models at their end, a bar each with a dot a run."""
    values = finite(torch.stack([end.values["tagging"][:, 1] for end in ends.values()]))  # (models, runs)
    y = Axis("right among three", low=0, high=1)
    return Bars("right", "Who finds the tags?", y, [*ends], middle(values.T)[0], values, BARS)


_OF = (6 * torch.rand(60, generator=generator(1)) ** 2).long()  # clusters of unequal sizes, (tags,)
SIZES = "The clusters have other sizes now: change one thing, who shares a cluster."
STILL = "Most tags still share a cluster with those they shared it with."


def _sized(of: Tensor) -> bool:
    """Whether the clusters are as large as they were."""
    return torch.equal(*((each[:, None] == each).sum(1).sort().values for each in (of, _OF)))


def _parted(of: Tensor) -> bool:
    """Whether many that shared a cluster don't any more."""
    return float((of[:, None] == of)[_OF[:, None] == _OF].double().mean()) < 0.7


# A function of the tags' clusters (tags,) → those of the control, as many and as large, without sense.
senseless = exercise(
    "of",
    tries=[(_OF,)],
    want=lambda of: of[torch.randperm(len(of), generator=generator(0))],
    must={SIZES: (_sized, lambda of: torch.arange(len(of)) % 6), STILL: (_parted, lambda of: 5 - of)},
    many=True,
    right="There are as many clusters, of the same sizes, and there's no sense in them.",
    rest="One cluster for each tag, please: the same numbers in another order.",
)
