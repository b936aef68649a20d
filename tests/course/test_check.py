"""Checks tell right answers from wrong ones and from nonsense, whatever they come as."""

from __future__ import annotations

import math
import re

import numpy as np
import pandas as pd
import pytest
import torch

import sbkit as sb

PIECES = [1, 2, 4, 6]
SPECTRUM = [1.0] + [0.2] * 9
CEILING = [0.95, 0.75, 0.5]
CHECKS = [
    sb.check.pieces,
    sb.check.spectrum,
    sb.check.apart,
    sb.check.shuffle,
    sb.check.falls,
    sb.check.steepest,
    sb.check.ceiling,
    sb.check.noisy,
    sb.check.follow,
    sb.check.ties,
    sb.check.gap,
    sb.check.dropped,
    sb.check.weigh,
    sb.check.unreached,
    sb.check.untouched,
    sb.check.costs,
    sb.check.majority,
    sb.check.margin,
    sb.check.alignment,
    sb.check.gram,
    sb.check.squeezed,
    sb.check.entropy,
    sb.check.opposite,
    sb.check.unseen,
    sb.check.mode,
    sb.check.climb,
    sb.check.active,
    sb.check.normalized_margin,
    sb.check.product,
    sb.check.energy,
    sb.check.alike,
    sb.check.copies,
    sb.check.deeper,
    sb.check.aligned,
]
AS = [list, tuple, np.array, torch.tensor, pd.Series, lambda numbers: np.array([numbers])]


def read_only(numbers):
    array = np.array(numbers)
    array.flags.writeable = False
    return array


class Broken:
    """Raises at whatever it is asked."""

    def __getattr__(self, name):
        raise ZeroDivisionError

    __len__ = __repr__ = __array__ = __getattr__  # pyright: ignore[reportAssignmentType]


NONSENSE = [
    ...,
    None,
    "six",
    "",
    math.nan,
    [math.nan] * 4,
    [1, 2, 4, None],
    [math.inf] * 10,
    [1j] * 10,
    torch.tensor([1j] * 4),
    [10**400] * 4,
    [[1, 2], [3]],
    [],
    {},
    {1, 2, 4, 6},
    {"a": 1},
    7,
    True,
    Broken(),
    [Broken()] * 4,
    int,
    sb,
    lambda: 1,
    lambda *given: None,
    lambda *given: ...,
    lambda *given: "half",
    lambda *given: math.nan,
    lambda *given: [math.nan] * 2,
    lambda *given: [0.5] * 3,
    lambda *given: [50.0, 50.0],
    lambda *given: Broken(),
    lambda *given: given[1].no_such_name,
    lambda *given: 1 / 0,
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("answer", NONSENSE, ids=range(len(NONSENSE)))
def test_nonsense_gets_a_sentence(check, answer):
    verdict = check(answer)
    assert not verdict and verdict.sentence[-1] in ".?" and len(repr(verdict)) < 300


@pytest.mark.parametrize("as_type", [*AS, read_only])
def test_equal_numbers_are_right(as_type):
    assert sb.check.pieces(as_type(PIECES))
    assert sb.check.spectrum(as_type(SPECTRUM))
    assert sb.check.ceiling(as_type(CEILING))


@pytest.mark.parametrize("answer", [[1, 3, 5, 7], [0, 2, 4, 6], [1, 2, 4], "six", None, 7, [[1, 2], [4, 6]]])
def test_other_pieces_are_not(answer):
    verdict = sb.check.pieces(answer)
    assert not verdict and "6" not in repr(verdict).replace(repr(answer), "")


@pytest.mark.parametrize("answer", [[9.0] + [1.5] * 9, torch.tensor([3.0] + [0.5] * 9, requires_grad=True)])
def test_any_spectrum_on_which_the_ranks_disagree_is_right(answer):
    assert sb.check.spectrum(answer)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        ([1.0] * 10, "let one value stand out"),
        ([1.0] + [0.0] * 9, "give the other values more weight"),
        ([0.0] * 10, "give the other values more weight"),
        ([1.0] + [-0.2] * 9, "between 0 and"),
        ([1e300] + [1e299] * 9, "a million"),
        (SPECTRUM[:9], "Ten singular values"),
    ],
)
def test_a_wrong_spectrum_gets_its_hint(answer, hint):
    verdict = sb.check.spectrum(answer)
    assert not verdict and hint in repr(verdict)


def score(fleet, task, z, y=None):
    return (fleet(task.embed(z)).argmax(-1) == (task.y_test if y is None else y)).float().mean(-1)


