"""The science of the lesson on data with structure: Goldt, Mézard, Krzakala, Zdeborová 2020.

Row 23 of the course's facts at other seeds, data, learning rates and widths than the lesson's: students
of digits agree on digits and not on noise, students of noise agree everywhere, what differs off the data
was there before training, and a loss from tiny weights rests (Saad and Solla 1995).
"""

import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor

import sbkit as sb
from sbkit.core import generator
from sbkit.lessons.simplicity.data_has_structure import Student, rested, same, scramble

pytestmark = pytest.mark.slow


def task(x: Tensor, y: Tensor, n: int) -> sb.Task:
    return sb.Task(x[:n], y[:n], x[n:], y[n:], {})


def digits(data: int) -> sb.Task:
    x, names = (torch.tensor(part) for part in load_digits(return_X_y=True))
    order = torch.randperm(len(x), generator=generator(data))
    x = ((x - x.mean()) / x.std()).float()
    return task(x[order], (1.0 - 2 * (names % 2))[order, None], 1300)


def votes(z: Tensor, rng: torch.Generator) -> Tensor:
    w = torch.randn(2, z.shape[1], generator=rng)
    return torch.erf(z @ w.T / (2 * z.shape[1]) ** 0.5).sum(1, keepdim=True)


def labelled(z: Tensor, rng: torch.Generator) -> Tensor:
    return votes(z, rng).sign()


def noise(data: int, inputs: int) -> sb.Task:
    rng = generator(data)
    x = torch.randn(6000, inputs, generator=rng)
    return task(x, labelled(x, rng), 5000)


def manifold(data: int, inputs=64, latent=10, f=torch.erf, labels="latent") -> sb.Task:
    """As the paper has it, with Gaussian F: the lesson's has rows at right angles."""
    rng = generator(data)
    c, mixing = (torch.randn(s, generator=rng) for s in ((5000, latent), (latent, inputs)))
    x = f(c @ mixing / latent**0.5)
    x = (x - x.mean()) / x.std()
    return task(x, labelled(c if labels == "latent" else x, rng), 4000)


def trained(task: sb.Task, units=8, scale=1.0, seed=30, runs=6, **options) -> sb.Fleet:
    fleet = sb.models.fleet_of(lambda: Student(units, scale, task.x.shape[1]), runs=runs, seed=seed)
    usual = {"optimizer": "adam", "lr": 0.02, "batch": 128, "steps": 1500, "stop": None, "every": 10_000}
    sb.last(sb.fit(fleet, task, **usual | options))
    return fleet


def e12(outputs: Tensor) -> Tensor:
    """½ E(φ₁ − φ₂)² of every two students. (students, n) → (pairs,)"""
    one, other = torch.combinations(torch.arange(len(outputs))).T
    return (outputs[one] - outputs[other]).square().mean(1) / 2


def asked(fleet: sb.Fleet, task: sb.Task) -> tuple[Tensor, Tensor]:
    """What the students say on new data and on noise. (students, n) each"""
    gauss = torch.randn(2000, task.x.shape[1], generator=generator(9))
    return fleet.predict(task.x_test)[..., 0], fleet.predict(gauss)[..., 0]


def ratio(fleet: sb.Fleet, task: sb.Task) -> Tensor:
    on, off = asked(fleet, task)
    return e12(off).mean() / e12(on).mean()


@pytest.mark.parametrize(
    ("data", "units", "options"),
    [
        (1, 8, {"optimizer": "adam", "lr": 0.01, "batch": 32}),
        (2, 8, {"optimizer": "sgd", "lr": 0.2, "steps": 3000, "batch": 32}),
        (3, 4, {}),
        (4, 16, {"seed": 70}),
    ],
    ids=["adam", "sgd", "4 units", "16 units"],
)
def test_students_of_digits_agree_on_digits_only(data, units, options):
    """Row 23: e12(Gaussian inputs) / e12(digits) ≥ 3."""
    task = digits(data)
    on, off = asked(fleet := trained(task, units, **options), task)
    assert ratio(fleet, task) >= 3
    assert same(on).mean() >= 0.93 and same(off).mean() <= 0.85
    mixed = fleet.predict(scramble(task.x_test, seed=data))[..., 0]
    assert same(on).mean() >= same(mixed).mean() + 0.1 >= same(off).mean() + 0.1


@pytest.mark.parametrize(("data", "inputs", "units"), [(1, 64, 8), (2, 100, 8), (3, 64, 4)])
def test_students_of_noise_agree_everywhere(data, inputs, units):
    """Row 23, the control: sign agreement on Gaussian inputs ≥ .97."""
    task = noise(data, inputs)
    fleet = trained(task, units, steps=2000)
    assert same(asked(fleet, task)[1]).mean() >= 0.97
    assert 0.75 <= ratio(fleet, task) <= 1.33


@pytest.mark.parametrize("labels", ["latent", "input"])
def test_a_smooth_hidden_manifold_does_as_digits_do(labels):
    task = manifold(5, labels=labels)
    assert ratio(trained(task), task) >= 3


def test_a_hidden_manifold_of_signs_does_so_hardly():
    """Row 23: in a hidden manifold of signs a ratio of 2 to 3 only."""
    task = manifold(6, f=torch.sign)
    assert 1 <= ratio(trained(task), task) <= 3.5


def test_many_latent_coordinates_leave_no_room():
    task = manifold(7, latent=64)
    assert ratio(trained(task), task) <= 2.5


def test_small_first_weights_leave_less_to_disagree_about():
    for world in (digits(8), manifold(8)):
        large, small = (ratio(trained(world, scale=scale), world) for scale in (1.0, 0.01))
        assert small <= 0.6 * large


@pytest.mark.parametrize("inputs", [64, 128])
def test_a_loss_from_tiny_weights_rests_and_others_do_not(inputs):
    rng = generator(11)
    x = torch.randn(5000, inputs, generator=rng)
    world = task(x, votes(x, rng), 4000)
    for scale, rests in ((1e-3, True), (1.0, False)):
        fleet = sb.models.fleet_of(lambda s=scale: Student(2, s, inputs, alike=True), runs=4, seed=60)
        options = {"lr": 5 * inputs / 64, "batch": 64, "steps": 2500, "every": 25, "stop": None}
        loss = torch.stack([look.loss for look in sb.fit(fleet, world, **options)], 1)  # (runs, looks)
        assert bool((rested(loss) >= 0.95).all()) == rests


def test_gradient_descent_stays_in_the_span():
    """On a flat manifold what is orthogonal to the data stays as it was, in float64 to rounding."""
    flat = manifold(9, latent=20, f=lambda t: t).to(dtype=torch.float64)
    fleet = sb.models.fleet_of(lambda: Student().double(), runs=3, seed=5)
    born = next(fleet.parameters()).detach().clone()  # (students, units, inputs)
    sb.last(sb.fit(fleet, flat, lr=0.2, batch=64, steps=500, stop=None))
    path = next(fleet.parameters()).detach() - born
    _, _, directions = torch.linalg.svd(flat.x)
    assert (path @ directions[21:].mT).abs().max() <= 1e-6  # one by the shift to mean 0
    assert (path @ directions[:21].mT).norm() >= 1
