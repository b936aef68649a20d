"""A run as an ordinary torch script, for those who want to see the loop, or a sentence that says why not."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import torch
from torch import optim

from sbkit.batches import WholeSet
from sbkit.core import losses
from sbkit.lab.compare import Pair, Work
from sbkit.lab.lesson import literal, written
from sbkit.lab.session import Session
from sbkit.models import MLP, mlp
from sbkit.optimizers.elementwise import SGD, Adam, AdamW
from sbkit.optimizers.per_run import LBFGS
from sbkit.plots.words import say
from sbkit.training import Run
from sbkit.training.run import CHECK, LOSS_ROWS, sums

ALIKE = (optim.SGD, optim.Adam, optim.AdamW, optim.RMSprop, optim.Adagrad)  # treat every weight alike
OURS = (SGD, Adam, AdamW)  # do what torch's of that name do
LOSSES = {"cross_entropy": "CrossEntropyLoss", "square": "MSELoss"}
UNSAID = ("foreach", "fused")  # options that change the speed alone

SCRIPT = """\
# One run of the panel as a plain torch script; the data are the lesson's.
import torch
{imports}from torch import nn

r = 0  # which run, 0 … {last}
task = {call}.task
x, y = task.x, {targets}

torch.manual_seed({seed} + r)
net = nn.Sequential(
{layers}
)
{scale}net.to(x)  # the device and float type of the data
loss = nn.{loss}()
optimizer = torch.optim.{optimizer}
{changes}
for step in range({steps}):
{update}
with torch.no_grad():
    outputs = net(task.x_test)
print(f"run {{r}}: {result}")"""

SCALE = """\
with torch.no_grad():
    for parameter in net.parameters():
        parameter.mul_({init})
