"""Checks tell right answers from wrong ones and from nonsense, whatever they come as."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import sbkit as sb

PIECES = [1, 2, 4, 6]


@pytest.mark.parametrize("answer", [PIECES, tuple(PIECES), np.array(PIECES), torch.tensor(PIECES)])
def test_equal_answers_are_right(answer):
    assert sb.check.pieces(answer)


@pytest.mark.parametrize("answer", [[1, 3, 5, 7], [0, 2, 4, 6], [1, 2, 4], "six", None, 7, [[1, 2], [4, 6]]])
def test_other_answers_are_not(answer):
    verdict = sb.check.pieces(answer)
    assert not verdict and "6" not in repr(verdict).replace(repr(answer), "")


def right(fleet, task, name):
    z, columns = task.z_test.clone(), task.columns(name)
    z[:, columns] = z[torch.randperm(len(z))][:, columns]
    return (fleet(task.embed(z)).argmax(-1) == task.y_test).float().mean(-1)


def not_shuffled(fleet, task, name):
    return (fleet(task.x_test).argmax(-1) == task.y_test).float().mean(-1)


def all_shuffled(fleet, task, name):
    z = task.z_test[torch.randperm(len(task.z_test))]
    return (fleet(task.embed(z)).argmax(-1) == task.y_test).float().mean(-1)


@pytest.mark.parametrize("as_type", [torch.as_tensor, lambda t: t.tolist(), lambda t: t.numpy()])
def test_any_shuffle_of_one_feature_is_right(as_type):
    assert sb.check.shuffle(lambda *given: as_type(right(*given)))


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (not_shuffled, "Permute the rows"),
        (all_shuffled, "that feature's columns only"),
        (lambda fleet, task, name: 0.5, "2 accuracies are expected"),
        ([0.5, 0.5], "A function of"),
    ],
)
def test_a_wrong_shuffle_gets_its_hint(answer, hint):
    verdict = sb.check.shuffle(answer)
    assert not verdict and hint in repr(verdict)
