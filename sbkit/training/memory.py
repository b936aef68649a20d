"""Where the weights and gradients of a run lie while it trains."""

from torch import Tensor, optim

from sbkit.core import Fleet, SbkitError


class Memory:
    """The weights that a run trains and the memory of their gradients, which its optimizer reads.

    An optimizer may hold the fleet's parameters, `Fleet.flat`, or any view of their memory; for each of
    them the gradient is the same part of one memory. Raises `SbkitError` where it holds something else.
    """

    def __init__(self, fleet: Fleet, optimizer: optim.Optimizer):
        self.fleet, self.weights = fleet, list(fleet.parameters())
        self._trains = self._training()
        moved = [p for group in optimizer.param_groups for p in group["params"] if p.numel()]
        views = [p for p in moved if id(p) not in self._trains]
        grads = [p.grad if p.requires_grad else None for p in self.weights] + list(map(self._gradient, views))
        self._grads = list(zip([*self.weights, *views], grads, strict=True))
        self._held = [(p, p.data) for p, _ in self._grads]
        self._at = [p.data_ptr() for p, _ in self._held]
        if not {id(p) for p in moved} & {id(p) for p, grad in self._grads if grad is not None}:
            raise _elsewhere("none of them")
        fused = [p for group in optimizer.param_groups if group.get("fused") for p in group["params"]]
        if not all(p.is_contiguous() for p in fused):  # it would write between the pieces
            words = "A fused optimizer moves one piece of memory, got weights in several"
            way = f"torch.optim.{type(optimizer).__name__}([fleet.flat()], fused=True)"
            raise SbkitError(f"{words}; try {way}.")
        self.hold()

    @property
    def owned(self) -> list[Tensor]:
        """What belongs to runs and freezes with them: weights and buffers, (runs, …) each."""
        return [*self.weights, *self.fleet.buffers()]

    def _training(self) -> dict[int, bool]:
        """Which parameters the fleet has, and whether they train."""
        return {id(p): p.requires_grad for p in self.fleet.parameters()}

    def _gradient(self, part: Tensor) -> Tensor:
        """The gradient of a view of the weights' memory, in that of the gradients."""
        first = next(p for p in self.weights if p.requires_grad)
        if first.grad is None or part.untyped_storage().data_ptr() != first.untyped_storage().data_ptr():
            raise _elsewhere(f"{tuple(part.shape)} numbers elsewhere")
        start = part.storage_offset() - first.storage_offset() + first.grad.storage_offset()
        return first.grad.as_strided(part.shape, part.stride(), start)

    def settle(self) -> None:
        """`hold`, once it is clear that the same weights train. Raises `SbkitError` where others do."""
        now = self._training()
        if now != self._trains:
            got = "requires_grad" if now.keys() == self._trains.keys() else "parameters"
            way = "change values alone, as in fleet.weights()[0].data.mul_(mask), or call sb.fit once more"
            raise SbkitError(f"sb.fit settles what trains, got {got} changed; {way}.")
        self.hold(any(p.stride() != place.stride() for p, place in self._held))

    def hold(self, turned: bool = False) -> None:
        """Give every weight its memory and gradient back, where an optimizer or a hook took another.

        New values stay. turned: one lies otherwise in the same memory. Raises `SbkitError` where a shape,
        type or device changed.
        """
        for p, grad in self._grads:
            if p.grad is not grad:
                p.grad = grad
        if not turned and [p.data_ptr() for p, _ in self._held] == self._at:
            return
        for p, place in self._held:
            if (p.shape, p.dtype, p.device) != (place.shape, place.dtype, place.device):
                raise SbkitError("A fleet that trains stays where it is, got one moved; call to() first.")
            place.copy_(p.data.clone())
            p.data = place


def _elsewhere(got: str) -> SbkitError:
    words = f"An optimizer moves weights of its fleet that train, got one over {got}"
    return SbkitError(f"{words}; try torch.optim.SGD(fleet.parameters(), lr=lr).")
