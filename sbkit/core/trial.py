"""Is every run of a fleet its own module? One step on a few rows, before it is trusted."""

from __future__ import annotations

import functools
import numbers
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils._pytree import tree_leaves, tree_map_only

from sbkit.core.names import SbkitError
from sbkit.core.refused import cannot, unfit
from sbkit.core.rules import Rules, whole
from sbkit.core.stacked import attributes, called, same, spread

Fleet: TypeAlias = Any  # `sbkit.core.fleet.Fleet`, which imports this
Results: TypeAlias = dict[str, list[Tensor]]  # of some runs: logits (runs, n, …), gradients (runs, …) each

ROWS = 3  # so many are tried
FAULTS = (RuntimeError, ValueError, TypeError, IndexError, AttributeError, AssertionError)


def try_out(fleet: Fleet, x: Tensor) -> None:
    """Refuse a fleet whose nets cannot be trained at once, or a run that is not its own module.

    x (n, d) or (runs, n, d). Weights, gradients, buffers, modes and torch's generators stay as they are.
    Afterwards the fleet has forgotten its modules, and knows whether a forward alters its input.
    """
    own, devices = fleet.own or (fleet.net,), [x.device] if x.is_cuda else []
    with torch.inference_mode(False), torch.random.fork_rng(devices), undone(fleet, *own):
        rows = x[..., :ROWS, :].detach()
        rows = torch.cat([rows, rows], -2) if rows.shape[-2] == 1 else rows  # statistics need two
        rows = rows.clone().expand(fleet.runs, -1, -1)  # (runs, ≤ 3, d)
        fleet.own = ()  # while it is tried it is not tried
        for part in [part for net in (fleet.net, *own) for part in net.modules()]:
            if isinstance(part, nn.RNNBase):
                part.dropout = 0.0  # as `whole` for those that drop by a function of Python
        fleet.alters = alters = _check_forward(fleet, own[0], rows[0])
        _check_runs(fleet, own, rows)
        _check_rows(fleet, own[0], rows[0])
        statistics = fleet.statistics
    fleet.own, fleet.alters, fleet.statistics = (), alters, statistics


@contextmanager
def undone(*modules: nn.Module) -> Iterator[None]:
    """Put modes and attributes back: tensors of a batched forward that a module keeps are of no use later."""
    before = [(vars(part), dict(vars(part))) for module in modules for part in module.modules()]
    try:
        yield
    finally:
        for now, then in before:
            now.clear()
            now.update(then)


def _state(fleet: Fleet, r: int) -> dict[str, Tensor]:
    """Copies of run r's weights, which ask for gradients as they do, and buffers, by name."""
    weights = fleet.net.named_parameters()
    state = {name: p[r].detach().clone().requires_grad_(p.requires_grad) for name, p in weights}
    return state | {name: b[r].clone() for name, b in fleet.net.named_buffers()}


@torch.no_grad()
def _check_forward(fleet: Fleet, net: nn.Module, x: Tensor) -> bool:
    """Refuse a net that does not take x (n, d), gives no logits or keeps something; does it alter x?"""
    state, kept = spread(fleet.net, _state(fleet, 0)), attributes(net)
    held = {name: tree_leaves(value) for name, value in kept.items()}
    held, given, x_given = tree_map_only(Tensor, torch.clone, (held, state, x))
    call = functools.partial(torch.func.functional_call, tie_weights=False)
    made, moved = [], []  # logits, and the names of what changed, in eval and in train mode
    for train in (False, True):
        try:
            made.append(call(net.train(train), given, (x_given,)))
        except torch.OutOfMemoryError:
            raise
        except (RuntimeError, ValueError, IndexError) as error:
            raise unfit(error, x, fleet.net) from error
        moved.append([name for name in state if not same(given[name], state[name])])
    for logits in made:
        _check_logits(logits, x)
    changed = [name for name in kept if not same(tree_leaves(kept[name]), held[name])]
    weights = dict(fleet.net.named_parameters(remove_duplicate=False))
    changed += moved[0] + [name for name in moved[1] if name in weights]
    if changed:
        raise SbkitError(
            "The forward of a fleet's nets changes nothing but its output and, while it trains, buffers, "
            f"got {changed[0]!r} changed; try self.register_buffer, or sb.fit(after_step=…)."
        )
    fleet.statistics = [name for name, _ in fleet.net.named_buffers() if name in moved[1]]
    return not torch.equal(x_given, x)


