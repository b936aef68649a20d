"""Is every run of a fleet its own module? One step on a few rows, before it is trusted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from sbkit.core.causes import DRAWS, cannot, unfit
from sbkit.core.names import SbkitError
from sbkit.core.refused import inside
from sbkit.core.stacked import attributes, called, same, spread

Fleet: TypeAlias = Any  # `sbkit.core.fleet.Fleet`, which imports this

ROWS = 3  # so many are tried
FAULTS = (RuntimeError, ValueError, TypeError, IndexError, AttributeError, AssertionError)


class Own(list[nn.Module]):
    """The modules of a fleet until it is compared with them. Copies share them, pickles have none.

    alters, leaves: whether a forward changes its input, or leaves tensors in plain attributes.
    """

    alters = leaves = False

    def __deepcopy__(self, memo: object) -> Own:
        return self

    def __reduce__(self) -> Any:
        return Own, (), dict(vars(self))

    def only(self, r: int) -> Own:
        """That of run r."""
        part = Own(self[r : r + 1])
        vars(part).update(vars(self))
        return part


def try_out(fleet: Fleet, x: Tensor) -> None:
    """Refuse a fleet whose nets cannot be trained at once, or a run that is not its own module.

    x (n, d) or (runs, n, d). Weights, gradients, buffers, modes and torch's generators stay as they are.
    """
    own, modules = fleet.own, list(fleet.own) or [fleet.net]
    devices = [x.device] if x.is_cuda else []
    with torch.inference_mode(False), torch.random.fork_rng(devices), _as_it_was(fleet, *modules):
        rows = x[..., :ROWS, :].detach().clone().expand(fleet.runs, -1, -1)  # (runs, ≤ 3, d)
        fleet.own = Own()  # while it is tried it is not tried
        try:
            _check_forward(fleet, modules[0], rows[0])
            _check_batched(fleet, own, rows)
            vars(own).update(vars(fleet.own))
        finally:
            fleet.own = own
        own.clear()


@contextmanager
def _as_it_was(fleet: Fleet, *modules: nn.Module) -> Iterator[None]:
    """Put the modes and the moment of a fleet, and what its forward leaves behind, back."""
    before = [(part, part.training) for module in (fleet, *modules) for part in module.modules()]
    moment = fleet.moment
    try:
        with undone(fleet.net):
            yield
    finally:
        fleet.moment = moment
        for part, training in before:
            part.training = training


@contextmanager
def undone(net: nn.Module) -> Iterator[None]:
    """Plain attributes as they were: what a forward keeps there of all runs at once is of no use after it."""
    before = [(vars(part), dict(vars(part))) for part in net.modules()]
    try:
        yield
    finally:
        for now, then in before:
            now.clear()
            now.update(then)


def _state(fleet: Fleet, r: int) -> dict[str, Tensor]:
    """Copies of run r's weights, which ask for gradients as they do, and buffers, by name."""
    weights = {
        n: p[r].detach().clone().requires_grad_(p.requires_grad) for n, p in fleet.net.named_parameters()
    }
    return weights | {n: b[r].clone() for n, b in fleet.net.named_buffers()}


def _gradients(logits: Tensor, weights: Sequence[Tensor]) -> Sequence[Tensor]:
    """Gradients of a sum of each run's logits (runs, n, …), every one with a factor of its own."""
    if not logits.requires_grad:
        raise SbkitError(
            "The logits of a net depend on weights that train, got some that do not; "
            "try to take detach() and no_grad out of its forward."
        )
    factors = torch.linspace(1, 2, logits[0].numel(), dtype=logits.dtype, device=logits.device)
    total = (logits.flatten(1) * factors).sum()
    return torch.autograd.grad(total, weights, allow_unused=True, materialize_grads=True)


def _apart(some: Sequence[Tensor], others: Sequence[Tensor]) -> bool:
    """Whether tensors differ by more than rounding, measured by the largest of them all."""
    size = max(
        (float(t.abs().nan_to_num(0, 0, 0).max()) for t in others if t.numel() and _real(t)), default=0.0
    )
    for a, b in zip(some, others, strict=True):
        near = torch.finfo(a.dtype).eps ** 0.5 * size if _real(a) else 0.0
        if a.shape != b.shape or not torch.allclose(a, b, rtol=0, atol=near, equal_nan=True):
            return True
    return False


@torch.no_grad()
def _check_forward(fleet: Fleet, net: nn.Module, x: Tensor) -> None:
    """Refuse a single net that does not take x (n, d), or gives, draws or keeps what a fleet cannot."""
    state, drawn, kept = spread(fleet.net, _state(fleet, 0)), torch.get_rng_state(), attributes(net)
    still = {name: value.clone() for name, value in kept.items() if isinstance(value, Tensor)}
    lists = _listed(kept)

    def look(mode: bool) -> tuple[Any, dict[str, Tensor], Tensor]:
        given, x_given = {name: value.clone() for name, value in state.items()}, x.clone()
        made = torch.func.functional_call(net.train(mode), given, (x_given,), tie_weights=False)
        return made, given, x_given

    try:
        looked, *_ = look(False)
        logits, after, x_after = look(True)
    except torch.OutOfMemoryError:
        raise
    except (RuntimeError, ValueError, IndexError) as error:
        raise unfit(error, x, fleet.net) from error
    _check_logits(logits, x)
    if not torch.equal(drawn, torch.get_rng_state()):
        raise SbkitError(f"The nets of a fleet run at once, got one that {DRAWS[0]}; try {DRAWS[1]}.")
    changed = [name for name, value in state.items() if not same(after[name], value)]
    changed += [name for name, value in still.items() if not same(kept[name], value)]
    changed += [name for name, ids in _listed(attributes(net)).items() if ids != lists.get(name)]
    if changed:
        raise SbkitError(
            f"The forward of a fleet's nets changes nothing but its output yet, got {changed[0]!r} changed; "
            "try to change it in sb.fit(after_step=…), or leave it out."
        )
    fleet.own.alters, fleet.own.leaves = not torch.equal(x_after, x), _left(attributes(net), kept)
    if _apart([look(True)[0]], [logits]) or _apart([look(False)[0]], [looked]):
        raise SbkitError(
            "A net gives the same rows the same logits, got others at a second call: its forward draws from "
            "NumPy or keeps something from call to call; try one that does neither."
        )