def moved(task, groups):
    """Test features with each group of columns in a random order of rows. (n_test, k)"""
    z = task.z_test.clone()
    for names in groups:
        columns = task.columns(names)
        z[:, columns] = z[torch.randperm(len(z))][:, columns]
    return z


def one(fleet, task, name):
    return score(fleet, task, moved(task, [name]))


def each(fleet, task, names):
    return score(fleet, task, moved(task, names))


def together(fleet, task, names):
    return score(fleet, task, moved(task, [names]))


def only_the_first(fleet, task, names):
    return score(fleet, task, moved(task, names[:1]))


def everything(fleet, task, names):
    return score(fleet, task, moved(task, task.features))


def nothing(fleet, task, names):
    return score(fleet, task, task.z_test)


def labels(fleet, task, names):
    return score(fleet, task, task.z_test, task.y_test[torch.randperm(len(task.y_test))])


def rows(fleet, task, name):
    return score(fleet, task, task.z_test[torch.randperm(len(task.z_test))])


def in_place(fleet, task, names):
    names.clear() if isinstance(names, list) else None
    task.z_test[:, 0] = task.z_test[torch.randperm(len(task.z_test)), 0]
    return score(fleet, task, task.z_test)


def wrong_class(fleet, task, names):
    return 1 - each(fleet, task, names)


def swapped(fleet, task, name, y=None):
    """Share of rows that get class y (default: the other) once the feature comes from the other class."""
    z, order, columns = task.z_test.clone(), task.y_test.argsort(), task.columns(name)
    z[order[:, None], columns] = task.z_test[order.flip(0)[:, None], columns]
    return score(fleet, task, z, 1 - task.y_test if y is None else y)


@pytest.mark.parametrize("as_type", [lambda t: t, lambda t: t.tolist(), lambda t: t.numpy(), list])
def test_any_shuffle_is_right(as_type):
    assert sb.check.shuffle(lambda *given: as_type(one(*given)))
    assert sb.check.apart(lambda *given: as_type(each(*given)))
    assert sb.check.follow(lambda *given: as_type(swapped(*given)))
    assert sb.check.follow(
        lambda fleet, task, name: sb.measures.conflict(fleet, task)[:, task.columns(name)[0]]
    )


@pytest.mark.parametrize(
    ("check", "answer", "hint"),
    [
        (sb.check.shuffle, nothing, "Permute the rows"),
        (sb.check.shuffle, rows, "that feature's columns only"),
        (sb.check.shuffle, lambda fleet, task, name: 0.5, "2 accuracies are expected"),
        (sb.check.shuffle, [0.5, 0.5], "A function of"),
        (sb.check.shuffle, in_place, "work on a copy"),
        (sb.check.apart, nothing, "as if nothing had moved"),
        (sb.check.apart, only_the_first, "Go through all the names"),
        (sb.check.apart, together, "Draw another for each"),
        (sb.check.apart, everything, "the named features only"),
        (sb.check.apart, labels, "leave the labels"),
        (sb.check.apart, wrong_class, "Compare the largest logit"),
        (sb.check.apart, in_place, "work on a copy"),
        (sb.check.apart, lambda fleet, task, names: each(fleet, task, "linear"), "stopped: SbkitError: No"),
        (sb.check.apart, lambda fleet, task, names: each(fleet, task, names).mean(), "2 accuracies"),
        (sb.check.apart, lambda *given: 100 * each(*given), "from 0 to 1"),
        (sb.check.apart, [0.87, 0.87], "A function of"),
        (sb.check.follow, one, "take rows of the other class"),
        (sb.check.follow, nothing, "Did anything move"),
        (sb.check.follow, lambda fleet, task, name: swapped(fleet, task, name, task.y_test), "1 − y_test"),
        (sb.check.follow, in_place, "work on a copy"),
        (sb.check.follow, lambda *given: swapped(*given).mean(), "2 accuracies"),
    ],
)
def test_a_wrong_function_gets_its_hint(check, answer, hint):
    verdict = check(answer)
    assert not verdict and hint in repr(verdict)
    assert "randperm" not in verdict.sentence and "clone" not in verdict.sentence  # that is the solution


def noisy(y, p):
    side, near = 2 * y - 1, torch.rand(len(y)) < p
    return torch.where(near, 0.2 * torch.rand(len(y)) - 0.1, side * (0.1 + 0.9 * torch.rand(len(y))))


def lying(y, p):
    return (2 * y - 1) * torch.where(torch.rand(len(y)) < p, -1, 1)


def far_away(y, p):
    return 3 * noisy(y, p)


def in_the_wrong_place(y, p):
    return torch.where(torch.rand(len(y)) < p, 1 - 2 * torch.rand(len(y)), 2.0 * y - 1)


