"""The science of the lesson "How much does the kernel move?", at other seeds than its own.

Row 35 of the course's sheet: Dyer and Gur-Ari 2020 on powers of the width, Chizat et al. 2019 on lazy nets.
Not asserted: powers of deeper nets (−.73 and −.63 with two layers in trials), or the level of any error.
"""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

import sbkit as sb
from sbkit.lessons.wide import how_much_does_the_kernel_move as extra

NOTEBOOK = Path(__file__).parents[2] / "notebooks/6-wide/03-how-much-does-the-kernel-move.ipynb"
SEEDS = [30, 31, 32]


def names() -> dict[str, Any]:
    """The functions of the lesson: trained and lesson."""
    found: dict[str, Any] = {"sb": sb, "extra": extra}
    for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]:
        if cell["id"] in ("trained", "panel"):
            exec("".join(cell["source"]).split("\ndials = ")[0], found)  # noqa: S102
    return found


def test_slope_finds_any_power():
    x = torch.tensor([1.0, 3, 10, 20], dtype=torch.float64)
    for power in (-1.0, -0.75, 0.0, 2.0):
        assert extra.slope(x, 3 * x**power) == pytest.approx(power, abs=1e-12)
    two = extra.slope(x, torch.stack([x, x**2], 1))
    assert torch.allclose(two, torch.tensor([1.0, 2.0], dtype=torch.float64))


def test_moved_is_each_nets_own():
    before, change = torch.eye(3).expand(2, 3, 3), torch.zeros(2, 3, 3)
    change[1, 0, 1] = 0.3**0.5
    assert torch.allclose(extra.moved(before, before + change), torch.tensor([0, 0.1**0.5]))


def test_small_labels_are_a_large_alpha():
    """Training α(h − h₀) on y at lr/α² by hand gives the weights of training h on h₀ + y/α; float64."""
    task = extra.ridge(12, seed=5).to(dtype=torch.float64)
    fleet = sb.mlp(task, 1, 7, runs=2, seed=5, parameterization="ntk")
    one, alpha, lr = fleet.run(0), 4.0, 0.05
    first = one(task.x).detach()
    for _ in range(20):
        loss = (alpha * (one(task.x) - first) - task.y).square().mean()
        grads = torch.autograd.grad(loss, [*one.parameters()])
        with torch.no_grad():
            for p, g in zip(one.parameters(), grads, strict=True):
                p -= lr / alpha**2 * g
    targets = fleet.predict(task.x) + task.y / alpha
    sb.last(sb.fit(fleet, task, optimizer="gd", lr=lr, steps=20, stop=None, targets=targets))
    for p, q in zip(one.parameters(), fleet.parameters(), strict=True):
        assert torch.allclose(p, q[0], rtol=0, atol=1e-10)


def test_a_ridge_hangs_on_one_direction():
    task = extra.ridge(200, seed=3)
    assert torch.allclose(task.x.norm(dim=1).square(), torch.tensor(10.0))
    y = torch.cat([task.y, task.y_test])
    assert abs(float(y.mean())) < 1e-5 and float(y.std()) == pytest.approx(1, abs=1e-5)
    second = torch.einsum("n,ni,nj->ij", task.y_test[:, 0], task.x_test, task.x_test) / len(task.y_test)
    values = torch.linalg.eigvalsh(second).abs().sort().values
    assert values[-1] > 2 * values[-2]


def test_what_is_watched_begins_at_nothing():
    task = extra.odd(30, seed=2)
    fleet = sb.mlp(task, 1, 16, runs=3, seed=2, parameterization="ntk")
    drift, error, switched = extra.watch(fleet, task, 2.0)
    assert torch.equal(drift(fleet, task), torch.zeros(3)) and torch.equal(
        switched(fleet, task), torch.zeros(3)
    )
    assert torch.allclose(error(fleet, task), task.y_test.square().mean().sqrt())


def powers(activation: str, widths: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
    """Slopes of what moved and of what switched, a number a seed."""
    trained, found = names()["trained"], []
    for seed in SEEDS:
        ends = [trained(n, activation, seed=seed) for n in widths]
        far = torch.stack([extra.moved(end["before"], end["after"]).mean() for end in ends])
        found.append(
            [extra.slope(widths, far), extra.slope(widths, torch.stack([e["switched"].mean() for e in ends]))]
        )
    return tuple(torch.tensor(found).T)  # pyright: ignore


@pytest.mark.slow
def test_powers_of_the_width():
    relu, switched = powers("relu", [64, 256, 1024, 4096])
    gelu, as_often = powers("gelu", [64, 256, 1024, 4096])
    assert ((relu > -0.87) & (relu < -0.63)).all()
    assert ((gelu > -1.2) & (gelu < -0.85)).all()
    assert (gelu < relu - 0.08).all()
    assert ((torch.stack([switched, as_often]) + 0.5).abs() < 0.1).all()


@pytest.mark.slow
def test_the_mean_over_nets_does_not_move_as_1_over_n_with_relu_either():
    """The paper's own measure, E[Θ_T − Θ_0], its size freed of chance: −.78 to −.83, GELU −.92 to −.96."""
    trained, widths = names()["trained"], [32, 64, 128, 256, 512]
    found = {}
    for activation in ("relu", "gelu"):
        ends = [trained(n, activation, seed=SEEDS[0], runs=200) for n in widths]
        changes = [(end["after"] - end["before"]).double() for end in ends]
        sizes = [
            (c.mean(0).square().sum() - c.var(0).sum() / 200).sqrt() / e["before"].mean(0).norm()
            for c, e in zip(changes, ends, strict=True)
        ]
        found[activation] = float(extra.slope(widths, torch.stack(sizes)))
    assert -0.9 < found["relu"] < -0.7
    assert found["gelu"] < found["relu"] - 0.05


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_rich_nets_win_on_the_ridge_and_not_on_digits(seed):
    lesson = names()["lesson"]
    for task, low, high in (("ridge", 0, 0.5), ("digits", 0.85, 1.1)):
        lazy, rich = (sb.last(lesson(size=size, task=task, seed=seed)).values for size in (0.1, 10.0))
        assert low < rich["error_on_new_rows"].mean() / lazy["error_on_new_rows"].mean() < high
        assert (lazy["share_moved"] < 0.08).all() and (rich["share_moved"] > 1).all()