def _left(now: Mapping[str, Any], kept: Mapping[str, Any]) -> bool:
    """Whether a forward left tensors in plain attributes."""
    return any(isinstance(value, Tensor) and value is not kept.get(name) for name, value in now.items())


def _listed(kept: Mapping[str, Any]) -> dict[str, list[int]]:
    """The tensors in plain lists and the like, by the name of the list."""
    found = {
        name: [id(thing) for thing in inside(value) if isinstance(thing, Tensor) and thing is not value]
        for name, value in kept.items()
    }
    return {name: ids for name, ids in found.items() if ids}


def _real(tensor: Tensor) -> bool:
    return tensor.is_floating_point() or tensor.is_complex()


def _check_logits(logits: Any, x: Tensor) -> None:
    if not isinstance(logits, Tensor):
        raise SbkitError(
            f"A net returns its logits alone, got {type(logits).__name__}; try to return a tensor."
        )
    if not logits.ndim or len(logits) != len(x):
        got, wanted = tuple(logits.shape), f"({len(x)}, outputs)"
        raise SbkitError(f"A net returns logits for each row, {wanted} here, got {got}; try x.flatten(1).")
    if not logits.is_floating_point():
        raise SbkitError(
            f"A net returns logits, got {logits.dtype}; try to return real floats, before argmax."
        )


def _check_batched(fleet: Fleet, own: Own, rows: Tensor) -> None:
    """Refuse a fleet that torch cannot batch, or that is not its modules, run for run. rows (runs, n, d)"""
    net = own[0] if own else fleet.net
    weights = [p for p in fleet.parameters() if p.requires_grad]
    try:
        with torch.enable_grad(), fleet.at(0, 0):
            logits = fleet.batched(rows)
            grads = _gradients(logits, weights) if weights else []
        with torch.no_grad():
            logits = fleet.batched(rows)  # (runs, n, outputs), now in eval mode
    except (torch.OutOfMemoryError, SbkitError):
        raise
    except FAULTS as error:
        raise cannot(error) from error
    if own and weights:
        _check_gradients(fleet, own[0], rows[0], [grad[0] for grad in grads])
    with torch.no_grad():
        for r, module in enumerate(own):
            _check_run(fleet, r, module.eval(), rows[r], logits[r])
        state, pairs = _state(fleet, 0), (rows[0, [0, 1]], rows[0, [0, 2]]) if rows.shape[1] > 2 else ()
        if pairs and _apart(*([called(fleet.net, state, pair.clone(), net.eval())[0]] for pair in pairs)):
            raise SbkitError(
                "A net looks at each row alone, got one whose logits of a row change with the rows "
                "beside it; try nn.LayerNorm in place of norms and means over rows."
            )


def _check_gradients(fleet: Fleet, own: nn.Module, x: Tensor, grads: Sequence[Tensor]) -> None:
    """Refuse a net whose gradients (…) differ from those of its own module, called by itself."""
    state = _state(fleet, 0)
    weights = [value for value in state.values() if value.requires_grad]
    alone = lambda net: _gradients(called(fleet.net, state, x.clone(), net.train())[None], weights)  # noqa: E731
    with torch.enable_grad():
        mine = alone(own)
        if _apart(grads, mine) and _apart(alone(fleet.net), mine):
            raise _foreign(own, "got other gradients")


def _check_run(fleet: Fleet, r: int, own: nn.Module, x: Tensor, logits: Tensor) -> None:
    """Refuse run r if its logits (n, outputs) of x are not those of its own module.

    Batched products round otherwise, which nets that cancel enlarge: the last word is with the same layers
    called one by one.
    """
    state = _state(fleet, r)
    mine = called(fleet.net, state, x.clone(), own)
    if _apart([logits], [mine]) and _apart([called(fleet.net, state, x.clone())], [mine]):
        raise _foreign(own, f"got logits of run {r} that differ by {float((logits - mine).abs().max()):.2g}")


def _foreign(own: nn.Module, got: str) -> SbkitError:
    holders = [
        name for name, value in attributes(own).items() if callable(value) or hasattr(value, "__dict__")
    ]
    where = f" ({', '.join(holders)}?)" if holders else ""
    return SbkitError(
        f"Every run of a fleet is its own module, {got}: it holds something that torch does not know{where}; "
        "try nn.Parameter or self.register_buffer, and methods in place of functions kept by the module."
    )
