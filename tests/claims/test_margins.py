"""Which perfect fit, which margin: Yun, Krishnan and Mobahi 2021, Woodworth et al. 2020.

Facts 20–22, 24, 25 and 27 of the course's sheet and row 45, at other data, sizes and seeds than the
lesson's. Solvers that know nothing of networks: scipy's linear programs, Newton on the convex dual,
the pseudo-inverse, SLSQP.
"""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.integrate import solve_ivp
from scipy.optimize import linprog, minimize
from torch import Tensor, nn

import sbkit as sb
from sbkit.lessons.rank import which_margin

pytestmark = pytest.mark.slow
Array = NDArray[np.float64]


class Diagonal(nn.Module):
    """β = uᴸ − vᴸ, u and v starting at `scale`; `classes`: logits of two."""

    def __init__(self, scale: float, depth: int, d: int, classes: bool = False):
        super().__init__()
        self.u, self.v = (nn.Parameter(torch.full([d], float(scale), dtype=torch.float64)) for _ in "uv")
        self.depth, self.classes = depth, classes

    def beta(self) -> Tensor:
        return self.u**self.depth - self.v**self.depth

    def forward(self, x: Tensor) -> Tensor:
        f = (x @ self.beta())[:, None]
        return torch.cat([-f, f], 1) / 2 if self.classes else f


def log_loss(fleet: sb.Fleet, x: Tensor, y: Tensor, logits: Tensor) -> Tensor:
    """The logarithm of the exponential loss, whose gradient does not vanish with it. (runs,)"""
    return ((1 - 2 * y) * logits.diff(dim=-1)[..., 0]).logsumexp(1)


def rows(seed: int, n: int, d: int, count: int) -> tuple[Array, Array]:
    """Normal rows (n, d) and labels (n,), the sum of the first `count` columns."""
    X = np.random.default_rng(seed).normal(size=(n, d))
    return X, X[:, :count].sum(1)


def task_of(X: Array, y: Array) -> sb.Task:
    """Rows as a task: floats are values, whole numbers classes."""
    x, labels = torch.tensor(X), torch.tensor(y if y.dtype.kind == "i" else y[:, None])
    return sb.Task(x, labels, x, labels, {})


def trained(task: sb.Task, net, runs: int = 1, seed: int = 0, **options) -> sb.Fleet:
    fleet = (
        sb.models.fleet_of(net, runs=runs, seed=seed)
        if callable(net) and not isinstance(net, sb.Fleet)
        else net
    )
    sb.last(sb.fit(fleet, task, **{"optimizer": "gd", "stop": None} | options))
    return fleet


def beta_of(fleet: sb.Fleet) -> Array:
    """(runs, d)"""
    return fleet.net.beta().detach().numpy()  # pyright: ignore


def least_l1(X: Array, y: Array) -> float:
    doubled = np.hstack([X, -X])
    return linprog(np.ones(doubled.shape[1]), A_eq=doubled, b_eq=y).fun


def widest(A: Array) -> tuple[float, float]:
    """Largest ℓ1 and ℓ2 margins of rows y·x (n, d)."""
    doubled, rule = np.hstack([A, -A]), {"type": "ineq", "fun": lambda b: A @ b - 1, "jac": lambda b: A}
    l1 = linprog(np.ones(doubled.shape[1]), A_ub=-doubled, b_ub=-np.ones(len(A))).fun
    tight = {"ftol": 1e-14, "maxiter": 1000}
    start = np.linalg.pinv(A) @ np.ones(len(A))
    l2 = minimize(lambda b: b @ b, start, jac=lambda b: 2 * b, constraints=rule, options=tight).fun ** 0.5
    return 1 / l1, 1 / l2


def margin(beta: Array, A: Array, p: int) -> float:
    return (A @ beta).min() / np.linalg.norm(beta, p)


def by_newton(X: Array, y: Array, alpha: float) -> Array:
    """Where the flow of β = u⊙v from u = α, v = 0 ends: damped Newton on the convex dual. (d,)"""
    nu = np.zeros(len(y))
    for _ in range(500):
        s = 2 * X.T @ nu  # (d,)
        gap = X @ (alpha**2 / 2 * np.sinh(s)) - y
        if np.abs(gap).max() < 1e-13:
            break
        step = np.linalg.solve((X * (alpha**2 * np.cosh(s))) @ X.T, gap)
        nu -= step / max(1, np.abs(2 * X.T @ step).max())
    return alpha**2 / 2 * np.sinh(2 * X.T @ nu)


def by_flow(X: Array, y: Array, alpha: float) -> Array:
    """The same flow, integrated. (d,)"""
    d = X.shape[1]

    def slope(t, w):
        u, v = w[:d], w[d:]
        g = X.T @ (X @ (u * v) - y)
        return -np.concatenate([v * g, u * g])

    start = np.concatenate([np.full(d, alpha), np.zeros(d)])
    end = solve_ivp(slope, (0, 500 / min(alpha, 1)), start, method="LSODA", rtol=1e-11, atol=1e-13).y[:, -1]
    return end[:d] * end[d:]


