"""One fleet is one sweep: run r of settings (runs,) trains as a fleet with that number; SAM has any base."""

import pytest
import torch
from cases import DOUBLE, FLEETS, assert_same_run, slab_task
from torch import Tensor, nn
from torch.nn import functional as F
from torch.testing import assert_close

import sbkit as sb
from sbkit.optimizers.per_run import orthogonal
from sbkit.training.batches import Batches

RUNS, STEPS = 3, 10
SWEEPS = {
    "lr": [0.01, 0.05, 0.002],
    "weight_decay": (0.0, 0.1, 0.01),
    "momentum": torch.tensor([0.9, 0.5, 0.1]),
    "rho": [0.05, 0.5, 0.0],
    "alpha": torch.tensor([0.9, 0.5, 0.99], dtype=DOUBLE),
}


def train(fleet: sb.Fleet, task: sb.Task, **options) -> "sb.training.Run":
    run = sb.fit(fleet, task, **{"batch": 32, "steps": STEPS, "stop": None} | options)
    sb.last(run)
    return run


def sweepable(optimizer: str) -> list[str]:
    return [name for name in SWEEPS if name in sb.optimizers.taken(optimizer, {})]


def number(name: str, r: int) -> float:
    value = SWEEPS[name][r]
    return round(float(value), 6) if isinstance(value, Tensor) else value


CASES = [(optimizer, [name]) for optimizer in sb.optimizer for name in sweepable(optimizer)]
CASES += [(optimizer, sweepable(optimizer)) for optimizer in sb.optimizer]


@pytest.mark.parametrize("build", ["relu", "gelu"])
@pytest.mark.parametrize(("optimizer", "names"), CASES)
def test_a_run_is_that_of_a_fleet_with_its_number(optimizer, names, build):
    task = slab_task()
    options = {"optimizer": optimizer, "lr": 0.01} | ({"steps": 5} if optimizer == "lbfgs" else {})
    fleet = FLEETS[build](task, runs=RUNS, seed=2)
    run = train(fleet, task, **options | {name: SWEEPS[name] for name in names})
    for name in names:
        assert run.settings[name] == tuple(number(name, r) for r in range(RUNS))
    for r in range(RUNS):
        alone = FLEETS[build](task, runs=1, seed=2 + r)
        train(alone, task, **options | {name: number(name, r) for name in names})
        assert_same_run(fleet, r, alone)


@pytest.mark.parametrize("optimizer", ["sgd", "sam", "lbfgs"])
def test_statistics_move_once_a_step_where_runs_step_apart(optimizer):
    """Also those of a run whose optimizer asks again."""
    task, lr = slab_task(), [0.3, 0.2, 0.1]

    def nets(runs: int, seed: int) -> sb.Fleet:
        layers = lambda: nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2))  # noqa: E731
        return sb.models.fleet_of(lambda: layers().double(), runs=runs, seed=seed)

    fleet = nets(RUNS, 2)
    train(fleet, task, optimizer=optimizer, lr=lr, steps=4)
    for r in range(RUNS):
        alone = nets(1, 2 + r)
        train(alone, task, optimizer=optimizer, lr=lr[r], steps=4)
        for mine, theirs in zip(fleet.buffers(), alone.buffers(), strict=True):
            assert_close(mine[r : r + 1], theirs)


def test_settings_of_one_a_run_change_as_one_or_as_many():
    task = slab_task()
    fleet = FLEETS["relu"](task, runs=RUNS)
    run = sb.fit(fleet, task, lr=SWEEPS["lr"], batch=32, stop=None)
    run.settings["lr"] = 0.1
    assert run.settings["lr"] == 0.1
    run.settings["lr"] = SWEEPS["lr"]
    assert run.settings["lr"] == tuple(SWEEPS["lr"])
    plain = sb.fit(FLEETS["relu"](task, runs=RUNS), task, batch=32)
    with pytest.raises(sb.SbkitError, match="This run has one lr for all, got 3; call sb.fit once more"):
        plain.settings["lr"] = SWEEPS["lr"]
    assert plain.settings["lr"] == 0.1
    sam = sb.fit(FLEETS["relu"](task, runs=RUNS), task, optimizer="sam", batch=32)
    sam.settings["rho"] = SWEEPS["rho"]
    assert sam.settings["rho"] == tuple(SWEEPS["rho"])


