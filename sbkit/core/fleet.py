"""A fleet: many networks of one architecture as one module."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate, chain
from typing import Any

import torch
from torch import Tensor, nn

from sbkit.core.causes import unfit
from sbkit.core.names import SbkitError
from sbkit.core.stacked import called, stacked
from sbkit.core.trial import Own, try_out, undone

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
        self.runs, self.seed, self.net = len(modules), seed, stacked(modules)
        self.own = Own(modules)  # until they are compared with the runs, at the first call
        self.moment: tuple[int, ...] = ()
        self.born = time.perf_counter()  # when this very object was made, to tell it from one made before
        self.eval()

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # pyright: ignore[reportAttributeAccessIssue]
        self.born = time.perf_counter()

    def __copy__(self) -> Fleet:
        return copy.deepcopy(self)  # one that shared weights would train with this one

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
        """`forward`. Raises `SbkitError` if the nets do not take such inputs, or cannot be a fleet."""
        if not isinstance(x, Tensor) or x.ndim < 2 or (x.ndim == 3 and len(x) != self.runs):
            got = tuple(x.shape) if isinstance(x, Tensor) else f"a {type(x).__name__}"
            rule = f"A fleet takes a tensor (n, d), shared by its runs, or ({self.runs}, n, d), each its own"
            raise SbkitError(f"{rule}, got {got}; try its task's x.")
        try:
            return super().__call__(x)
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            raise unfit(error, x, self.net) from error

    def forward(self, x: Tensor) -> Tensor:
        """Logits (runs, n, outputs) of x (n, d), shared by the runs, or (runs, n, d), each its own."""
        wrapped = torch._C._functorch.is_functorch_wrapped_tensor  # pyright: ignore[reportAttributeAccessIssue]
        if (
            self.own and x.ndim in (2, 3) and not wrapped(x)
        ):  # not within torch.func, whose tensors tell nothing
            try_out(self, x)
        if not self.own.leaves:
            return self.batched(x)
        with undone(self.net):
            return self.batched(x)

    def batched(self, x: Tensor) -> Tensor:
        """`forward` by `torch.func`, untried."""

        def call(state: dict[str, Tensor], x: Tensor) -> Tensor:
            return called(self.net, state, x)

        state = dict(self.net.named_parameters()) | dict(self.net.named_buffers())
        if self.own.alters:
            x = x.expand(self.runs, *x.shape[-2:]).clone()
        warn = torch._C._functorch._set_vmap_fallback_warning_enabled  # pyright: ignore[reportAttributeAccessIssue]
        warn(False)  # a layer that is batched slowly is batched rightly
        try:
            return torch.func.vmap(call, in_dims=(0, 0 if x.ndim == 3 else None))(state, x)
        finally:
            warn(True)

    def try_out(self, x: Tensor) -> None:
        """Raise `SbkitError` if the nets cannot train on rows like x, or a run is not its own module."""
        if type(self).forward is Fleet.forward:
            try_out(self, x)

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
        return [_renewed(m).weight for m in self.net.modules() if isinstance(m, nn.Linear)]

    def run(self, i: int) -> nn.Module:
        """Run i alone as a plain module with its own copy of the weights."""
        if not -self.runs <= i < self.runs:
            raise SbkitError(f"This fleet has runs 0…{self.runs - 1}, got {i}.")
        kept = {id(p): nn.Parameter(p[i].detach().clone(), p.requires_grad) for p in self.net.parameters()}
        kept |= {id(b): b[i].clone() for b in self.net.buffers()}
        return _copied(self.net, kept)

    def only(self, r: int) -> Fleet:
        """Run r as a fleet of one that shares memory, gradients included, with this one."""
        kept: dict[int, Any] = {}
        for p in self.parameters():
            kept[id(p)] = nn.Parameter(p.data[r : r + 1], p.requires_grad)
            kept[id(p)].grad = None if p.grad is None else p.grad[r : r + 1]
        part = _copied(self, kept | {id(b): b[r : r + 1] for b in self.buffers()})
        part.runs, part.seed, part.own = 1, self.seed + r, self.own.only(r)
        return part

    def flat(self) -> nn.Parameter:
        """All trainable parameters as one vector that shares memory with them, gradients included.

        Shape (runs · P,), a block a run. One vector makes an elementwise optimizer one operation, and a norm
        of each run one operation on `flat.view(runs, -1)`.
        """
        _check_axes([*self.named_parameters(), *self.named_buffers()], self.runs)
        trained = [p for p in self.parameters() if p.requires_grad]
        if not trained:
            raise SbkitError("A fleet trains some weights, got none that do; try fleet.requires_grad_().")
        types = {str(p.dtype) for p in trained}
        if len(types) > 1 or trained[0].is_complex():
            way = "fleet.to(dtype=task.x.dtype), or two real weights in place of a complex one"
            raise SbkitError(
                f"A fleet trains real weights of one type, got {', '.join(sorted(types))}; try {way}."
            )
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


def _check_axes(parts: Sequence[tuple[str, Tensor]], runs: int) -> None:
    """Refuse weights and buffers that runs would share, or that would be trained as something else."""
    for name, part in parts:
        if nn.parameter.is_lazy(part):
            raise SbkitError(
                f"Weights of a fleet have a shape, got none yet for {name}; try nn.Linear(in, out)."
            )
        if part.shape[:1] != (runs,):
            words = f"Weights and buffers of a fleet of {runs} have shape ({runs}, ...)"
            raise SbkitError(
                f"{words}, got {tuple(part.shape)} for {name}; put it into the module of sb.models.fleet_of."
            )
    weights = [(name, part) for name, part in parts if isinstance(part, nn.Parameter) and part.numel()]
    places = {part.data_ptr(): name for name, part in weights}
    for name, part in weights:
        if places[part.data_ptr()] != name:
            words = (
                f"Each weight of a fleet has its own memory, got {name} and {places[part.data_ptr()]} in one"
            )
            raise SbkitError(f"{words}; try the same nn.Parameter for both.")


def _copied(net: nn.Module, kept: dict[int, Any]) -> Any:
    """A copy of a net with these tensors by id; what torch's hooks make of them is made anew."""
    for part in net.modules():
        made = [value for value in vars(part).values() if isinstance(value, Tensor) and not value.is_leaf]
        kept |= {id(value): value.detach() for value in made}
    copied = copy.deepcopy(net, kept)
    for part in copied.modules():
        _renewed(part)
    return copied


def _renewed(part: nn.Module) -> Any:
    """A layer whose pruned or normed weight is that of now: torch renews it only when the layer is called."""
    for hook in part._forward_pre_hooks.values():
        if type(hook).__module__.startswith("torch.nn.utils"):
            hook(part, ())
    return part


def _in_blocks(parts: Sequence[Tensor | None], sizes: Sequence[int]) -> bool:
    """Whether parts (runs, …) of these sizes a run lie one behind the other in one memory, a block a run."""
    places = [
        (p.untyped_storage().data_ptr(), p.stride(0), p.storage_offset()) for p in parts if p is not None
    ]
    storage, _, start = places[0] if places else (0, 0, 0)
    return places == [(storage, sum(sizes), at) for at in accumulate(sizes[:-1], initial=start)]
