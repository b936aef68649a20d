"""The plain torch script runs and ends with the weights of the run, or says why there is none."""

import pytest
import torch
from cases import DOUBLE, regression, slab_task, three_classes
from torch import nn
from torch.testing import assert_close

import sbkit as sb
from sbkit.lab.plain import plain_torch
from sbkit.lab.session import Session

RATES = {"sgd": 0.1, "gd": 0.1, "momentum": 0.02, "nesterov": 0.02, "lbfgs": 1.0}
RATES |= {"adam": 0.01, "adamw": 1e-3, "rmsprop": 1e-3, "adagrad": 0.01}


def lesson(task=slab_task, optimizer="sgd", lr=0.1, stop=None, decay=0.0, seed=3, loss=None, **shape):
    """Three narrow networks in float64; seeds of fleet and minibatches differ."""
    data = task()
    fleet = sb.mlp(data, **{"width": 8, "runs": 3, "seed": seed} | shape)
    options = {"optimizer": optimizer, "lr": lr, "weight_decay": decay, "loss": loss}
    return sb.fit(fleet, data, batch=32, steps=200, stop=stop, seed=5, **options)


def again(session: Session, r: int, made=lesson) -> nn.Module:
    """The net of run r after the script, in a namespace that holds only the lesson and its arguments."""
    text = plain_torch(session)
    assert text.count("r = 0") == 1, text
    names = {
        session.name: made,
        "slab_task": slab_task,
        "three_classes": three_classes,
        "regression": regression,
    }
    exec(text.replace("r = 0", f"r = {r}"), names)
    return names["net"]


def assert_agrees(session: Session, r: int, made=lesson, **tolerance) -> None:
    tolerance = tolerance or {"rtol": 1e-9, "atol": 1e-9}
    theirs = session.run.fleet.run(r).parameters()
    for mine, other in zip(again(session, r, made).parameters(), theirs, strict=True):
        assert_close(mine, other, **tolerance)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("depth", [0, 2])
@pytest.mark.parametrize("optimizer", RATES)
def test_it_agrees_also_after_a_change(optimizer, depth, activation, capsys):
    session = Session(
        lesson, {"depth": depth, "activation": activation, "optimizer": optimizer, "lr": RATES[optimizer]}
    )
    session.advance(steps=12)
    session.set("lr", RATES[optimizer] / 3)
    session.advance(steps=30)
    for r in (0, 1):
        assert_agrees(session, r)
        accuracy = session.run.snapshot().test_accuracy[r]
        assert capsys.readouterr().out == f"run {r}: test accuracy {accuracy:.4f}\n"


@pytest.mark.parametrize(
    "values",
    [
        {"init": 0.3, "activation": "leaky"},
        {"activation": "gelu", "depth": 1},
        {"activation": "linear"},
        {"optimizer": "adamw", "lr": 1e-3, "decay": 0.1},
        {"decay": 0.01, "seed": 0},
        {"task": three_classes},
        {"task": regression},
        {"task": three_classes, "loss": "square"},
    ],
    ids=lambda values: " ".join(f"{name}={getattr(v, '__name__', v)}" for name, v in values.items()),
)
def test_it_agrees_for_every_shape_decay_and_loss(values):
    session = Session(lesson, values)
    session.advance(steps=40)
    assert_agrees(session, 1)


def test_it_stops_where_the_run_stopped():
    session = Session(lesson, {"optimizer": "adam", "lr": 0.05, "stop": 0.05})
    session.finish()
    assert session.run.states == ["converged"] * 3 and session.run.step < 200
    for r in range(3):
        assert_agrees(session, r)


def test_it_stops_where_each_run_stopped():
    session = Session(lesson, {"stop": 0.2})
    session.advance(steps=200)
    reference = Session(lesson)
    reference.advance(steps=200)
    r = session.run.states.index("converged")
    assert not torch.equal(session.run.fleet.run(r)[0].weight, reference.run.fleet.run(r)[0].weight)
    assert_agrees(session, r)


def test_it_agrees_roughly_in_float32():
    def single(depth=2, seed=0):
        task = sb.slabs((1, 3, 5), n=300, n_test=200)
        return sb.fit(
            sb.mlp(task, depth=depth, width=8, runs=2, seed=seed), task, batch=32, steps=100, stop=None
        )

    session = Session(single)
    session.advance(steps=60)
    assert_agrees(session, 1, single, rtol=1e-3, atol=1e-4)