WRONG = [
    (
        {"lr": [0.1, 0.2]},
        r"lr is one number, or one a run, 3, got 2; try one number, or sb.mlp\(task, runs=2\)",
    ),
    ({"lr": torch.ones(3, 1)}, r"lr is a number above 0.*, got .*"),
    ({"lr": []}, "lr is one number, or one a run, 3, got 0"),
    ({"lr": [0.1, 0.2, -1]}, "lr is a number above 0.*, got -1"),
    ({"lr": ["a", "b", "c"]}, "lr is a number above 0.*, got 'a'"),
    ({"lr": [0.1, 0.2, float("nan")]}, "lr is a number above 0.*, got nan"),
    ({"optimizer": "sam", "rho": [0.1] * 4}, "rho is one number, or one a run, 3, got 4"),
    ({"optimizer": "momentum", "momentum": [0.9, 0.5, 1.0]}, "momentum is a number.*, got 1.0"),
    ({"optimizer": "nesterov", "momentum": [0.9, 0.5, 0.0]}, "momentum above 0, got 0; try 0.9"),
    ({"optimizer": "sam", "base": "sam"}, "No base of sam named 'sam'; there are sgd, gd"),
    ({"optimizer": "sam", "base": "lbfgs"}, "No base of sam named 'lbfgs'"),
    ({"optimizer": "sam", "base": "adm"}, "No base of sam named 'adm'.*Did you mean 'adam'"),
    (
        {"optimizer": "sam", "base": "adam", "momentum": 0.9},
        "No option of sam named 'momentum'; there are betas",
    ),
    ({"base": "adam"}, "No option of sgd named 'base'; there are momentum"),
]


@pytest.mark.parametrize(("options", "says"), WRONG, ids=[says for _, says in WRONG])
def test_refuses(options, says):
    task = slab_task()
    with pytest.raises(sb.SbkitError, match=says):
        sb.fit(FLEETS["relu"](task, runs=RUNS), task, batch=32, **options)


def test_optimizers_of_ones_own_sweep_too(request):
    """One that takes no closure, and one that asks again at other weights."""

    class Twice(torch.optim.SGD):
        @torch.no_grad()
        def step(self, closure):  # the mean of two gradients, the second one further down
            with torch.enable_grad():
                closure()
            parts = [p for group in self.param_groups for p in group["params"]]
            first = [p.grad.clone() for p in parts]
            for p, grad in zip(parts, first, strict=True):
                p.sub_(grad)
            with torch.enable_grad():
                closure()
            for p, grad in zip(parts, first, strict=True):
                p.add_(grad).sub_(self.param_groups[0]["lr"] * (grad + p.grad) / 2)

    class Bare(torch.optim.SGD):
        def step(self):
            super().step()

    kinds = {"twice": Twice, "bare": Bare, "torchs": torch.optim.RMSprop}
    for name, kind in kinds.items():
        sb.optimizer(name)(
            lambda fleet, lr=0.1, weight_decay=0.0, kind=kind: kind(
                fleet.parameters(), lr=lr, weight_decay=weight_decay
            )
        )
        request.addfinalizer(lambda name=name: sb.optimizer._functions.pop(name))
        test_a_run_is_that_of_a_fleet_with_its_number(name, ["lr", "weight_decay"], "relu")


# ---------------------------------------------------------------- SAM over any base
def sgd(p: Tensor, g: Tensor, state: dict) -> None:
    p -= 0.05 * g


def momentum(p: Tensor, g: Tensor, state: dict) -> None:
    state["v"] = 0.8 * state.get("v", 0) + g
    p -= 0.05 * state["v"]


def adam(p: Tensor, g: Tensor, state: dict) -> None:
    t = state["t"] = state.get("t", 0) + 1
    m = state["m"] = 0.8 * state.get("m", 0) + 0.2 * g
    v = state["v"] = 0.9 * state.get("v", 0) + 0.1 * g * g
    p -= 0.05 * (m / (1 - 0.8**t)) / ((v / (1 - 0.9**t)).sqrt() + 1e-8)


def signsgd(p: Tensor, g: Tensor, state: dict) -> None:
    p -= 0.05 * g.sign()