def _check_logits(logits: Any, x: Tensor) -> None:
    tensor = isinstance(logits, Tensor)
    if not tensor or logits.shape[:1] != x.shape[:1] or not logits.is_floating_point():
        got = f"{tuple(logits.shape)}, {logits.dtype}" if tensor else type(logits).__name__
        raise SbkitError(
            f"A net returns its logits alone, got {got}; try floats, before any argmax, of shape "
            f"({len(x)}, outputs) for {len(x)} rows."
        )


def _check_runs(fleet: Fleet, own: Sequence[nn.Module], rows: Tensor) -> None:
    """Refuse what torch cannot batch, and a run that is not its own module. rows (runs, n, d)

    Batched products round otherwise, and a net may enlarge the difference. So a run that seems to differ is
    compared once more, with the fleet's own layers called for this run alone.
    """

    def alone(net: nn.Module, r: int, train: bool) -> Results:
        state = _state(fleet, r)
        plain = functools.partial(torch.func.functional_call, tie_weights=False)
        call = lambda: plain(net.train(train), spread(fleet.net, state), (rows[r].clone(),))[None]  # noqa: E731
        with Rules({F.dropout: whole}):
            return _results(call, state.values() if train else ())

    first = alone(own[0], 0, True)
    try:
        with fleet.at():  # at no moment nothing drops
            trained = _results(lambda: fleet.batched(rows), fleet.parameters())
        evaluated = _results(lambda: fleet.batched(rows), ())
    except (torch.OutOfMemoryError, SbkitError):
        raise
    except FAULTS as error:
        raise cannot(error) from error
    for r, train in [(0, True), *((r, False) for r in range(len(own)))]:
        mine = first if train else alone(own[r], r, False)
        for what, made in (trained if train else evaluated).items():
            wanted, found = mine[what], [each[r : r + 1] for each in made]
            if _apart(found, wanted) and _apart(alone(fleet.net, r, train)[what], wanted):
                raise _foreign(f"got other {what} of run {r}", own[r])


@torch.no_grad()
def _check_rows(fleet: Fleet, net: nn.Module, x: Tensor) -> None:
    """Refuse a net whose logits of a row depend on the rows beside it. x (n, d)"""
    state, pairs = _state(fleet, 0), [x[[0, i]] for i in range(1, len(x))]
    some = [called(fleet.net, state, pair, net)[:1] for pair in pairs]  # (1, outputs) each
    if any(_apart([each], some[:1]) for each in some):
        raise SbkitError(
            "A net looks at each row alone, got one whose logits of a row change with the rows "
            "beside it; try nn.LayerNorm in place of norms and means over rows."
        )


def _results(call: Callable[[], Tensor], weights: Iterable[Tensor]) -> Results:
    """Logits and, for weights that train, the gradients of a weighted sum of all logits."""
    weights = [weight for weight in weights if weight.requires_grad]
    with torch.set_grad_enabled(bool(weights)):
        logits = call()
        if not weights:
            return {"logits": [logits]}
        if not logits.requires_grad:
            raise SbkitError(
                "The logits of a net depend on weights that train, got some that do not; "
                "try to take detach() and no_grad out of its forward."
            )
        factors = torch.linspace(1, 2, logits[0].numel(), dtype=logits.dtype, device=logits.device)
        total = (logits.flatten(1) * factors).sum()
        grads = torch.autograd.grad(total, weights, allow_unused=True, materialize_grads=True)
    return {"logits": [logits.detach()], "gradients": list(grads)}


def _apart(some: Sequence[Tensor], others: Sequence[Tensor]) -> bool:
    """Whether tensors differ by more than rounding, measured by the largest of them all."""
    size = max((float(t.abs().nan_to_num(0, 0, 0).max()) for t in others if t.numel()), default=0.0)

    def near(a: Tensor, b: Tensor) -> bool:
        room = torch.finfo(a.dtype).eps ** 0.5 * size
        return a.shape == b.shape and torch.allclose(a, b, rtol=0, atol=room, equal_nan=True)

    return not all(map(near, some, others))


def _foreign(got: str, net: nn.Module) -> SbkitError:
    harmless = numbers.Number | str | tuple | None
    holds = [name for name, value in attributes(net).items() if not isinstance(value, harmless)]
    where = f" ({', '.join(holds)}?)" if holds else ""
    return SbkitError(
        f"Every run of a fleet is its own module, {got}: it computes with something that is no weight or "
        f"buffer of it{where}, keeps it from call to call or draws it outside torch; try nn.Parameter, "
        "nn.ModuleList or self.register_buffer, and methods in place of functions kept by the module."
    )