@pytest.mark.parametrize("as_type", [lambda t: t, lambda t: t.tolist(), lambda t: t.numpy(), pd.Series])
def test_any_noisy_feature_is_right(as_type):
    assert sb.check.noisy(lambda y, p: as_type(noisy(y, p)))


def test_the_feature_of_the_package_is_right():
    from sbkit.data.slabs import linear_block

    assert sb.check.noisy(lambda y, p: linear_block(y, 0.1, p, torch.Generator().manual_seed(0)))


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda y, p: noisy(y, 1 - p), "is p the share that is noisy"),  # the appendix's formula
        (lambda y, p: noisy(y, 0), "as if no row were noisy"),
        (lying, "the noisy rows lie"),
        (far_away, "0.90 is expected"),
        (in_the_wrong_place, "0.90 is expected"),
        (lambda y, p: noisy(y, 0.6), "0.90 is expected"),
        (lambda y, p: noisy(y, p)[:10], "4000 values are expected"),
        (lambda y: y, "Called with y and p = 0.2, the function stopped: TypeError"),
        ([0.9], "A function of y and p"),
    ],
)
def test_another_noisy_feature_gets_its_hint(answer, hint):
    verdict = sb.check.noisy(answer)
    assert not verdict and hint in repr(verdict)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        ([0.9, 0.5, 0.0], "right on half"),
        ([0.05, 0.25, 0.5], "Count apart"),
        ([95, 75, 50], "Count apart"),
        ([0.95, 0.75], "Three accuracies"),
    ],
)
def test_another_ceiling_gets_its_hint(answer, hint):
    verdict = sb.check.ceiling(answer)
    assert not verdict and hint in repr(verdict) and "0.95" not in verdict.sentence.replace(repr(answer), "")


def test_a_function_cannot_change_what_it_is_tried_on():
    seen = []

    def vandal(fleet, task, name):
        seen.append(sum(float(weight.detach().abs().sum()) for weight in fleet.weights()))
        for parameter in fleet.parameters():
            parameter.data.zero_()
        return [0.5, 0.5]

    assert not sb.check.shuffle(vandal)
    assert len(seen) == 2 and seen[0] == seen[1] > 0


def test_the_dots_of_a_student_copy_are_no_answer_yet():
    assert all("No answer yet" in check(...).sentence for check in CHECKS)


@pytest.mark.parametrize("as_type", [*AS, read_only])
def test_radii(as_type):
    assert sb.check.falls(as_type([0.1, 0.55, 1.0]))
    assert not sb.check.falls(as_type([0.0, 0.5, 1.0]))


def steepest(slope, norm):
    return slope / slope.norm(dim=-1, keepdim=True) if norm == "l2" else slope.sign()


def test_steepest_steps():
    assert sb.check.steepest(steepest)
    assert sb.check.steepest(lambda slope, norm: steepest(slope, norm).numpy())
    assert sb.check.steepest(lambda slope, norm: steepest(slope, norm).float())


STEPS = [
    (lambda slope, norm: -steepest(slope, norm), "downhill"),
    (lambda slope, norm: slope / slope.norm(), "One length for all points"),
    (lambda slope, norm: slope, "each row has length 1"),
    (lambda slope, norm: slope.sign(), "along the slope"),
    (lambda slope, norm: steepest(slope, "l2"), "Right for 'l2'"),
    (lambda slope, norm: steepest(slope, norm)[0], r"shape \(3, 2\) is expected"),
    (lambda slope: slope, "Called with slope and 'l2', the function stopped"),
]


@pytest.mark.parametrize(("answer", "says"), STEPS, ids=[says for _, says in STEPS])
def test_wrong_steps(answer, says):
    verdict = sb.check.steepest(answer)
    assert not verdict and re.search(says, verdict.sentence)


def distance(task, name, rows="z", power=1):
    z = getattr(task, rows)[:, task.columns(name)]
    y = task.y if rows == "z" else task.y_test
    return (z[y == 1].mean(0) - z[y == 0].mean(0)).norm() ** power


def test_the_distance_between_classes_is_right():
    assert sb.check.gap(distance)
    assert sb.check.gap(lambda task, name: float(-1 * -distance(task, name)))


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda task, name: distance(task, task.features), "take the columns of `name` alone"),
        (lambda task, name: distance(task, name, power=2), "ends with a root"),
        (lambda task, name: distance(task, name, "z_test"), "in training rows"),
        (lambda task, name: task.z[:, task.columns(name)].mean(), "class 1 minus that of class 0"),
    ],
)
def test_another_distance_gets_its_hint(answer, hint):
    assert hint in repr(sb.check.gap(answer)) and not sb.check.gap(answer)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [([0.5, 0.5], "how often are their tops equal"), ([0.75, 0.75], "how often is it right"), ([0.5], "Two")],
)
def test_wrong_ties_get_their_hint(answer, hint):
    assert sb.check.ties([0.5, 0.75]) and hint in repr(sb.check.ties(answer))


