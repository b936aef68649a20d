"""A fleet: many networks of one architecture as one module."""

from __future__ import annotations

import copy
import operator
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sbkit.core.names import SbkitError
from sbkit.core.numbers import told
from sbkit.core.refused import averages, unfit
from sbkit.core.rules import Dropout, Rules, averaged
from sbkit.core.stacked import LAYERS, called, check_apart, copied, heard, renewed, stacked
from sbkit.core.trial import try_out, undone

FUNCTORCH: Any = torch._C._functorch  # pyright: ignore[reportAttributeAccessIssue]
_BATCHING = threading.RLock()
ROWS = 2048  # rows times runs evaluated at once: activations then stay in the processor's cache


class Fleet(nn.Module):
    """`runs` networks of one architecture as one module: every parameter has a leading `runs` axis.

    Runs are independent: run r of a fleet with seed s is the fleet of one with seed s + r.
    This base class batches any module by `torch.func`; nets of `sb.mlp` have a faster one in `models`.
    A fleet is in torch's eval mode, except while a training step takes a gradient (`at`). Its buffers belong
    to runs, too: running statistics move once a step, by the step's own forward on its minibatch, not by
    what else calls the fleet there (a penalty, SAM's second look).
    Weights save and load as those of any module, a dict of tensors with a leading `runs` axis:
    `torch.save(fleet.state_dict(), path)`, `fleet.load_state_dict(torch.load(path, weights_only=True))`.
    """

    place: int | None = None  # of a run that `only` gave, which one it is

    def __init__(self, modules: Sequence[nn.Module], seed: int = 0):
        super().__init__()
        self.runs, self.seed, self.net = len(modules), seed, stacked(modules)
        self.own: tuple[nn.Module, ...] = (*modules,)  # the first call compares the runs with them
        self.alters = False  # whether a forward changes its input, as the comparison finds
        self.statistics: list[str] = []  # the buffers that a forward changes while it trains, likewise
        self.moment: tuple[int, ...] = ()
        self.counts = False  # whether the next forward's statistics stay
        self.birth = self.owned()
        self.born = time.perf_counter()  # tells a fleet of this call of a lesson from an older one
        self.eval()

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # pyright: ignore[reportAttributeAccessIssue]
        self.born = time.perf_counter()

    def __copy__(self) -> Fleet:
        return copy.deepcopy(self)  # one that shared weights would train with this one

    @contextmanager
    def at(self, *moment: int, counts: bool = False) -> Iterator[None]:
        """In train mode, at a moment (seed of the fit, step): it and a run's seed decide what is drawn.

        counts: whether the statistics that the first forward takes stay.
        """
        self.moment, self.counts = moment, counts
        try:
            self.train()
            yield
        finally:
            self.counts = False
            self.eval()

    def owned(self) -> dict[str, Tensor]:
        """Copies of its weights and buffers, (runs, …) each, by name."""
        return {name: t.detach().clone() for name, t in [*self.named_parameters(), *self.named_buffers()]}

    def __call__(self, x: Tensor) -> Tensor:
        """`forward`. Raises `SbkitError` if the nets do not take such inputs, or cannot be a fleet."""
        if not isinstance(x, Tensor) or x.ndim < 2 or (x.ndim == 3 and len(x) != self.runs):
            got = tuple(x.shape) if isinstance(x, Tensor) else f"a {type(x).__name__}"
            rule = f"A fleet takes a tensor (n, d), shared by its runs, or ({self.runs}, n, d), each its own"
            raise SbkitError(f"{rule}, got {got}; try its task's x.")
        try:
            return super().__call__(x)
        except (torch.OutOfMemoryError, SbkitError):
            raise
        except (RuntimeError, ValueError) as error:
            raise unfit(error, x, self.net) from error

    def forward(self, x: Tensor) -> Tensor:
        """Logits (runs, n, outputs) of x (n, d), shared by the runs, or (runs, n, d), each its own."""
        if self.own and x.ndim in (2, 3) and not FUNCTORCH.is_functorch_wrapped_tensor(x):
            try_out(self, x)
        return self.batched(x)

    def batched(self, x: Tensor, hidden: bool = False) -> Any:
        """`forward` by `torch.func`, untried; or the list of what the `hidden` layers make."""
        buffers = dict(self.net.named_buffers())
        moved = {name: buffers[name].clone() for name in self.statistics}

        def call(state: dict[str, Tensor], r: Tensor, x: Tensor) -> tuple[Any, dict[str, Tensor]]:
            rules = {F.dropout: Dropout(r, seeds), F.batch_norm: averaged}
            with Rules(rules) if self.training else nullcontext(), heard(self.net, hidden) as kept:
                logits = called(self.net, state, x)
            return kept if hidden else logits, {name: state[name].detach() for name in moved}

        seeds = [(*self.moment, self.seed + r) for r in range(self.runs if self.moment else 0)]
        state = dict(self.net.named_parameters()) | buffers | moved
        if self.alters:
            x = x.expand(self.runs, *x.shape[-2:]).clone()
        with _batching(), undone(self.net):
            for norm in filter(averages, self.net.modules() if self.training else ()):
                setattr(norm, "momentum", partial(getattr, norm, "num_batches_tracked"))  # noqa: B010
            each = torch.func.vmap(call, in_dims=(0, 0, 0 if x.ndim == 3 else None))
            logits, moved = each(state, torch.arange(self.runs, device=x.device), x)
        if self.counts:
            for name, values in moved.items():
                buffers[name].copy_(values)
            self.counts = False
        return logits

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
            return torch.cat([self(part) for part in x.split(max(128, ROWS // self.runs), dim=-2)], dim=1)
        finally:
            self.train(before)

    def layers(self, x: Tensor) -> Iterator[Tensor]:
        """What each hidden layer makes of x, after the activation, (runs, n, width), and last the logits."""
        got = type(self).__name__
        raise SbkitError(f"Hidden layers are known for sb.mlp fleets, got {got}; build it with sb.mlp.")

    def features(self, x: Tensor, layer: int | None = None) -> Any:
        """What every hidden layer makes of x, after its activation, or one layer alone. (runs, n, …) each

        Of any module: the answers of its activations (`nn.ReLU` and the like, not functions), in the order
        of their calls; where it has none, what each linear or convolutional layer after the first is given.
        layer: 0 … hidden layers − 1. Raises `SbkitError` on other layers, and on inputs of another task.
        """
        self.predict(x[..., :1, :] if isinstance(x, Tensor) and x.ndim > 1 else x)  # refuses
        hidden = self.hidden(x)
        if layer is None:
            return hidden
        if layer not in range(len(hidden)) or isinstance(layer, bool | float):
            known = f"0…{len(hidden) - 1}" if hidden else "none"
            fix = "0" if hidden else "a net of depth 1"
            raise SbkitError(f"This fleet has hidden layers {known}, got {layer}; try {fix}.")
        return hidden[layer]

    def hidden(self, x: Tensor) -> list[Tensor]:
        """`features` of every layer, for inputs that fit."""
        return self.batched(x, hidden=True)

    def passes(self, x: Tensor) -> list[tuple[Any, Tensor, Tensor]]:
        """Each layer, what it is given and what it makes, h and scale·W h + shift·b, (runs, n, …) each.

        The last makes the logits. [] unless the nets are such layers, each with weights of its own, and
        elementwise functions in turn.
        """
        return []

    def zero_grad(self, set_to_none: bool = False) -> None:
        """Set all gradients to 0, in place: an optimizer of the flat vector holds their memory."""
        super().zero_grad(set_to_none=False)

    def weights(self) -> list[Tensor]:
        """Weights of linear layers, (runs, out, in), and convolutions, (runs, out, in, …), first to last."""
        return [renewed(m).weight for m in self.net.modules() if isinstance(m, LAYERS)]

    def run(self, i: int) -> nn.Module:
        """Run i alone as an ordinary module with its own copy of the weights."""
        i = self._place(i)
        kept = {id(p): nn.Parameter(p[i].detach().clone(), p.requires_grad) for p in self.net.parameters()}
        kept |= {id(b): b[i].clone() for b in self.net.buffers()}
        return copied(self.net, kept)

    def only(self, r: int) -> Fleet:
        """Run r as a fleet of one that shares memory, gradients included, with this one.

        Until it is trained: `sb.fit` gives its weights memory of their own, unless this fleet is `flat`.
        """
        r = self._place(r)
        kept: dict[int, Any] = {id(self.birth): {name: t[r : r + 1] for name, t in self.birth.items()}}
        for p in self.parameters():
            kept[id(p)] = nn.Parameter(p.data[r : r + 1], p.requires_grad)
            kept[id(p)].grad = None if p.grad is None else p.grad[r : r + 1]
        part = copied(self, kept | {id(b): b[r : r + 1] for b in self.buffers()})
        part.runs, part.seed, part.own = 1, self.seed + r, self.own[r : r + 1]
        part.place = r if self.place is None else self.place
        return part

    def _place(self, i: int) -> int:
        """The run that i means, −1 the last."""
        try:
            return range(self.runs)[operator.index(i)]
        except (IndexError, TypeError) as error:
            raise SbkitError(f"This fleet has runs 0…{self.runs - 1}, got {i!r:.60}; try 0.") from error

    def vector(self) -> Tensor:
        """All trainable parameters of each run as one row, in the order of `parameters()`. (runs, P)

        A copy through which gradients flow, as torch's `parameters_to_vector` of one net; `logits_at` takes
        it back. Raises `SbkitError` where nothing trains.
        """
        return torch.cat([p.reshape(self.runs, -1) for p in self._trained()], dim=1)

    def logits_at(self, vector: Tensor, x: Tensor) -> Tensor:
        """`forward` at other weights (runs, P), as `vector` has them. (runs, n, outputs)

        Gradients flow to them; the fleet keeps its own. Raises `SbkitError` on weights of another shape.
        """
        trained = [p for p in self.parameters() if p.requires_grad]
        sizes, like = [p[0].numel() for p in trained], next(self.parameters())
        shape = self.runs, sum(sizes)
        fits = isinstance(vector, Tensor) and vector.shape == shape and vector.dtype == like.dtype
        if not fits:
            rule = f"The weights of this fleet are {shape}, {like.dtype}, a row a run"
            raise SbkitError(f"{rule}, got {told(vector)}; try fleet.vector().")
        if self.own:
            self.try_out(x)
        parts = zip(trained, vector.split(sizes, dim=1), strict=True)
        moved = {id(p): part.reshape(p.shape) for p, part in parts}
        named = dict(self.named_parameters()) | dict(self.named_buffers())
        with undone(self):  # what a pruned layer keeps as its weight, too
            return called(self, {name: moved.get(id(t), t) for name, t in named.items()}, x)

    def _trained(self) -> list[nn.Parameter]:
        """The parameters that train, all of one real type and each in its own memory."""
        _check_axes({**dict(self.named_parameters()), **dict(self.named_buffers())}, self.runs)
        check_apart({name: p[0] for name, p in self.named_parameters()}, {})
        trained = [p for p in self.parameters() if p.requires_grad]
        if not trained:
            raise SbkitError("A fleet trains some weights, got none that do; try fleet.requires_grad_().")
        types = {str(p.dtype) for p in trained}
        if len(types) > 1 or trained[0].is_complex():
            fix = "fleet.to(dtype=task.x.dtype), or two weights for a complex one"
            got = ", ".join(sorted(types))
            raise SbkitError(f"A fleet trains real weights of one type, got {got}; try {fix}.")
        return trained

    def flat(self) -> nn.Parameter:
        """All trainable parameters as one vector that shares memory with them, gradients included.

        Shape (runs · P,), one block a run. So an elementwise optimizer is one operation on it, and a norm of
        each run is one on `flat.view(runs, -1)`.
        """
        trained = self._trained()
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


@contextmanager
def _batching() -> Iterator[None]:
    """Have torch batch any layer, and put its settings back. They are of all threads: one at a time."""
    with _BATCHING:
        fast = torch.backends.mha.get_fastpath_enabled()
        torch.backends.mha.set_fastpath_enabled(False)  # attention by it has no gradient in eval mode
        FUNCTORCH._set_vmap_fallback_warning_enabled(False)  # a layer batched slowly is batched rightly
        try:
            yield
        finally:
            FUNCTORCH._set_vmap_fallback_warning_enabled(True)
            torch.backends.mha.set_fastpath_enabled(fast)


def _check_axes(parts: Mapping[str, Tensor], runs: int) -> None:
    """Refuse weights and buffers that runs would share, or that would be trained as something else."""
    for name, part in parts.items():
        lazy = nn.parameter.is_lazy(part)
        if lazy or part.shape[:1] != (runs,):
            rule = f"Weights and buffers of a fleet of {runs} have shape ({runs}, ...)"
            got = f"{'none yet' if lazy else tuple(part.shape)} for {name}"
            raise SbkitError(f"{rule}, got {got}; put it into the module of sb.models.fleet_of.")


def _in_blocks(parts: Sequence[Tensor | None], sizes: Sequence[int]) -> bool:
    """Whether parts (runs, …) of these sizes a run lie one behind the other in one memory, a block a run."""
    there, block = [p for p in parts if p is not None], sum(sizes)
    steps = [p.stride(0) if len(p) > 1 else block for p in there]  # that of a single run says nothing
    places = [
        (p.untyped_storage().data_ptr(), n, p.storage_offset()) for p, n in zip(there, steps, strict=True)
    ]
    storage, _, start = places[0] if places else (0, 0, 0)
    return places == [(storage, block, at) for at in accumulate(sizes[:-1], initial=start)]