@pytest.mark.parametrize("alpha", [0.03, 0.3, 1.0, 10.0])
def test_the_flow_ends_where_newton_says(alpha):
    """Fact 20: n = 10, d = 20, to 1e-7 where the flow has converged; the worst published run is 3e-10."""
    for seed in range(5):
        X, y = rows(seed, 10, 20, 2)
        found = by_newton(X, y, alpha)
        assert np.abs(X @ found - y).max() <= 1e-10
        assert np.abs(by_flow(X, y, alpha) - found).max() <= 1e-7


def test_the_cheapest_fit_is_where_the_flow_ends():
    """u² − v² from α is the flow of u⊙v from 2 α, v = 0: two solvers, one answer."""
    for seed, alpha in enumerate((0.01, 0.1, 1.0)):
        X, y = rows(seed, 10, 20, 2)
        found = which_margin.cheapest(torch.tensor(X), torch.tensor(y), alpha).numpy()
        assert np.abs(found - by_newton(X, y, 2 * alpha)).max() <= 1e-8


def test_gradient_descent_ends_near_the_flow():
    """Fact 20: uᴸ − vᴸ from α at depth 2 is the flow from 2α; GD with small steps, to 1e-2."""
    for seed in range(5):
        X, y = rows(seed, 10, 20, 2)
        fleet = trained(task_of(X, y), lambda: Diagonal(1.0, 2, 20), lr=0.004, steps=800)
        assert np.abs(beta_of(fleet)[0] - by_newton(X, y, 2.0)).max() <= 1e-2


def test_the_two_ends():
    """Facts 21 and 22: α = 10 is the pseudo-inverse to 1e-3; small α nears the linear program, slowly.

    From .01 the length is 1.00 to 1.09 of the least, by draw: 1.06 is not met by each, nor 1.02 at .001.
    """
    for seed in range(10):
        X, y = rows(seed, 10, 20, 2)
        assert np.abs(by_newton(X, y, 10.0) - np.linalg.pinv(X) @ y).max() <= 1e-3
        over = [np.abs(by_newton(X, y, alpha)).sum() / least_l1(X, y) for alpha in (0.3, 1e-2, 1e-3, 1e-6)]
        assert np.all(np.diff(over) < 0) and 1 - 1e-9 <= over[-1] <= 1.05 and over[1] <= 1.15


def test_regression_by_depth():
    """Row 45: d = 40, n = 16, three columns count. Depth 1 is the pseudo-inverse, depth 2 nears ℓ1."""
    over = []
    for seed in range(5):
        X, y = rows(seed, 16, 40, 3)
        least, shortest = least_l1(X, y), np.linalg.pinv(X) @ y
        line = trained(task_of(X, y), lambda: Diagonal(0.01, 1, 40), lr=0.02, steps=1500)
        assert np.abs(beta_of(line)[0] - shortest).max() <= 1e-3
        deep = trained(task_of(X, y), lambda: Diagonal(0.01, 2, 40), lr=0.0075, steps=2000)
        over.append(np.abs(beta_of(deep)).sum() / least)
        assert over[-1] < 0.8 * np.abs(shortest).sum() / least
    assert max(over) <= 1.12 and np.mean(over) <= 1.08


def test_fully_connected_regression_nears_l2():
    """Fact 27: the distance to the least ℓ2 fit falls with the first scale; from zero it is none."""
    X, y = rows(7, 16, 40, 3)
    task, shortest = task_of(X, y), torch.tensor(np.linalg.pinv(X) @ y)
    off = []
    for init in (0.3, 0.05, 0.01):
        fleet = sb.models.deep_linear(task, 2, init=init, runs=5, seed=3)
        sb.last(sb.fit(fleet, task, optimizer="gd", lr=0.01, steps=1500, stop=1e-12))
        found = sb.measures.effective_weight(fleet)[:, 0].detach()  # (runs, d)
        off.append((found - shortest).norm(dim=1) / shortest.norm())
    assert (off[1] < off[0] / 3).all() and (off[2] < off[1] / 3).all() and off[2].max() <= 0.05
    line = sb.models.deep_linear(task, 1, init=0.0, runs=1)
    sb.last(sb.fit(line, task, optimizer="gd", lr=0.03, steps=3000, stop=None))
    assert (sb.measures.effective_weight(line)[0, 0] - shortest).abs().max() <= 1e-8


def separable(seed: int, n: int = 8, d: int = 12) -> tuple[sb.Task, Array]:
    """Classes by the sign of the first column, and rows y·x (n, d)."""
    X, _ = rows(seed, n, d, 1)
    y = (X[:, 0] > 0).astype(np.int64)
    return task_of(X, y), (2 * y - 1)[:, None] * X