def dropped(h, p, chance=None, grow=None):
    kept = torch.rand(len(h)) >= (p if chance is None else chance)
    return h * kept * (1 / (1 - p) if grow is None else grow)


@pytest.mark.parametrize("as_type", [lambda t: t, lambda t: t.tolist(), lambda t: t.numpy(), pd.Series])
def test_any_dropout_is_right(as_type):
    assert sb.check.dropped(lambda h, p: as_type(dropped(h, p)))
    assert sb.check.dropped(torch.nn.functional.dropout)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda h, p: h, "as if none were dropped"),
        (lambda h, p: dropped(h, p, 1 - p), "p is the chance to be dropped"),
        (lambda h, p: dropped(h, p, 0.5), "0.20 is expected"),
        (lambda h, p: dropped(h, p, grow=1), "1.00 times what they were"),
        (lambda h, p: dropped(h, p, grow=1 / p), "5.00 times what they were"),
        (lambda h, p: torch.where(torch.arange(4000) % 5 == 0, 0, h / (1 - p)), "draw anew each time"),
        (lambda h, p: dropped(h, p)[:10], "4000 numbers are expected"),
        (lambda h: h, "Called with h and p = 0.2, the function stopped: TypeError"),
    ],
)
def test_another_dropout_gets_its_hint(answer, hint):
    verdict = sb.check.dropped(answer)
    assert not verdict and hint in repr(verdict)


def latent_means(*rho):
    return torch.special.erfinv(2 * torch.tensor(rho, dtype=torch.float64) - 1) * 2**0.5


def solved(core, shortcut, sign=1.0, correlation=0.6):
    sigma = torch.tensor([[1, correlation], [correlation, 1]], dtype=torch.float64)
    return sign * torch.linalg.solve(sigma, latent_means(core, shortcut))


@pytest.mark.parametrize("scale", [1, 7.5, 1e-3])
def test_weights_of_any_length_are_right(scale):
    assert sb.check.weigh(lambda *rho: scale * solved(*rho))
    assert sb.check.weigh(lambda *rho: (scale * solved(*rho)).tolist())


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda *rho: solved(*rho, sign=-1), "the sign is not"),
        (latent_means, "different signs"),
        (lambda *rho: solved(*rho, correlation=0.0), "different signs"),
        (lambda *rho: solved(*rho, correlation=0.8), "solve Σ w = μ"),
        (lambda *rho: [1, 2, 3], "Two weights"),
        (lambda core: core, "stopped"),
    ],
)
def test_wrong_weights_get_their_hint(answer, hint):
    verdict = sb.check.weigh(answer)
    assert not verdict and hint in repr(verdict)


@pytest.mark.parametrize("as_type", [*AS, read_only])
def test_shares_out_of_reach(as_type):
    assert sb.check.unreached(as_type([0.84375, 0.5, 0.0]))
    assert "same squared length" in sb.check.unreached(as_type([0.9, 0.5, 0.0])).sentence


def orthogonal(w, x):
    return w - torch.linalg.lstsq(x.mT, w.mT).solution.mT @ x  # another way than the check's own


SPANS = [
    (lambda w, x: w - orthogonal(w, x), "which training changes"),
    (lambda w, x: w - w @ x.mT @ x, "Along the inputs there is still"),
    (lambda w, x: 0 * w, "more than their span"),
    (lambda w, x: orthogonal(w, x)[0], r"shape \(4, 10\) is expected"),
    (lambda w: w, "Called with w .* the function stopped"),
    ([0.5], "A function of w and x"),
]


def test_parts_out_of_reach():
    assert sb.check.untouched(orthogonal)
    assert sb.check.untouched(lambda w, x: orthogonal(w, x).numpy())
    assert sb.check.untouched(lambda w, x: orthogonal(w, x).float())


@pytest.mark.parametrize(("answer", "says"), SPANS, ids=[says for _, says in SPANS])
def test_other_parts(answer, says):
    verdict = sb.check.untouched(answer)
    assert not verdict and re.search(says, verdict.sentence)


def costs(gain, A, B, states=1.0, actions=1.0):
    """By powers of the closed loop, another way than the check's own."""
    power = [torch.linalg.matrix_power(A + B @ gain, t) for t in range(7)]
    paid = [
        states * power[t + 1].square().sum(0) + actions * (gain @ power[t]).square().sum(0) for t in range(6)
    ]
    return torch.stack(paid).sum(0)