def test_every_change_and_new_seed_is_in_it():
    def noisy(lr=0.1, decay=0.0, momentum=0.0, seed=0):
        task = slab_task()
        options = {"lr": lr, "weight_decay": decay, "momentum": momentum, "stop": None}
        return sb.fit(sb.mlp(task, width=8, runs=2, seed=seed), task, batch=32, **options)

    session = Session(noisy, {"lr": 0.1, "momentum": 0.0})
    session.new_seed()
    session.set("lr", 0.2)
    session.advance(steps=7)
    session.set("lr", 0.05)
    session.set("momentum", 0.5)
    session.advance(steps=20)
    session.set("lr", 0.9)
    text = plain_torch(session)
    assert "changes = {0: {'lr': 0.2}, 7: {'lr': 0.05, 'momentum': 0.5}}" in text
    assert_agrees(session, 1, noisy)


def test_before_the_first_step_it_is_the_drawn_net():
    assert_agrees(Session(lesson), 1, rtol=0, atol=0)


def test_it_is_ordinary_torch():
    text = plain_torch(Session(lesson, {"optimizer": "adam", "lr": 0.01}))
    for part in ("torch.manual_seed(3 + r)", "nn.Linear(3, 8), nn.ReLU(),", "nn.CrossEntropyLoss()"):
        assert part in text
    assert "torch.optim.Adam(net.parameters(), lr=0.01)" in text
    assert "task = lesson(optimizer='adam', lr=0.01).task" in text and "fused" not in text
    assert "sbkit" not in plain_torch(Session(lesson, {"optimizer": "gd"}))


def fitted(change=None, factory=None, **options):
    """A lesson that trains, with something of its own."""

    def lesson():
        task = slab_task()
        fleet = sb.fleet_of(factory) if factory else sb.mlp(task, width=4, runs=2)
        if change:
            change(fleet, task)
        return sb.fit(fleet, task, batch=32, **options)

    return lesson


def zero(fleet, *_):
    fleet.weights()[0].data[1, 0] = 0


def pretrained(fleet, task):
    sb.last(sb.fit(fleet, task, batch=32, steps=3))


def frozen(fleet, task):
    fleet.weights()[0].requires_grad_(False)


KNOWN = "is not among torch's SGD, Adam, AdamW, RMSprop, Adagrad and LBFGS"
REFUSED = [
    (fitted(optimizer="sam"), f"the optimizer SAM {KNOWN}"),
    (fitted(optimizer="muon"), f"the optimizer Muon {KNOWN}"),
    (fitted(optimizer="signsgd"), f"the optimizer SignSGD {KNOWN}"),
    (fitted(optimizer="lbfgs", weight_decay=0.1), f"the optimizer LBFGS with weight decay {KNOWN}"),
    (
        lambda: sb.fit(sb.mlp(slab_task(), dropout=0.1), slab_task(), batch=32),
        "its dropout is drawn by sbkit's own generators, a run and a step each",
    ),
    (fitted(factory=lambda: nn.Linear(3, 2).to(DOUBLE)), "its networks were not made by sb.mlp"),
    (fitted(loss="hinge"), "the loss 'hinge' is sbkit's own; try 'cross_entropy' or 'square'"),
    (
        fitted(penalty=lambda fleet, x, y, logits: 0 * logits.sum((1, 2))),
        "its penalty acts inside sbkit's own loop",
    ),
    (fitted(transform=lambda fleet, x, y: (x, y)), "its transform acts inside sbkit's own loop"),
    (fitted(after_step=zero), "its after_step acts inside sbkit's own loop"),
    (fitted(change=zero), "its weights were changed between sb.mlp and sb.fit"),
    (fitted(change=pretrained), "its weights were changed between sb.mlp and sb.fit"),
    (fitted(change=frozen), "its optimizer does not treat all weights alike"),
    (lambda: sb.Bars("b", "Bars", "y", ["a"], [1.0]), "lesson does not train"),
]


@pytest.mark.parametrize(("made", "reason"), REFUSED, ids=[reason for _, reason in REFUSED])
def test_it_says_why_there_is_none(made, reason):
    assert plain_torch(Session(made)) == f"# No plain PyTorch text: {reason}."


def test_an_optimizer_that_leaves_weights_out_has_none(monkeypatch):
    monkeypatch.setattr(sb.optimizers, "_functions", dict(sb.optimizers._functions))

    @sb.optimizers("last layer")
    def last_layer(fleet, lr=0.1, weight_decay=0.0):
        return torch.optim.SGD(fleet.linears[-1].parameters(), lr=lr, weight_decay=weight_decay)

    @sb.optimizers("rprop")
    def rprop(fleet, lr=0.1, weight_decay=0.0):
        return torch.optim.Rprop([fleet.flat()], lr=lr)

    text = plain_torch(Session(fitted(optimizer="last layer")))
    assert text == "# No plain PyTorch text: its optimizer does not treat all weights alike."
    assert KNOWN in plain_torch(Session(fitted(optimizer="rprop")))


def test_settings_changed_by_hand_are_not_hidden():
    session = Session(lesson)
    session.run.settings["lr"] = 0.5
    assert plain_torch(session) == "# No plain PyTorch text: its settings were changed by hand."