def rmsprop(p: Tensor, g: Tensor, state: dict) -> None:
    v = state["v"] = 0.9 * state.get("v", 0) + 0.1 * g * g
    p -= 0.05 * g / (v.sqrt() + 1e-8)


def muon(p: Tensor, g: Tensor, state: dict) -> None:
    if p.ndim < 2:
        t = state["t"] = state.get("t", 0) + 1
        m = state["m"] = 0.9 * state.get("m", 0) + 0.1 * g
        v = state["v"] = 0.999 * state.get("v", 0) + 0.001 * g * g
        p -= 0.05 * (m / (1 - 0.9**t)) / ((v / (1 - 0.999**t)).sqrt() + 1e-8)
        return
    v = state["v"] = 0.8 * state.get("v", 0) + g
    p -= 0.05 * 0.2 * max(p.shape) ** 0.5 * orthogonal(g + 0.8 * v)


BASES = {
    "sgd": (sgd, {}),
    "gd": (sgd, {}),
    "momentum": (momentum, {"momentum": 0.8}),
    "adam": (adam, {"betas": (0.8, 0.9)}),
    "signsgd": (signsgd, {}),
    "rmsprop": (rmsprop, {"alpha": 0.9}),
    "muon": (muon, {"momentum": 0.8}),
}


def gradients(net: nn.Module, x: Tensor, y: Tensor) -> list[Tensor]:
    return list(torch.autograd.grad(F.cross_entropy(net(x), y), list(net.parameters())))


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("build", ["relu", "layer norm"])
def test_sam_hands_the_gradient_uphill_to_its_base(base, build):
    """Foret et al. 2021, algorithm 1: the gradient at w + ρ g/‖g‖ is what the base takes at w."""
    task, (update, options) = slab_task(), BASES[base]
    fleet = FLEETS[build](task, runs=2, seed=2)
    nets = [fleet.run(r) for r in range(2)]
    given = {"optimizer": "sam", "base": base, "lr": 0.05, "rho": 0.2} | options
    run = train(fleet, task, **given)
    assert run.plan.batch == (300 if base == "gd" else 32)
    for r, net in enumerate(nets):
        batches, states = Batches(task.x, task.y, 32, 0, [2 + r]), [{} for _ in net.parameters()]
        for step in range(STEPS):
            x, y = (task.x, task.y) if base == "gd" else (part[0] for part in batches(step))
            here, g = [p.detach().clone() for p in net.parameters()], gradients(net, x, y)
            norm = torch.cat([part.flatten() for part in g]).norm()
            with torch.no_grad():
                for p, part in zip(net.parameters(), g, strict=True):
                    p += 0.2 * part / norm
            uphill = gradients(net, x, y)
            with torch.no_grad():
                for p, start, part, state in zip(net.parameters(), here, uphill, states, strict=True):
                    p.copy_(start)
                    update(p, part, state)
        for mine, theirs in zip(fleet.run(r).parameters(), net.parameters(), strict=True):
            assert_close(mine, theirs, atol=1e-7, rtol=1e-5)


@pytest.mark.parametrize("base", [name for name in sb.optimizer if name not in ("sam", "lbfgs")])
def test_sam_without_a_radius_is_its_base(base):
    task = slab_task()
    one, other = (FLEETS["relu"](task, runs=2) for _ in range(2))
    first = train(one, task, optimizer="sam", base=base, rho=0.0, weight_decay=0.01)
    second = train(other, task, optimizer=base, weight_decay=0.01)
    assert set(first.settings) == {*second.settings, "rho"} and first.settings["lr"] == second.settings["lr"]
    for mine, theirs in zip(one.parameters(), other.parameters(), strict=True):
        assert_close(mine, theirs)


def test_sam_sweeps_its_bases_settings():
    task = slab_task()
    fleet = FLEETS["relu"](task, runs=RUNS, seed=2)
    options = {"optimizer": "sam", "base": "adam"}
    train(fleet, task, **options, lr=SWEEPS["lr"], rho=SWEEPS["rho"])
    for r in range(RUNS):
        alone = FLEETS["relu"](task, runs=1, seed=2 + r)
        train(alone, task, **options, lr=SWEEPS["lr"][r], rho=SWEEPS["rho"][r])
        assert_same_run(fleet, r, alone)