COSTS = [
    (lambda *given: costs(*given, actions=0.0), "Actions cost too"),
    (lambda *given: costs(*given, states=0.0), "States cost too"),
    (lambda *given: costs(*given) + 1, "starts themselves are not counted"),
    (lambda *given: costs(*given) / 6, "over six steps"),
    (lambda *given: costs(*given).sum(), "Four numbers are expected"),
    ([1.0] * 4, "A function of gain, A and B"),
]


def test_costs_of_a_gain():
    assert sb.check.costs(costs)
    assert sb.check.costs(lambda *given: costs(*given).tolist())


@pytest.mark.parametrize(("answer", "says"), COSTS, ids=[says for _, says in COSTS])
def test_other_costs(answer, says):
    verdict = sb.check.costs(answer)
    assert not verdict and re.search(says, verdict.sentence)


VOTES = [27 / 32, 0.896484375, 0.951072693]


@pytest.mark.parametrize("as_type", [*AS, read_only])
def test_votes_of_voters_who_err_on_their_own(as_type):
    assert sb.check.majority(as_type(VOTES)) and sb.check.majority(as_type([0.84, 0.9, 0.95]))


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        ([0.75] * 3, "one voter's share"),
        ([1 - 0.25**k for k in (3, 5, 9)], "one or more are right"),
        ([0.75**k for k in (3, 5, 9)], "all are right: more"),
        ([84, 90, 95], "3 of 3 are off"),
        ([0.84, 0.9, 0.9], "1 of 3 is off"),
        ([0.84, 0.9], "Three shares"),
    ],
)
def test_other_votes_get_their_hint(answer, hint):
    verdict = sb.check.majority(answer)
    assert not verdict and hint in repr(verdict)


def apart_by(z, y, **options):
    return torch.cdist(z[y == 0], z[y == 1], **options).min()


@pytest.mark.parametrize("as_type", [float, lambda t: t, lambda t: t.numpy(), lambda t: t[None].tolist()])
def test_half_the_least_distance(as_type):
    assert sb.check.margin(lambda z, y: as_type(apart_by(z, y) / 2))


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (apart_by, "whole distance"),
        (lambda z, y: torch.pdist(z).min() / 2, "within one class"),
        (lambda z, y: torch.cdist(z, z).min() / 2, "within one class"),
        (lambda z, y: apart_by(z, y, p=math.inf) / 2, "not the largest coordinate"),
        (lambda z, y: torch.cdist(z[y == 0], z[y == 1]).max() / 2, "half of the least"),
        (lambda z, y: torch.cdist(z[y == 0], z[y == 1]), "One number is expected"),
        (lambda z: 1, "Called with z and y"),
    ],
)
def test_another_margin_gets_its_hint(answer, hint):
    verdict = sb.check.margin(answer)
    assert not verdict and hint in repr(verdict)


def cosine(a, b):
    return torch.nn.functional.cosine_similarity(a, b, dim=-1)


@pytest.mark.parametrize("as_type", [float, lambda t: t, lambda t: t.numpy(), lambda t: t[None].tolist()])
def test_mean_squared_cosine(as_type):
    assert sb.check.alignment(lambda a, b: as_type(cosine(a, b).square().mean()))


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda a, b: (a * b).sum(-1).mean(), "no lower bound"),
        (lambda a, b: cosine(a, b).mean(), "square it"),
        (lambda a, b: cosine(a, b).square().sum(), "Sum over the points"),
        (lambda a, b: cosine(a, b).square(), "One number is expected"),
        (lambda a, b: cosine(a.flatten(), b.flatten()[None])[0], "one number a point"),
        (lambda a: 1, "Called with a and b"),
    ],
)
def test_another_alignment_gets_its_hint(answer, hint):
    verdict = sb.check.alignment(answer)
    assert not verdict and hint in repr(verdict)


LEFT = [math.exp(-1 / 2), math.exp(-5 / 6), math.exp(-13 / 12)]


GRAMS = [
    ([-math.log(share) for share in LEFT], "Those are the sums"),
    ([1 / share for share in LEFT], "is there a minus"),
    ([share / math.e for share in LEFT], "begin at j = 2"),
    ([1.0, *LEFT[:2]], "which step differs"),
    ([share * math.exp(0.5) for share in LEFT], "ends at j = L"),
    (LEFT[:2], "Three shares"),
]


@pytest.mark.parametrize("as_type", [*AS, read_only])
def test_what_is_left_of_a_gram_matrix(as_type):
    assert sb.check.gram(as_type(LEFT))


