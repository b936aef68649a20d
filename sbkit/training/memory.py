"""Where the weights and gradients of a run stand while it trains."""

from __future__ import annotations

from typing import Any

from torch import Tensor, optim

from sbkit.core import Fleet, SbkitError


class Memory:
    """The weights that a run trains and the memory of their gradients, which its optimizer reads.

    An optimizer may hold the fleet's parameters, `Fleet.flat`, or any view of their memory; for each of
    them the gradient is the same part of one memory. Raises `SbkitError` where it holds something else.
    """

    def __init__(self, fleet: Fleet, optimizer: optim.Optimizer):
        self.fleet, self.weights = fleet, list(fleet.parameters())
        self._now = self._look()
        own = {id(p) for p in self.weights}
        _check_fused(optimizer)
        moved = [p for group in optimizer.param_groups for p in group["params"] if p.numel()]
        self._grads = [(p, p.grad if p.requires_grad else None) for p in self.weights]
        self._grads += [(p, self._gradient(p)) for p in moved if id(p) not in own]
        if not {id(p) for p in moved} & {id(p) for p, grad in self._grads if grad is not None}:
            raise SbkitError(
                "An optimizer moves weights of its fleet that train, got one over none of them; "
                "try torch.optim.SGD(fleet.parameters(), lr=lr)."
            )
        self._held = [(p, p.data) for p, _ in self._grads]
        self._at = [p.data_ptr() for p, _ in self._held]
        self.hold()

    def _gradient(self, part: Tensor) -> Tensor:
        """The gradient of a view of the weights' memory, in that of the gradients."""
        first = next(p for p in self.weights if p.requires_grad)
        if first.grad is None or part.untyped_storage().data_ptr() != first.untyped_storage().data_ptr():
            raise SbkitError(
                f"An optimizer moves the weights of its fleet, got one over {tuple(part.shape)} numbers "
                "elsewhere; try torch.optim.SGD(fleet.parameters(), lr=lr)."
            )
        start = part.storage_offset() - first.storage_offset() + first.grad.storage_offset()
        return first.grad.as_strided(part.shape, part.stride(), start)

    def hold(self) -> None:
        """Give every weight its memory and gradient back, where an optimizer or a hook took another."""
        for part, grad in self._grads:
            if part.grad is not grad:
                part.grad = grad
        if [p.data_ptr() for p, _ in self._grads] != self._at:
            self._mend()

    def _look(self) -> list[tuple[Any, ...]]:
        """What is to stay of every parameter."""
        return [(id(p), p.requires_grad, p.data_ptr(), p.stride()) for p in self.fleet.parameters()]

    def settle(self) -> None:
        """Take weights given another memory back to their own, with their new values.

        Raises `SbkitError` where they changed in kind: other parameters, shape, type, device, requires_grad.
        """
        if (now := self._look()) != self._now:
            self._compare({before[0]: before[1] for before in now})
            self._mend()
        self.hold()

    def _compare(self, trains: dict[int, bool]) -> None:
        if trains.keys() != {before[0] for before in self._now}:
            raise SbkitError(
                "sb.fit settles what trains, got other parameters in their place; change their values, as in "
                "fleet.weights()[0].data.mul_(mask), or call sb.fit once more."
            )
        if any(trains[i] != before for i, before, *_ in self._now):
            raise SbkitError("sb.fit settles what trains, got requires_grad changed; call sb.fit once more.")

    def _mend(self) -> None:
        for p, place in self._held:
            if (p.shape, p.dtype, p.device) != (place.shape, place.dtype, place.device):
                raise SbkitError(
                    "A fleet that trains stays where it is, got one moved; call to() before sb.fit."
                )
            place.copy_(p.data.clone())
            p.data = place


def _check_fused(optimizer: optim.Optimizer) -> None:
    """Refuse weights that lie in pieces: torch's fused kernels would write between them."""
    for group in optimizer.param_groups:
        if group.get("fused") and not all(p.is_contiguous() for p in group["params"]):
            raise SbkitError(
                "A fused optimizer moves one piece of memory, got weights in several; "
                f"try torch.optim.{type(optimizer).__name__}([fleet.flat()], fused=True)."
            )
