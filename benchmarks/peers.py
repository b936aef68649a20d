"""The same training as others write it: a loop a net, `torch.func`, `torch.compile`, scikit-learn, JAX.

Every peer is a function (workload, runs, optimizer) → `work(steps)`, which trains for about so many steps
and returns how many they were, counted over all nets (model-steps).
"""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from torch import Tensor, nn
from torch.func import functional_call, grad, stack_module_state, vmap
from torch.utils.data import DataLoader, TensorDataset
from turns import Work

import sbkit as sb

ROWS = 10_000
RATES = {"sgd": 0.1, "adam": 1e-3, "sam": 0.1}
RHO = 0.05


@dataclass(frozen=True)
class Workload:
    """Nets inputs-width-width-2 with ReLU, and the rows a step."""

    inputs: int
    width: int
    batch: int

    def __str__(self) -> str:
        return f"{self.inputs}-{self.width}-{self.width}-2, batch {self.batch}"

    def data(self) -> tuple[Tensor, Tensor]:
        """x (ROWS, inputs), y (ROWS,)."""
        rng = torch.Generator().manual_seed(0)
        return torch.randn(ROWS, self.inputs, generator=rng), torch.randint(2, (ROWS,), generator=rng)

    def net(self) -> nn.Sequential:
        """One net."""
        hidden = [nn.Linear(self.inputs, self.width), nn.ReLU(), nn.Linear(self.width, self.width), nn.ReLU()]
        return nn.Sequential(*hidden, nn.Linear(self.width, 2))

    def forward_flops(self) -> int:
        """Floating-point operations of the matrix products that a row needs, forwards."""
        return 2 * (self.inputs * self.width + self.width**2 + 2 * self.width)

    def step_flops(self) -> int:
        """The same for a step of a net: forwards, back to weights and, past the first layer, inputs."""
        return self.batch * (3 * self.forward_flops() - 2 * self.inputs * self.width)


WORKLOADS = [Workload(2, 8, 10), Workload(2, 32, 64), Workload(50, 100, 256)]
Peer = Callable[[Workload, int, str], Work]