@pytest.mark.parametrize(("answer", "hint"), GRAMS)
def test_other_shares_of_a_gram_matrix(answer, hint):
    verdict = sb.check.gram(answer)
    assert not verdict and hint in verdict.sentence


def multiplied(factors):
    product = torch.eye(factors.shape[-1]).to(factors)
    for factor in factors:
        product = factor @ product
    return product


SQUEEZED = [
    (lambda factors: sb.measures.effective_rank(multiplied(factors.flip(0))), "acts first"),
    (lambda factors: sb.measures.entropy_rank(multiplied(factors)), "its exp"),
    (
        lambda factors: sb.measures.effective_rank(multiplied(factors) @ multiplied(factors).mT),
        "ranks of WWᵀ",
    ),
    (lambda factors: sb.measures.effective_rank(factors).mean(0), "multiply first"),
    (lambda factors: sb.measures.effective_rank(factors.prod(0)), "Entry times entry"),
    (lambda factors: sb.measures.stable_rank(multiplied(factors)), "not the ranks of"),
    (lambda factors: sb.measures.effective_rank(multiplied(factors)).mean(), "Four effective ranks"),
    ([1.0] * 4, "A function of factors"),
]


def test_the_rank_of_a_product():
    assert sb.check.squeezed(lambda factors: sb.measures.effective_rank(multiplied(factors)))
    assert sb.check.squeezed(lambda factors: sb.measures.effective_rank(multiplied(factors.float())).tolist())


@pytest.mark.parametrize(("answer", "hint"), SQUEEZED, ids=[hint for _, hint in SQUEEZED])
def test_other_ranks_of_a_product(answer, hint):
    verdict = sb.check.squeezed(answer)
    assert not verdict and hint in verdict.sentence


def entropy(values, base=1.0):
    shares = values[values > 0] / values.sum()
    return -(shares * shares.log()).sum() / base


ENTROPIES = [
    (lambda values: -(values / values.sum() * (values / values.sum()).log()).sum(), "Not a number"),
    (lambda values: entropy(values).exp(), "its logarithm"),
    (lambda values: entropy(values.square()), "shares of the squares"),
    (lambda values: entropy(values, math.log(2)), "In bits"),
    (lambda values: -entropy(values), "a minus before"),
    (lambda values: values.sum(), "Shares first"),
    (lambda values: values, "One number is expected"),
    ([1.0], "A function of values"),
]


@pytest.mark.parametrize("as_type", [lambda t: t, float, np.float64, lambda t: t.numpy()])
def test_entropy_with_zeros(as_type):
    assert sb.check.entropy(lambda values: as_type(entropy(values)))
    assert sb.check.entropy(lambda values: as_type(sb.measures.entropy_rank(values.diag())))


@pytest.mark.parametrize(("answer", "hint"), ENTROPIES, ids=[hint for _, hint in ENTROPIES])
def test_other_entropies(answer, hint):
    verdict = sb.check.entropy(answer)
    assert not verdict and hint in verdict.sentence


@pytest.mark.parametrize("as_type", [*AS, read_only])
def test_a_spectrum_of_the_opposite_order(as_type):
    assert sb.check.opposite(as_type([1.0, 1.0, 0.0, 0.0, 0.0]))


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        ([4.0, 1.0, 1.0, 1.0, 1.0], "not below 4"),
        ([1.0] * 5, "not below 4"),
        ([9.0, 1.0, 0.0, 0.0, 0.0], "not above 1.25"),
        ([1.0, -1.0, 0.0, 0.0, 0.0], "between 0 and"),
        ([1.0, 1.0], "Five singular values"),
    ],
)
def test_other_spectra(answer, hint):
    assert not sb.check.opposite(answer) and hint in sb.check.opposite(answer).sentence


@pytest.mark.parametrize("as_type", [*AS, read_only])
def test_errors_of_what_is_unseen(as_type):
    assert sb.check.unseen(as_type([0.25, 0.75, 0.5]))
    assert "24 of 32" in sb.check.unseen(as_type([0.75, 0.25, 0.5])).sentence
    assert "their own squares" in sb.check.unseen(as_type([0.25, 0.75, 0.25])).sentence


def grown(t, sigma, start, speed=2.0):
    """By the logistic curve, another way than the check's own."""
    return sigma / (1 + (sigma / start - 1) * torch.exp(-speed * sigma * t))


