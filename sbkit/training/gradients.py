"""What a step needs before the optimizer moves: a minibatch, and the gradients of the loss on it."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from sbkit.core import Fleet, SbkitError, Task, generator, told
from sbkit.models import hooked_back, watched
from sbkit.optimizers import stepper
from sbkit.training.backpropagation import Backpropagation
from sbkit.training.batches import Batches, WholeSet
from sbkit.training.masks import ALL, Masks
from sbkit.training.memory import Memory
from sbkit.training.plan import MORE, Plan, more_of


class Gradients:
    """Fills the gradients of a fleet: by `Backpropagation` where that knows the nets, else by autograd.

    `take(step)` draws the minibatch; called, as often as the optimizer likes, it fills every `.grad`.
    """

    def __init__(self, fleet: Fleet, task: Task, plan: Plan, memory: Memory):
        self.fleet, self.plan, self.memory, self.step = fleet, plan, memory, plan.span.start
        self.outputs, self.objective, self.encode = task.outputs, plan.objective, plan.objective.encode
        self.penalty, self.transform = plan.hooks.penalty, plan.hooks.transform
        y = task.y if self.penalty or self.transform else self.encode(task.y)
        self._takes = {name: more_of(name, getattr(plan.hooks, name)) for name in MORE}
        if self.objective.own:  # y is the rows' numbers, by which each run finds its own
            y = torch.arange(task.x.shape[-2], device=task.x.device).expand(task.x.shape[:-1])
        self.seeds = [fleet.seed + r for r in range(fleet.runs)]
        whole, shuffled = (task.x, y, fleet.runs), (task.x, y, plan.batch, plan.seed, self.seeds)
        self.batches = WholeSet(*whole) if plan.settings.about.full_batch else Batches(*shuffled)
        self._step = stepper(plan.optimizer)
        self._masks = Masks(fleet, plan.hooks.mask, self.step) if plan.hooks.mask is not None else None
        self._factor = plan.hooks.factor(self.step)
        self._first = not type(plan.optimizer).__module__.startswith(("torch.", "sbkit."))  # see `move`
        self._tapes: dict[tuple[int, int], Backpropagation] = {}
        self._batch: Any = None
        self._rehearsed: tuple[Any, ...] | None = None  # see `rehearse`
        self._losses: dict[int, Tensor] = {}  # of the step, with the penalty: seed of a fleet → (runs,)
        self._counted: set[int] = set()  # seeds of runs whose statistics the step has taken
        self.settle()

    def settle(self) -> None:
        """Put weights back into their memory, and see whether gradients by hand still fit the fleet."""
        self.memory.settle()
        written = self.plan.loss.gradient and not self.penalty
        self.by_hand = bool(written) and Backpropagation.knows(self.fleet)
        self._apart: set[int] = set()  # the runs that `Fleet.only` is known to follow

    def move(self) -> None:
        """Let the optimizer take its step.

        torch's and sbkit's call the closure first. One of the user's own may call it late or never, or take
        none, as in a loop that calls `backward()` before `step()`: it finds the gradients filled.
        """
        if self._first:
            self()
        if self._factor == 1.0:
            self._step(self)
        else:
            with self.plan.settings.scaled(self._factor):
                self._step(self)

    def mask(self) -> None:
        """Set the masked weights to 0, where they lie while the fleet trains."""
        if self._masks:
            self.memory.hold()
            self._masks.weights()

    def take(self, step: int) -> None:
        """Draw x (runs, n, d) and targets, or labels for a penalty; NumPy's where it goes by hand."""
        if self.plan.hooks.schedule:
            self._factor = self.plan.hooks.factor(step)
        if self._masks:
            self._masks.at(step)
        self.step, self._losses, self._counted = step, {}, set()
        x, y = (self._again() if step == self.plan.span.start else None) or self._drawn(step)
        if self.by_hand and (self.transform or self.objective.own):
            x, y = x.detach(), self.encode(y)
        weight = self._weight(step) if self.objective.own else None
        self._batch = (x.numpy(), y.numpy(), weight) if self.by_hand else (x, y, weight)

    def _rows(self, step: int) -> tuple[Tensor, Tensor]:
        """Of the rows of a step x (runs, n, d) and what they are told, y (runs, n, …)."""
        x, y = self.batches(step)
        return x, self._of_rows(self.objective.y, step) if self.objective.own else y

    def _weight(self, step: int) -> Tensor | None:
        """How much the rows of a step count, (runs, n), if not alike."""
        return None if self.objective.weight is None else self._of_rows(self.objective.weight, step)

    def _of_rows(self, part: Tensor, step: int) -> Tensor:
        """What a part (runs, n, …) has for the rows of a step, each run its own."""
        rows = self.batches(step)[1]
        return part[torch.arange(len(rows), device=rows.device)[:, None], rows]

    def _drawn(self, step: int) -> tuple[Tensor, Tensor]:
        """The minibatch of a step, x (runs, n, d) and y (runs, n, …), changed by the transform."""
        x, y = self._rows(step)
        if not self.transform:
            return x, y
        found: Any = self.transform(self.fleet, x.clone(), y.clone(), **self._more("transform", step))
        values, classes = y.is_floating_point(), 2 if self.plan.loss.many else self.outputs
        try:
            new, labels = found
            made = len(new), new.ndim, new.dtype, labels.is_floating_point()
            known = values or 0 <= int(labels.min()) <= int(labels.max()) < classes
            fits = known and made == (len(x), 3, x.dtype, values)
            fits = fits and self.encode(labels).shape == self.objective.shape(*new.shape[:2])
            fits = fits and (self.objective.weight is None or new.shape[1] == x.shape[1])
            if fits and new.shape[2] != x.shape[2]:
                self.fleet.predict(new[:, :1])  # refuses what its nets do not take
        except (TypeError, ValueError, AttributeError, RuntimeError, IndexError):  # no two tensors, no labels
            fits = False
        if not fits:
            rows = "rows" if self.objective.weight is None else x.shape[1]  # each has its weight
            rule = f"transform gives x ({len(x)}, {rows}, {x.shape[2]}), {x.dtype}, and the rows' y"
            wanted = "values" if values else f"classes 0…{classes - 1}"
            raise SbkitError(f"{rule}, {wanted}, got {told(found)}; try `return x, y`.")
        return new, labels

    def _more(self, hook: str, step: int) -> dict[str, Any]:
        """What else a hook takes: the step, a generator for each run, anew at every step.

        Seeded by the fit, the step and the run; dropout draws from (…, layer), so these are others.
        """
        seed = self.plan.seed
        made = {
            "step": lambda: step,
            "generators": lambda: [generator(seed, step, s, 0, 0) for s in self.seeds],
        }
        return {name: made[name]() for name in self._takes[hook]}

    @torch.no_grad()
    def rehearse(self) -> None:
        """Ask transform and penalty on the first minibatch, so that what is wrong is said before training.

        What the transform made is kept, with the weights that it saw and torch's generator before and after.
        """
        if not (self.transform or self.penalty):
            return
        before = torch.get_rng_state()
        x, y = self._drawn(self.step)
        if self.transform:
            kept = [p.detach().clone() for p in self.fleet.parameters()]
            self._rehearsed = (x, y), kept, before, torch.get_rng_state()
        if self.penalty:
            with torch.enable_grad(), self.fleet.at(self.plan.seed, self.step):
                self._penalty(self.fleet, x.clone(), y.clone(), self.fleet(x), self._weight(self.step))

    def _again(self) -> tuple[Tensor, Tensor] | None:
        """What was rehearsed, if the transform would make it once more; what it drew counts as drawn now."""
        if self._rehearsed is None:
            return None
        (batch, kept, before, after), self._rehearsed = self._rehearsed, None
        drew = not torch.equal(before, after)
        moved = not all(map(torch.equal, kept, self.fleet.parameters()))
        if moved or (drew and not torch.equal(before, torch.get_rng_state())):
            return None
        if drew:
            torch.set_rng_state(after)
        return batch

    def _penalty(self, fleet: Fleet, x: Tensor, y: Tensor, logits: Tensor, weight: Tensor | None) -> Tensor:
        """The penalty, (runs,), so that no run pays for another."""
        given = {"loss": self.plan.loss, "weight": weight}
        more = {name: given[name] for name in self._takes["penalty"]}
        found: Any = self.penalty and self.penalty(fleet, x, y, logits, **more)
        if not isinstance(found, Tensor) or found.shape != (fleet.runs,) or found.is_complex():
            way = "sum or average over all axes but the first, or try torch.full((fleet.runs,), number)"
            raise SbkitError(f"A penalty is one number a run, ({fleet.runs},), got {told(found)}; {way}.")
        return found

    def penalized(self) -> list[Tensor]:
        """The loss of the latest step with its penalty, (runs,), if there was one."""
        found = list(self._losses.values())
        return [torch.cat(found)] if sum(map(len, found)) == self.fleet.runs else []

    def trial(self, step: int) -> None:
        """Work like that of a step, without consequences, to time."""
        x, y = self._rows(step)
        if self.by_hand:
            self._backpropagate(self.fleet, x.numpy(), self.encode(y).numpy(), self._weight(step))
        else:
            self.fleet.predict(x)

    def __call__(self, part: Fleet | None = None) -> Tensor | None:
        """Fill the gradients of all runs, or of one that `Fleet.only` gave; the loss (runs,) if needed."""
        self.memory.hold()
        fleet, (x, y, weight), rows = self.fleet, self._batch, ALL
        if part is not None:
            r = part.seed - fleet.seed
            rows = slice(r, r + 1)
            fleet, x, y, weight = part, x[rows], y[rows], None if weight is None else weight[rows]
            if not self.by_hand and r not in self._apart:
                self._check_apart(part, r, x[:, :2])
        if self._masks:
            self._masks.weights(rows)
        loss = (self._backpropagate if self.by_hand else self._autograd)(fleet, x, y, weight)
        if self._masks:
            self._masks.gradients(rows)
        return loss

    def _backpropagate(
        self, fleet: Fleet, x: np.ndarray, targets: np.ndarray, weight: Tensor | None
    ) -> Tensor | None:
        """Fill the gradients; the loss (runs,) if somebody needs it."""
        tape = self._tapes.get(key := (fleet.seed, fleet.runs))
        if tape is None or tape.shape != x.shape:
            tape = self._tapes[key] = Backpropagation(fleet, x.shape)
        gradient: Any = self.plan.loss.gradient
        each = 1 if weight is None else weight.numpy()[..., None]  # (runs, n, 1)
        weighted = gradient if weight is None else lambda *given: gradient(*given) * each
        logits = tape(x, targets, weighted)
        if not self.plan.settings.about.needs_loss:
            return None
        return self.objective.value(torch.from_numpy(logits), torch.from_numpy(targets), weight)

    def _autograd(self, fleet: Fleet, x: Tensor, y: Tensor, weight: Tensor | None) -> Tensor:
        """Fill the gradients; the loss (runs,)."""
        trained = [p for p in fleet.parameters() if p.requires_grad]
        places = [torch.as_tensor(p.grad) for p in trained]
        try:
            counts = fleet.seed not in self._counted
            with torch.enable_grad(), fleet.at(self.plan.seed, self.step, counts=counts):
                self._counted.update(range(fleet.seed, fleet.seed + fleet.runs))
                logits = fleet(x)
                loss = self.objective.value(logits, y, weight)
                if self.penalty:
                    loss = loss + self._penalty(fleet, x, y, logits, weight)
                    if sum(map(len, self._losses.values())) < self.fleet.runs:
                        self._losses.setdefault(fleet.seed, loss.detach())  # where the step began
                for p in trained:
                    p.grad = None
                loss.sum().backward(inputs=trained)  # unlike torch.autograd.grad, it calls every hook
        finally:
            for p, place in zip(trained, places, strict=True):
                place.zero_() if p.grad is None else place.copy_(p.grad)
                p.grad = place
        return loss.detach()

    def _check_apart(self, part: Fleet, r: int, x: Tensor) -> None:
        """Refuse nets of which run r alone is another than in the fleet; x (1, n, d)."""
        seen = any(map(hooked_back, self.fleet.modules())) or any(map(watched, self.fleet.parameters()))
        own = self.fleet.predict(x.expand(self.fleet.runs, -1, -1))[r : r + 1]
        try:
            alone = part.predict(x)
        except SbkitError:
            alone = own[:0]
        if seen or alone.shape != own.shape or not torch.allclose(alone, own, 1e-3, 1e-5, equal_nan=True):
            words = "This optimizer trains each run apart, got hooks or masks that act on all runs at once"
            raise SbkitError(f"{words}; try the optimizer 'adam'.")
        self._apart.add(r)