"""

SHUFFLE = """\
    epoch, place = divmod(step, len(x) // {batch})
    if place == 0:  # sbkit's generator mixes one seed from three: every run and epoch has its own order
        order = torch.randperm(len(x), generator=generator({seed}, {fleet_seed} + r, epoch))
    rows = order[{batch} * place : {batch} * (place + 1)]
"""

UPDATE = """\
    optimizer.zero_grad()
    loss(net(x{rows}), y{rows}).backward()
    optimizer.step()
"""

SEARCH = """\
    def closure():
        optimizer.zero_grad()
        value = loss(net(x), y)
        value.backward()
        return value

    optimizer.step(closure)
"""

STOP = """\
    if (step + 1) % {check} == 0:
        with torch.no_grad():
            now = loss(net(x[:{rows}]), y[:{rows}])
        if now < {stop} or not now.isfinite():
            break
"""


def plain_torch(session: Work) -> str:
    """The run as it stands as a torch script that trains run r alone; else a comment that says why not.

    It needs the lesson, for its data. Agrees with the run up to rounding.

    >>> from sbkit.plots import Bars
    >>> plain_torch(Session(lambda: Bars("b", "Bars", "height", ["a"], [1.0])))
    '# No plain PyTorch text: lesson does not train.'
    """
    session.fresh()
    if isinstance(session, Pair):
        named = zip(session.labels(), session.sides, strict=True)
        return "\n\n".join(f"# {label}\n{plain_torch(side)}" for label, side in named)
    obstacle = next(_obstacles(session), None)
    if obstacle:
        return say("codes", "no_plain", why=obstacle)
    assert session.run is not None
    return SCRIPT.format(**_parts(session, session.run))


def _obstacles(session: Session) -> Iterator[str]:
    """Reasons why a torch script would not do what the run did."""
    run = session.run
    if run is None:
        yield f"{session.name} does not train"
        return
    plan, fleet = run.plan, run.fleet
    if type(fleet) is not MLP:
        yield "its networks were not made by sb.mlp"
    if isinstance(fleet, MLP) and fleet.dropout:
        yield "its dropout is drawn by sbkit's own generators, a run and a step each"
    for hook in ("penalty", "transform", "after_step"):
        if getattr(plan, hook):
            yield f"its {hook} acts inside sbkit's own loop"
    if (loss := _loss(run)) not in LOSSES:
        yield f"the loss {loss!r} is sbkit's own; try {' or '.join(map(repr, LOSSES))}"
    if _optimizer(session, run) is None:
        name = type(plan.optimizer).__name__ + " with weight decay" * isinstance(plan.optimizer, LBFGS)
        known = ", ".join(kind.__name__ for kind in ALIKE)
        yield f"the optimizer {name} is not among torch's {known} and LBFGS"
    group, others = plan.optimizer.param_groups[0], plan.optimizer.param_groups[1:]
    if others or sum(p.numel() for p in group["params"]) != sum(p.numel() for p in fleet.parameters()):
        yield "its optimizer does not treat all weights alike"
    settings = plan.optimizer.defaults | {name: value for _, name, value in session.changes}
    if settings != {name: group[name] for name in settings}:
        yield "its settings were changed by hand"
    if isinstance(fleet, MLP) and not _as_drawn(fleet, run):
        yield "its weights were changed between sb.mlp and sb.fit"


def _loss(run: Run) -> str:
    """The name of its loss."""
    return next((name for name, loss in losses.items() if loss is run.plan.loss), "of its own")


def _optimizer(session: Session, run: Run) -> optim.Optimizer | None:
    """torch's own optimizer with the same arithmetic, if there is one."""
    made = run.plan.optimizer
    if isinstance(made, LBFGS):  # torch's has no decay
        changed = any(name == "weight_decay" for _, name, _ in session.changes)
        return None if made.defaults["weight_decay"] or changed else made.singles[0]
    return made if type(made) in ALIKE + OURS else None


def _as_drawn(fleet: MLP, run: Run) -> bool:
    """Whether the run began with the weights that the fleet's seeds draw."""
    depth, width = len(fleet.linears) - 1, len(fleet.linears[0].bias[0])
    for r in range(fleet.runs):  # one at a time: there may be no memory for a second fleet
        drawn = mlp(run.task, depth, width, fleet.kind, 1, fleet.init, fleet.seed + r)
        if not all(torch.allclose(a[0], b[r]) for a, b in zip(sums(drawn), run.began, strict=True)):
            return False
    return True


def _parts(session: Session, run: Run) -> dict[str, object]:
    """What the script has in each of its places."""
    plan, fleet, task, loss = run.plan, run.fleet, run.task, _loss(run)
    assert isinstance(fleet, MLP)
    made = _optimizer(session, run)
    assert made is not None
    targets = f"2 * nn.functional.one_hot(task.y, {task.outputs}).to(task.x) - 1"
    accuracy = "test accuracy {(outputs.argmax(1) == task.y_test).float().mean():.4f}"
    changes = _changes(session, run)
    return {
        "imports": "" if isinstance(plan.batches, WholeSet) else "from sbkit.core import generator\n",
        "last": fleet.runs - 1,
        "call": written(session.name, session.built),
        "targets": targets if loss == "square" and task.classes else "task.y",
        "seed": fleet.seed,
        "layers": _layers(fleet),
        "scale": "" if fleet.init == 1 else SCALE.format(init=fleet.init),
        "loss": LOSSES[loss],
        "optimizer": _call(made),
        "changes": f"changes = {changes}  # step: settings from there on\n" if changes else "",
        "steps": run.step,
        "update": _update(run, made, bool(changes)),
        "result": accuracy if task.classes else "test loss {loss(outputs, task.y_test):.4g}",
    }


def _layers(fleet: MLP) -> str:
    """The arguments of `nn.Sequential`, a line a layer."""
    sizes = [tuple(layer.weight.shape[1:]) for layer in fleet.linears]  # (out, in) each
    lines = [f"    nn.Linear({inner}, {outer})," for outer, inner in sizes]
    return f" nn.{type(fleet.activation).__name__}(),\n".join(lines)


def _call(made: optim.Optimizer) -> str:
    """The call that makes this optimizer for a net, without what is torch's default."""
    usual = inspect.signature(getattr(optim, type(made).__name__)).parameters
    options = {name: value for name, value in made.defaults.items() if name in usual and name not in UNSAID}
    told = [f"{name}={literal(v)}" for name, v in options.items() if name == "lr" or v != usual[name].default]
    return f"{type(made).__name__}({', '.join(['net.parameters()', *told])})"


def _changes(session: Session, run: Run) -> dict[int, dict[str, float]]:
    """What was changed while it trained, by step."""
    changes: dict[int, dict[str, float]] = {}
    for step, name, value in session.changes:
        if step < run.step:
            changes.setdefault(step, {})[name] = float(value)
    return changes


def _update(run: Run, made: optim.Optimizer, changes: bool) -> str:
    """The body of the loop."""
    batches = run.plan.batches
    parts = ["    optimizer.param_groups[0].update(changes.get(step, {}))\n"] if changes else []
    if isinstance(batches, WholeSet):
        parts.append(SEARCH if isinstance(made, optim.LBFGS) else UPDATE.format(rows=""))
    else:
        seeds = {"seed": batches.seed, "fleet_seed": run.fleet.seed}
        parts += [SHUFFLE.format(batch=batches.batch, **seeds), UPDATE.format(rows="[rows]")]
    if run.stop is not None:
        parts.append(STOP.format(check=CHECK, rows=LOSS_ROWS, stop=run.stop))
    return "".join(parts)