MODES = [
    (lambda *given: grown(*given, speed=1), "look at the exponent"),
    (lambda *given: grown(*given, speed=3), "Compare numerator"),
    (lambda t, sigma, start: grown(t, sigma, 0.1), "At t = 0 the size is start"),
    (lambda t, sigma, start: grown(t, 1.0, start), "After long training"),
    (lambda t, sigma, start: sigma, "11 sizes are expected"),
    ([0.5] * 11, "A function of t, sigma and start"),
]


def test_a_mode_that_grows():
    assert sb.check.mode(grown)
    assert sb.check.mode(lambda *given: grown(*given).tolist())


@pytest.mark.parametrize(("answer", "says"), MODES, ids=[says for _, says in MODES])
def test_other_modes(answer, says):
    verdict = sb.check.mode(answer)
    assert not verdict and re.search(says, verdict.sentence)


def climbed(slopes, rho):
    length = torch.cat([g.flatten() for g in slopes]).norm()
    return [rho * g / length for g in slopes]


CLIMBS = [
    (lambda slopes, rho: [rho * g / g.norm() for g in slopes], "Each layer has length rho"),
    (lambda slopes, rho: slopes, "Together the steps have length"),
    (lambda slopes, rho: [-g for g in climbed(slopes, rho)], "the direction is not"),
    (lambda slopes, rho: climbed(slopes, rho)[0], "A list of two tensors"),
    (lambda slopes, rho: [g[0] for g in slopes], r"shape \(4, 3\) is expected"),
    ([0.5], "A function of slopes and rho"),
]


def test_the_climb_of_sam():
    assert sb.check.climb(climbed)
    assert sb.check.climb(lambda *given: tuple(g.numpy() for g in climbed(*given)))


@pytest.mark.parametrize(("answer", "says"), CLIMBS, ids=[says for _, says in CLIMBS])
def test_other_climbs(answer, says):
    verdict = sb.check.climb(answer)
    assert not verdict and re.search(says, verdict.sentence)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda h: (h > 0).sum((1, 2)), "pairs of unit and row"),
        (lambda h: (h > 0).any(2).sum(1), "That counts rows"),
        (lambda h: (h > 0).all(1).sum(1), "One row is enough"),
        (lambda h: (h > 3).any(1).sum(1), "Compare each feature with 0"),
        (lambda h: (h > 0).any(0), "Two numbers are expected"),
    ],
)
def test_active_units(answer, says):
    assert sb.check.active(lambda h: (h > 0).any(1).sum(1))
    assert sb.check.active(lambda h: [sum(bool((unit > 0).any()) for unit in net.T) for net in h])
    assert says in sb.check.active(answer).sentence and not sb.check.active(answer)


@pytest.mark.parametrize(
    ("function", "hint"),
    [
        (lambda beta, X, y, p: (y * (X @ beta)).min() / beta.norm(p=p), ""),
        (lambda beta, X, y, p: float((y * (X @ beta) / beta.abs().pow(p).sum() ** (1 / p)).min()), ""),
        (lambda beta, X, y, p: (y * (X @ beta)).min(), "Twice the weights"),
        (lambda beta, X, y, p: (y * (X @ beta)).min() / beta.norm(), "use p for the length"),
        (lambda beta, X, y, p: (X @ beta).abs().min() / beta.norm(p=p), "multiply by y"),
        (lambda beta, X, y, p: (y * (X @ beta)).mean() / beta.norm(p=p), "average row"),
        (lambda beta, X, y, p: (y * (X @ beta)).max() / beta.norm(p=p), "best row"),
        (lambda beta, X, y, p: 0.5, "Smallest"),
    ],
)
def test_the_normalized_margin(function, hint):
    verdict = sb.check.normalized_margin(function)
    assert bool(verdict) == (not hint) and hint in repr(verdict)


def multiplied_through(factors):
    weight, *rest = factors
    for factor in rest:
        weight = factor @ weight
    return weight


def test_factors_multiplied_either_way_are_right():
    assert sb.check.product(multiplied_through)
    assert sb.check.product(lambda factors: torch.linalg.multi_dot([*factors[::-1], torch.eye(4).double()]))


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda factors: multiplied_through(factors).mT, "the transpose"),
        (lambda factors: 2 * multiplied_through(factors), "off by"),
        (lambda factors: factors[2] @ factors[1] @ factors[0], "the function stopped"),
        (lambda factors: multiplied_through(factors).float(), "float64"),
        (lambda factors: factors[-1], r"\(3, 4\) is expected"),
    ],
)
def test_another_product_gets_its_hint(answer, hint):
    verdict = sb.check.product(answer)
    assert not verdict and re.search(hint, verdict.sentence)


