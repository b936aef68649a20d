"""The science of the lesson on SAM and rank: Andriushchenko et al. 2023, the two-layer teacher–student.

Fact 36 (its ends) and row 40 of the course's sheet, at other seeds than the lesson's own. Not asserted: a
rank that falls at every step of ρ, or a lower error on new points.
"""

import pytest
import torch

import sbkit as sb
from sbkit.lessons.rank import sam_prunes

RHO = [0.0, 0.1, 0.2, 0.4, 0.6]


def trained(rho: float, seed: int, nets: int, lr: float = 0.1, length: torch.Tensor | None = None):
    """A snapshot after 10,000 steps of SAM and as many of SGD; length multiplies the rows, (rows,)."""
    task = sam_prunes.teacher(seed, nets)
    fleet = sam_prunes.student(task, seed)
    if length is not None:
        parts = [sb.Task(p.z * length, p.y, p.z_test, p.y_test, p.features) for p in task.parts]
        task = sb.data.stack(parts)
    options = {"lr": lr, "batch": 1, "steps": 10_000, "every": 1000, "stop": None}
    options["measure"] = [sam_prunes.hidden, sam_prunes.awake]
    first = sb.fit(fleet, task, optimizer="sam", rho=rho, **options)
    return sb.last(sb.stages([first, lambda fleet: sb.fit(fleet, task, **options)]))


def test_a_net_that_diverged_is_not_called_silent():
    """Its numbers are NaN, and NaN > 0 is False."""
    task = sam_prunes.teacher(0, 2)
    fleet = sam_prunes.student(task)
    with torch.no_grad():
        next(fleet.parameters())[1] = torch.nan
    one, other = sam_prunes.awake(fleet, task).tolist()
    assert one > 50 and other != other


@pytest.mark.slow
def test_sam_prunes_and_lowers_the_rank():
    """Row 40 on twenty nets: mean awake units fall with ρ, by half and more at 0.6; so does the rank."""
    ends = [trained(rho, 300, 20) for rho in RHO]
    well = torch.stack([end.test_loss < 1 for end in ends]).all(0)
    assert well.sum() >= 15
    units = torch.stack([end.values["awake"] for end in ends])[:, well]  # (ρ, nets)
    assert (units.mean(1).diff() < 0).all() and (units[-1] < 0.75 * units[0]).all()
    hidden = torch.stack([end.values["hidden"] for end in ends])[:, well]  # (ρ, nets, 20, 100)
    rank = sb.measures.pca_rank(hidden, 0.9999, centre=False)
    assert (rank[-1] < rank[0]).double().mean() >= 0.8
    trained_to = torch.stack([end.loss for end in ends])[:, well].median(1).values
    assert (trained_to <= 0.02).all()


@pytest.mark.slow
def test_rows_of_any_length_need_a_smaller_rate():
    """Row 40: rows that are not on the sphere diverge at ρ = 0.4; slowly and without SAM none does."""
    length = (torch.randn(20, 3, generator=torch.Generator().manual_seed(5)).square().sum(1)).sqrt()[:, None]
    lost = [
        int((~(trained(rho, 400, 6, lr, length).loss < 1e3)).sum()) for rho, lr in ((0.4, 0.1), (0.0, 0.01))
    ]
    assert lost[0] >= 4 and lost[1] == 0
