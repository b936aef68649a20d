"""What torch does not compute for many runs at once as for each alone: dropout, averages, recurrence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Generator, Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from sbkit.core.machine import generator

VF: Any = torch._VF  # where torch keeps its recurrent layers


class Rules(TorchFunctionMode):
    """Within it, torch computes some of its functions by others that take the same arguments."""

    def __init__(self, rules: Mapping[Any, Callable[..., Any]]):
        super().__init__()
        self.rules = rules

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return self.rules.get(func, func)(*args, **(kwargs or {}))


def whole(h: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """`F.dropout` that drops nothing."""
    return h


def kept(shape: Sequence[int], p: float, rng: Generator) -> Tensor:
    """0 where dropout with chance p drops, 1 / (1 − p) where it does not."""
    return (torch.rand(shape, generator=rng) >= p) / (1 - p or 1.0)


def averaged(h: Tensor, mean: Tensor, var: Tensor, momentum: Any, **options: Any) -> Tensor:
    """`F.batch_norm`, of which momentum may also be what tells the number of steps that count alike."""
    if isinstance(momentum, int | float):
        return F.batch_norm(h, mean, var, momentum=momentum, **options)
    now = mean.clone(), var.clone()
    made = F.batch_norm(h, *now, momentum=1.0, **options)
    for kept, fresh in zip((mean, var), now, strict=True):
        kept.lerp_(fresh, momentum().to(kept).reciprocal())
    return made


class Dropout:
    """`F.dropout` under vmap: each run draws its own, by its seeds and the number of the call.

    run: the number of the run, which vmap gives; seeds: of all runs, none at no moment of a fit, where
    nothing drops.
    """

    def __init__(self, run: Tensor, seeds: Sequence[tuple[int, ...]]):
        self.run, self.seeds, self.calls = run, seeds, 0

    def __call__(self, h: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
        if not (training and self.seeds):
            return h
        call, self.calls = self.calls, self.calls + 1
        make = lambda r: kept(h.shape, p, generator(*self.seeds[r], call))  # noqa: E731
        mask = torch.as_tensor(_Own.apply(self.run, make)).to(h)
        return h.mul_(mask) if inplace else h * mask


class _Own(torch.autograd.Function):
    """make(r) for run r, under vmap for each of its runs."""

    @staticmethod
    def forward(run: Tensor, make: Callable[[int], Tensor]) -> Tensor:  # pyright: ignore
        return make(int(run))

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.mark_non_differentiable(output)

    @staticmethod
    def vmap(info: Any, in_dims: Any, run: Tensor, make: Callable[[int], Tensor]) -> tuple[Tensor, int]:  # pyright: ignore
        return torch.stack([make(r) for r in range(info.batch_size)]), 0


def gru(i: Tensor, g: Tensor, h: Tensor) -> Tensor:
    """The next state of a GRU: i = W_ih x + b_ih and g = W_hh h + b_hh, (…, 3 · hidden) (Cho et al. 2014)."""
    sizes = [2 * h.shape[-1], h.shape[-1]]
    (both, new), (both_h, new_h) = i.split(sizes, -1), g.split(sizes, -1)
    reset, update = torch.sigmoid(both + both_h).chunk(2, -1)
    return torch.lerp(torch.tanh(torch.addcmul(new, reset, new_h)), h, update)


def _gru_cell(x: Tensor, h: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Any = None, b_hh: Any = None) -> Tensor:
    return gru(F.linear(x, w_ih, b_ih), F.linear(h, w_hh, b_hh), h)


def _lstm_cell(
    x: Tensor, state: Sequence[Tensor], w_ih: Tensor, w_hh: Tensor, b_ih: Any = None, b_hh: Any = None
) -> tuple[Tensor, Tensor]:
    h, c = state
    put, forget, new, out = (F.linear(x, w_ih, b_ih) + F.linear(h, w_hh, b_hh)).chunk(4, -1)
    c = torch.sigmoid(forget) * c + torch.sigmoid(put) * torch.tanh(new)
    return torch.sigmoid(out) * torch.tanh(c), c


def _rnn_cell(act: Callable[[Tensor], Tensor]) -> Callable[..., Tensor]:
    return lambda x, h, w_ih, w_hh, b=None, c=None: act(F.linear(x, w_ih, b) + F.linear(h, w_hh, c))


def _layers(cell: Callable[..., Any]) -> Callable[..., tuple[Tensor, ...]]:
    """torch's recurrent layers, by their cell: the outputs and the states at the end, as torch gives them."""

    def rule(
        x: Tensor, hx: Any, weights: Sequence[Tensor], biases: bool, layers: int, dropout: float, train: bool,
        both: bool, batch_first: bool,
    ) -> tuple[Tensor, ...]:  # fmt: skip
        h, ends = x.transpose(0, 1) if batch_first else x, []  # (steps, n, inputs)
        ways, each = 2 if both else 1, 4 if biases else 2
        for layer in range(layers):
            outs = []
            for j in range(layer * ways, (layer + 1) * ways):
                state = hx[j] if isinstance(hx, Tensor) else tuple(part[j] for part in hx)
                back, out = j % ways, []
                for row in h.flip(0) if back else h:
                    state = cell(row, state, *weights[each * j : each * (j + 1)])
                    out.append(state if isinstance(state, Tensor) else state[0])
                outs.append(torch.stack(out[::-1] if back else out))
                ends.append(state)
            h = torch.cat(outs, -1)
            h = F.dropout(h, dropout, train) if dropout and layer < layers - 1 else h
        last = [ends] if isinstance(hx, Tensor) else zip(*ends, strict=True)
        return (h.transpose(0, 1) if batch_first else h), *(torch.stack([*part]) for part in last)

    return rule


RECURRENT: dict[Any, Callable[..., Any]] = {
    VF.gru_cell: _gru_cell,
    VF.lstm_cell: _lstm_cell,
    VF.rnn_tanh_cell: _rnn_cell(torch.tanh),
    VF.rnn_relu_cell: _rnn_cell(torch.relu),
    VF.gru: _layers(_gru_cell),
    VF.lstm: _layers(_lstm_cell),
    VF.rnn_tanh: _layers(_rnn_cell(torch.tanh)),
    VF.rnn_relu: _layers(_rnn_cell(torch.relu)),
}