@pytest.mark.parametrize("as_type", AS)
def test_energy_is_of_squares(as_type):
    assert sb.check.energy(as_type([1, 2, 5]))
    assert "energy is the sum of the squares" in sb.check.energy(as_type([2, 4, 5])).sentence
    assert "add from the largest" in sb.check.energy(as_type([1, 2, 4])).sentence


def deeper(c):
    """The cosine map by Cho and Saul's angle, another way than the check's own."""
    angle = torch.acos(c)
    return torch.sin(angle) / torch.pi + torch.cos(angle) * (1 - angle / torch.pi)


def cosine_kernel(h, mean_of=0, lengths=True):
    return _kernel(h - h.mean(mean_of, keepdim=True), lengths)


def _kernel(rows, lengths):
    return (rows @ rows.T) / (torch.outer(rows.norm(dim=1), rows.norm(dim=1)) if lengths else 1)


DEEPER = [
    (lambda c: c, "yours 0.000"),
    (lambda c: deeper(c) * torch.pi, "divide by π"),
    (lambda c: ((1 - c**2).sqrt() + torch.arccos(c) * c) / torch.pi, "π minus the angle"),
    (lambda c: deeper(c)[:3], "9 numbers are expected"),
    (0.318, "A function of c"),
]


ALIKE = [
    (lambda h: _kernel(h, True), "uncentred"),
    (lambda h: cosine_kernel(h, mean_of=1), "own mean"),
    (lambda h: cosine_kernel(h, lengths=False), "diagonal is not 1"),
    (lambda h: torch.eye(6), "the rest is not"),
    (lambda h: h, "36 numbers are expected"),
]


def test_the_next_layers_cosines():
    assert sb.check.deeper(deeper)
    assert sb.check.deeper(lambda c: deeper(c).tolist())


@pytest.mark.parametrize(("answer", "says"), DEEPER, ids=[says for _, says in DEEPER])
def test_other_cosines(answer, says):
    verdict = sb.check.deeper(answer)
    assert not verdict and re.search(says, verdict.sentence)


def test_the_centred_kernel():
    assert sb.check.alike(cosine_kernel)
    assert sb.check.alike(lambda h: cosine_kernel(h).float().numpy())


@pytest.mark.parametrize(("answer", "says"), ALIKE, ids=[says for _, says in ALIKE])
def test_other_kernels(answer, says):
    verdict = sb.check.alike(answer)
    assert not verdict and re.search(says, verdict.sentence)


def overwriting(w, eps):
    w.copy_(torch.lerp(w[:1].expand_as(w).clone(), w.clone(), eps))
    return w


COPIES = [
    (lambda w, eps: w, "still differ"),
    (lambda w, eps: w.mean(0) + eps * (w - w.mean(0)), "to another row"),
    (lambda w, eps: w[0] + 2 * eps * (w - w[0]), "With eps = 1"),
    (lambda w, eps: w[0] + eps**2 * (w - w[0]), "in proportion"),
    (overwriting, "make new ones"),
    (lambda w, eps: w[0], r"shape \(5, 4\)"),
    (0.5, "A function of w and eps"),
]


def test_copies_of_the_first_unit():
    assert sb.check.copies(lambda w, eps: torch.lerp(w[:1].expand_as(w), w, eps))
    assert sb.check.copies(lambda w, eps: (w[0] + eps * (w - w[0])).float().numpy())


@pytest.mark.parametrize(("answer", "says"), COPIES, ids=[says for _, says in COPIES])
def test_other_copies(answer, says):
    verdict = sb.check.copies(answer)
    assert not verdict and re.search(says, verdict.sentence)


def centred(K, y):
    K = K - K.mean(1, keepdim=True)
    return K - K.mean(0), y - y.mean()


def ratio(K, y):
    return y @ K @ y / (K.norm() * (y @ y))


def test_an_alignment_is_recognised():
    assert sb.check.aligned(lambda K, y: ratio(*centred(K, y)))
    assert sb.check.aligned(lambda K, y: ratio(*centred(7 * K, -y)))
    assert sb.check.aligned(lambda K, y: sb.measures.alignment(K, y).item())


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (ratio, "Neither"),
        (lambda K, y: ratio(centred(K, y)[0], y), "y is not"),
        (lambda K, y: ratio(K, centred(K, y)[1]), "K is not"),
        (lambda K, y: ratio(*centred(K, y)) * centred(K, y)[0].norm(), "grows with K"),
        (lambda K, y: ratio(*centred(K, y)) * centred(K, y)[1].norm(), "grows with y"),
        (lambda K, y: K.mean(), "Centre K and y"),
    ],
)
def test_another_kernel_alignment_gets_its_hint(answer, hint):
    verdict = sb.check.aligned(answer)
    assert not verdict and hint in verdict.sentence