def test_margins_by_depth():
    """Fact 25 and row 45: depth 1 takes the ℓ2 margin, depth 2 the ℓ1 margin, and its ℓ2 margin is smaller.

    The row's 0.9 for the latter holds on average: of the exact ℓ1 separator too it is .79 (.65 … .96).
    """
    other = []
    for seed in (s for s in range(20, 40) if 2 <= separable(s)[0].y.sum() <= 6):
        task, A = separable(seed)
        l1, l2 = widest(A)
        options = {"penalty": log_loss}
        line = trained(task, lambda: Diagonal(0.1, 1, 12, True), lr=0.05, steps=1500, **options)
        assert margin(beta_of(line)[0], A, 2) >= 0.99 * l2
        deep = beta_of(trained(task, lambda: Diagonal(0.1, 2, 12, True), lr=0.006, steps=1500, **options))[0]
        assert margin(deep, A, 1) >= 0.97 * l1
        other.append(margin(deep, A, 2) / l2)
        if len(other) == 5:
            break
    assert len(other) == 5 and np.mean(other) <= 0.9


def test_fully_connected_classification_takes_the_l2_margin():
    """Fact 24: cosine with the exact support vector machine ≥ .9995, margin ≥ .98, rank one inside."""
    task, A = separable(3)
    rule = {"type": "ineq", "fun": lambda b: A @ b - 1, "jac": lambda b: A}
    start, tight = np.linalg.pinv(A) @ np.ones(len(A)), {"ftol": 1e-14, "maxiter": 1000}
    exact = minimize(lambda b: b @ b, start, jac=lambda b: 2 * b, constraints=rule, options=tight).x
    fleet = sb.models.deep_linear(task, 2, init=0.3, runs=5, seed=1)
    run = sb.fit(fleet, task, optimizer="gd", lr=0.004, steps=3500, stop=None, penalty=log_loss)
    run.train(steps=1500)
    run.settings["lr"] = 0.0005  # smaller steps for the rows that take turns
    sb.last(run)
    for beta in sb.measures.effective_weight(fleet).detach().diff(dim=1)[:, 0].numpy():  # (d,)
        assert beta @ exact / np.linalg.norm(beta) / np.linalg.norm(exact) >= 0.9995
        assert margin(beta, A, 2) >= 0.98 * widest(A)[1]
    values = sb.spectrum(fleet.weights()[0].detach())  # (runs, d)
    assert (values[:, 1] / values[:, 0]).max() <= 0.016


def test_depth_three_depends_on_its_start():
    """Row 45: only a stationary point is promised; other starts, other ends. Shown, not more."""
    task, A = separable(21)
    ends = []
    for scale in (0.1, 1.0):
        net = trained(
            task,
            lambda s=scale: Diagonal(s, 3, 12, True),
            lr=0.002,
            steps=2500,
            stop=1e-200,
            penalty=log_loss,
        )
        ends.append(beta_of(net)[0] / np.abs(beta_of(net)).sum())
        assert (A @ ends[-1] > 0).all()
    assert np.abs(ends[0] - ends[1]).max() > 0.01


class Convolution(nn.Module):
    """β = the circular convolution of two kernels, the first random, the second zero."""

    def __init__(self, scale: float, d: int):
        super().__init__()
        first, second = scale * torch.randn(d) / d**0.5, torch.zeros(d)
        self.u, self.v = nn.Parameter(first.double()), nn.Parameter(second.double())

    def forward(self, x: Tensor) -> Tensor:
        return (x @ torch.fft.irfft(torch.fft.rfft(self.u) * torch.fft.rfft(self.v), n=x.shape[-1]))[:, None]


def least_spectrum(X: Array, y: Array) -> float:
    """The least ℓ1 length of the Fourier coefficients of an exact fit, by its dual."""
    G = np.fft.rfft(X) / X.shape[1]
    rule = {"type": "ineq", "fun": lambda nu: 1 - abs(nu @ G) ** 2}
    return -minimize(lambda nu: -y @ nu, 0 * y, constraints=rule, options={"maxiter": 500}).fun


def test_convolution_is_shortest_in_fourier_space_for_mirrored_inputs_only():
    """With real spectra ≤ 1.02 of the least; with complex ones and single entries some are ≥ 1.02."""
    t = np.arange(40) * 2 * np.pi / 40
    ratios = {True: [], False: []}
    for mirrored in ratios:
        for seed in range(3):
            X = np.random.default_rng(seed).normal(size=(16, 40))
            if mirrored:
                X = (X + np.roll(X[:, ::-1], 1, 1)) / 2**0.5
            y = X @ ((np.cos(2 * t) + np.cos(5 * t)) / 4 if mirrored else (t < 0.4).astype(float))
            fleet = trained(task_of(X, y), lambda: Convolution(1e-3, 40), seed=seed, lr=0.02, steps=2000)
            beta = fleet.predict(torch.eye(40, dtype=torch.float64))[0, :, 0].numpy()
            assert np.abs(X @ beta - y).max() <= 0.05
            ratios[mirrored].append(np.abs(np.fft.fft(beta)).sum() / least_spectrum(X, y))
    assert max(ratios[True]) <= 1.02 and np.mean(ratios[False]) >= 1.02