def sbkit(workload: Workload, runs: int, optimizer: str, device: str = "cpu", **options: object) -> Work:
    """A fleet, trained by `fit`."""
    x, y = workload.data()
    task = sb.Task(x, y, x, y, {"all": sb.Feature(tuple(range(workload.inputs)))}).to(device)
    fleet = sb.mlp(task, depth=2, width=workload.width, runs=runs)
    run = sb.fit(fleet, task, optimizer=optimizer, batch=workload.batch, steps=10**9, stop=None, **options)

    def work(steps: int) -> int:
        each = max(1, steps // runs)
        run.train(steps=each)
        return runs * each

    return work


def loop_with_loader(workload: Workload, runs: int, optimizer: str, device: str = "cpu") -> Work:
    """Plain PyTorch, a DataLoader, one net."""
    data = DataLoader(
        TensorDataset(*workload.data()), batch_size=workload.batch, shuffle=True, drop_last=True
    )

    def batches() -> Iterator[tuple[Tensor, Tensor]]:
        while True:
            for x, y in data:
                yield x.to(device), y.to(device)

    return _loop(workload, optimizer, batches(), device)


def loop(workload: Workload, runs: int, optimizer: str) -> Work:
    """Plain PyTorch, an epoch shuffled at once and sliced, one net."""
    x, y = workload.data()

    def batches() -> Iterator[tuple[Tensor, Tensor]]:
        while True:
            order = torch.randperm(ROWS)
            for rows in order[: ROWS // workload.batch * workload.batch].split(workload.batch):
                yield x[rows], y[rows]

    return _loop(workload, optimizer, batches())


def _loop(
    workload: Workload, optimizer: str, batches: Iterator[tuple[Tensor, Tensor]], device: str = "cpu"
) -> Work:
    net, loss = workload.net().to(device), nn.CrossEntropyLoss()
    weights = list(net.parameters())
    made = torch.optim.Adam if optimizer == "adam" else torch.optim.SGD
    stepper = made(weights, lr=RATES[optimizer])

    def gradient(x: Tensor, y: Tensor) -> None:
        stepper.zero_grad()
        loss(net(x), y).backward()

    def work(steps: int) -> int:
        for _ in range(steps):
            x, y = next(batches)
            gradient(x, y)
            if optimizer == "sam":
                _sam(weights, lambda x=x, y=y: gradient(x, y))
            stepper.step()
        return steps

    return work


@torch.no_grad()
def _sam(weights: list[nn.Parameter], gradient: Callable[[], None]) -> None:
    """Replace the gradient by the one at w + ρ g/‖g‖."""
    grads = [torch.as_tensor(w.grad).clone() for w in weights]
    scale = RHO / torch.stack([g.norm() for g in grads]).norm().clamp(min=1e-12)
    here = [w.clone() for w in weights]
    for w, g in zip(weights, grads, strict=True):
        w.add_(g * scale)
    with torch.enable_grad():
        gradient()
    for w, before in zip(weights, here, strict=True):
        w.copy_(before)


def vmapped(workload: Workload, runs: int, optimizer: str, compiled: bool = False) -> Work:
    """`torch.func`: the gradient of one net, mapped over stacked weights; torch's optimizer on the stack."""
    x, y = workload.data()
    nets = [workload.net() for _ in range(runs)]
    weights, buffers = stack_module_state(nets)

    def loss(weights: dict, x: Tensor, y: Tensor) -> Tensor:
        return nn.functional.cross_entropy(functional_call(nets[0], (weights, buffers), (x,)), y)

    gradients = vmap(grad(loss))
    if compiled:
        gradients = torch.compile(gradients)
    made = torch.optim.Adam if optimizer == "adam" else torch.optim.SGD
    stepper = made(list(weights.values()), lr=RATES[optimizer], foreach=True)

    def climbed(at: dict, g: dict) -> dict:
        norms = torch.stack([v.flatten(1).square().sum(1) for v in g.values()]).sum(0).sqrt() + 1e-12
        return {k: (at[k] + RHO * v / norms.view(-1, *[1] * (v.ndim - 1))).detach() for k, v in g.items()}

    def work(steps: int) -> int:
        each = max(1, steps // runs)
        for _ in range(each):
            rows = torch.randint(ROWS, (runs, workload.batch))  # with replacement: cheaper than a shuffle
            at = {k: v.detach() for k, v in weights.items()}
            g = gradients(at, x[rows], y[rows])
            if optimizer == "sam":
                g = gradients(climbed(at, g), x[rows], y[rows])
            for k, v in weights.items():
                v.grad = g[k]
            stepper.step()
        return runs * each

    return work


def sklearn(workload: Workload, runs: int, optimizer: str) -> Work:
    """scikit-learn's MLPClassifier, one net, an epoch at a time."""
    x, y = (t.numpy() for t in workload.data())
    net = MLPClassifier(
        (workload.width, workload.width),
        solver=optimizer,  # pyright: ignore[reportArgumentType]
        learning_rate_init=RATES[optimizer],
        momentum=0.0,
        nesterovs_momentum=False,
        alpha=0.0,
        batch_size=workload.batch,  # pyright: ignore[reportArgumentType]
        max_iter=1,
        warm_start=True,
    )

    def work(steps: int) -> int:
        epochs = max(1, round(steps * workload.batch / ROWS))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            for _ in range(epochs):
                net.fit(x, y)
        return epochs * ROWS // workload.batch

    return work


class Jax:
    """The process of `jax_fleet.py`: vmap + scan + jit, on one thread of the first core, or on the GPU."""

    def __init__(self, python: str, platform: str = "cpu"):
        script = Path(__file__).with_name("jax_fleet.py")
        pin = platform == "cpu" and sys.platform == "linux"
        start = ["taskset", "-c", str(min(os.sched_getaffinity(0)))] if pin else []
        self.process = subprocess.Popen(
            [*start, python, str(script), platform], stdin=-1, stdout=-1, text=True
        )

    def __call__(self, workload: Workload, runs: int, optimizer: str) -> Work:
        def work(steps: int) -> int:
            assert self.process.stdin and self.process.stdout
            given = workload.inputs, workload.width, workload.batch, runs, optimizer, max(1, steps // runs)
            print(*given, file=self.process.stdin, flush=True)
            return runs * int(self.process.stdout.readline())

        return work
