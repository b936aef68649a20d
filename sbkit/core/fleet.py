"""A fleet: many networks of one architecture as one module."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate, chain
from typing import Any

import torch
from torch import Tensor, nn

from sbkit.core.names import SbkitError

ROWS = 2048  # rows times runs evaluated at once: what lies between two layers stays in the cache


class Fleet(nn.Module):
    """`runs` networks of one architecture as one module: every parameter has a leading `runs` axis.

    Runs are independent: run r of a fleet with seed s is the fleet of one with seed s + r.
    This base class batches any module by `torch.func`; plain nets have a faster one in `models`.
    A fleet is in torch's eval mode, but `at` the moments of training that take a gradient.
    Weights save and load as those of any module, a plain dict of tensors with a leading `runs` axis:
    `torch.save(fleet.state_dict(), path)`, `fleet.load_state_dict(torch.load(path, weights_only=True))`.
    """

    def __init__(self, modules: Sequence[nn.Module], seed: int = 0):
        super().__init__()
        self.runs, self.seed = len(modules), seed
        self.net = copy.deepcopy(modules[0])
        for name, parameter in modules[0].named_parameters():
            stacked = torch.stack([m.get_parameter(name).detach() for m in modules])
            owner, _, leaf = name.rpartition(".")
            setattr(self.net.get_submodule(owner), leaf, nn.Parameter(stacked, parameter.requires_grad))
        for name, _ in modules[0].named_buffers():
            owner, _, leaf = name.rpartition(".")
            self.net.get_submodule(owner)._buffers[leaf] = torch.stack([m.get_buffer(name) for m in modules])
        self.moment: tuple[int, ...] = ()
        self.eval()

    @contextmanager
    def at(self, *moment: int) -> Iterator[None]:
        """In train mode, at this moment (seed of the fit, step): it and a run's seed say what is drawn."""
        self.moment = moment
        try:
            self.train()
            yield
        finally:
            self.eval()

    def __call__(self, x: Tensor) -> Tensor:
        """`forward`. Raises `SbkitError` if the nets do not take such inputs."""
        if not isinstance(x, Tensor) or x.ndim < 2 or (x.ndim == 3 and len(x) != self.runs):
            got = tuple(x.shape) if isinstance(x, Tensor) else f"a {type(x).__name__}"
            rule = f"A fleet takes a tensor (n, d), shared by its runs, or ({self.runs}, n, d), each its own"
            raise SbkitError(f"{rule}, got {got}; try its task's x.")
        try:
            return super().__call__(x)
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            raise SbkitError(
                f"This fleet does not take the task's inputs, {x.shape[-1]} columns of {x.dtype} "
                f"on {x.device}: {str(error).rstrip('.')}. Build it for this task, e.g. sb.mlp(task)."
            ) from error

    def forward(self, x: Tensor) -> Tensor:
        """Logits (runs, n, outputs) of x (n, d), shared by the runs, or (runs, n, d), each its own."""

        def call(state: tuple[dict, dict], x: Tensor) -> Tensor:
            return torch.func.functional_call(self.net, state, (x,))

        state = dict(self.net.named_parameters()), dict(self.net.named_buffers())
        return torch.func.vmap(call, in_dims=(0, 0 if x.ndim == 3 else None))(state, x)

    @torch.no_grad()
    def predict(self, x: Tensor) -> Tensor:
        """Logits (runs, n, outputs) without gradients or dropout, some rows at a time; x as in `forward`.

        Raises `SbkitError` if the nets do not take such inputs.
        """
        if not isinstance(x, Tensor) or x.ndim < 2:
            return self(x)  # refuses
        before = self.training
        try:
            self.eval()
            return self._in_parts(x.split(max(128, ROWS // self.runs), dim=-2))
        finally:
            self.train(before)

    def _in_parts(self, parts: Sequence[Tensor]) -> Tensor:
        """Logits (runs, n, outputs) of all parts, written where they stay: kept one by one, they would lie
        between the memory of large layers and keep it from being used again."""
        first, rows = self(parts[0]), sum(part.shape[-2] for part in parts)
        logits = first.new_empty(self.runs, rows, *first.shape[2:])
        places = logits.split(parts[0].shape[-2], dim=1)
        for place, made in zip(places, chain([first], map(self, parts[1:])), strict=True):
            place.copy_(made)
        return logits

    def features(self, x: Tensor, layer: int) -> Tensor:
        """What hidden layer `layer` makes of x, after the activation. (runs, n, width)"""
        raise SbkitError(
            f"features are known for sb.mlp fleets, got {type(self).__name__}; build it with sb.mlp."
        )

    def zero_grad(self, set_to_none: bool = False) -> None:
        """Set all gradients to 0, in place: an optimizer of the flat vector holds their memory."""
        super().zero_grad(set_to_none=False)

    def weights(self) -> list[Tensor]:
        """The matrices of the linear layers, first to last, each (runs, out, in)."""
        return [m.weight for m in self.net.modules() if isinstance(m, nn.Linear)]

    def run(self, i: int) -> nn.Module:
        """Run i alone as a plain module with its own copy of the weights."""
        if not -self.runs <= i < self.runs:
            raise SbkitError(f"This fleet has runs 0…{self.runs - 1}, got {i}.")
        kept = {id(p): nn.Parameter(p[i].detach().clone(), p.requires_grad) for p in self.net.parameters()}
        kept |= {id(b): b[i].clone() for b in self.net.buffers()}
        return copy.deepcopy(self.net, kept)

    def only(self, r: int) -> Fleet:
        """Run r as a fleet of one that shares memory, gradients included, with this one."""
        kept: dict[int, Any] = {}
        for p in self.parameters():
            kept[id(p)] = nn.Parameter(p.data[r : r + 1], p.requires_grad)
            kept[id(p)].grad = None if p.grad is None else p.grad[r : r + 1]
        part = copy.deepcopy(self, kept | {id(b): b[r : r + 1] for b in self.buffers()})
        part.runs, part.seed = 1, self.seed + r
        return part

    def flat(self) -> nn.Parameter:
        """All trainable parameters as one vector that shares memory with them, gradients included.

        Shape (runs · P,), a block a run. One vector makes an elementwise optimizer one operation, and a norm
        of each run one operation on `flat.view(runs, -1)`.
        """
        trained = [p for p in self.parameters() if p.requires_grad]
        if not trained:
            raise SbkitError("A fleet trains some weights, got none that do; try fleet.requires_grad_().")
        first, sizes = trained[0], [p[0].numel() for p in trained]
        if not (_in_blocks(trained, sizes) and _in_blocks([p.grad for p in trained], sizes)):
            values = torch.cat([p.detach().reshape(self.runs, -1) for p in trained], dim=1)  # (runs, P)
            grads = torch.zeros_like(values)
            for p, value, grad in zip(trained, values.split(sizes, 1), grads.split(sizes, 1), strict=True):
                p.data, p.grad = value.view(p.shape), grad.view(p.shape)
        shape = (self.runs * sum(sizes),)
        flat = nn.Parameter(first.data.as_strided(shape, (1,)))
        flat.grad = first.grad.as_strided(shape, (1,))  # pyright: ignore[reportOptionalMemberAccess]
        return flat


def _in_blocks(parts: Sequence[Tensor | None], sizes: Sequence[int]) -> bool:
    """Whether parts (runs, …) of these sizes a run lie one behind the other in one memory, a block a run."""
    places = [
        (p.untyped_storage().data_ptr(), p.stride(0), p.storage_offset()) for p in parts if p is not None
    ]
    storage, _, start = places[0] if places else (0, 0, 0)
    return places == [(storage, sum(sizes), at) for at in accumulate(sizes[:-1], initial=start)]
