"""Losses against torch's own, and their written-out gradients against autograd, in float64."""

import numpy as np
import pytest
import torch
from cases import DOUBLE, FLEETS, TASKS, assert_same_run, regression, three_classes
from torch.nn import functional as F
from torch.testing import assert_close

import sbkit as sb
from sbkit.core import registries
from sbkit.losses import loss_for

# name, outputs → the loss of logits (n, outputs) and labels (n,), each row's own, by torch's functions
REFERENCES = {
    ("cross_entropy", 2): lambda logits, y: F.cross_entropy(logits, y, reduction="none"),
    ("cross_entropy", 3): lambda logits, y: F.cross_entropy(logits, y, reduction="none"),
    ("logistic", 2): lambda logits, y: F.soft_margin_loss(logits.diff()[:, 0], 2.0 * y - 1, reduction="none"),
    ("hinge", 2): lambda logits, y: F.margin_ranking_loss(
        logits[:, 1], logits[:, 0], 2.0 * y - 1, margin=1.0, reduction="none"
    ),
    ("bce", 3): lambda logits, y: F.binary_cross_entropy_with_logits(
        logits, F.one_hot(y, 3).to(logits), reduction="none"
    ).mean(-1),
    ("square", 2): lambda logits, y: (logits - (2.0 * F.one_hot(y, 2) - 1)).square().mean(-1),
    ("square", 3): lambda logits, y: (logits - (2.0 * F.one_hot(y, 3) - 1)).square().mean(-1),
}
every_case = pytest.mark.parametrize(("name", "outputs"), REFERENCES)


def rows(outputs: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits (2, 50, outputs) and labels (2, 50)."""
    rng = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(2, 50, outputs, generator=rng, dtype=DOUBLE)
    return logits, torch.randint(outputs, (2, 50), generator=rng)


def test_every_loss_has_a_reference():
    assert {name for name, _ in REFERENCES} == set(registries.loss)


@every_case
def test_value(name, outputs):
    logits, y = rows(outputs)
    loss = registries.loss[name]
    expected = torch.stack([REFERENCES[name, outputs](*run) for run in zip(logits, y, strict=True)])
    assert_close(loss.value(logits, loss.encode(y, outputs).double()), expected)


@every_case
def test_gradient(name, outputs):
    logits, y = rows(outputs)
    loss = registries.loss[name]
    targets = loss.encode(y, outputs).double()
    logits.requires_grad_()
    (expected,) = torch.autograd.grad(loss.value(logits, targets).sum(), logits)
    assert_close(torch.from_numpy(loss.gradient(logits.detach().numpy(), targets.numpy())), expected)


@pytest.mark.parametrize("name", registries.loss)
def test_large_logits_stay_finite(name):
    loss = registries.loss[name]
    targets = loss.encode(torch.tensor([0, 1]), 2)
    logits = torch.tensor([[1e4, -1e4], [1e4, -1e4]])
    assert loss.value(logits, targets).isfinite().all()
    assert np.isfinite(loss.gradient(logits.numpy(), targets.numpy())).all()


def softened(outputs: int, whole: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits and soft targets (2, 50, outputs); whole: rows of chances, else of any weights."""
    logits, _ = rows(outputs)
    targets = torch.rand(2, 50, outputs, generator=torch.Generator().manual_seed(1), dtype=DOUBLE)
    return logits, targets / targets.sum(-1, keepdim=True) if whole else targets


@pytest.mark.parametrize("whole", [True, False], ids=["chances", "weights"])
@pytest.mark.parametrize("outputs", [2, 3, 10])
def test_cross_entropy_of_soft_targets(outputs, whole):
    logits, targets = softened(outputs, whole)
    loss = registries.loss["cross_entropy"]
    expected = -(targets * logits.log_softmax(-1)).sum(-1)
    assert_close(loss.value(logits, targets), expected)
    if whole:
        flat = F.cross_entropy(logits.flatten(0, 1), targets.flatten(0, 1), reduction="none")
        assert_close(loss.value(logits, targets), flat.view(2, 50))
    (slope,) = torch.autograd.grad(-(targets * logits.requires_grad_().log_softmax(-1)).sum(), logits)
    assert_close(torch.from_numpy(loss.gradient(logits.detach().numpy(), targets.numpy())), slope)


def test_bce_of_many_labels_is_torchs():
    logits, targets = softened(4, whole=False)
    loss = registries.loss["bce"]
    for given in (targets, targets.round()):
        assert_close(loss.value(logits, given).mean(), torch.nn.BCEWithLogitsLoss()(logits, given))
    logits.requires_grad_()
    (slope,) = torch.autograd.grad(loss.value(logits, targets).sum(), logits)
    assert_close(torch.from_numpy(loss.gradient(logits.detach().numpy(), targets.numpy())), slope)


def many_labels() -> sb.Task:
    """Three labels a row, each a side of the space, in float64."""
    z = torch.randn(300, 3, generator=torch.Generator().manual_seed(0), dtype=DOUBLE)
    y = (torch.stack([z[:, 0], z[:, 1], z.sum(1)], dim=1) > 0).long()
    return sb.Task(z[:200], y[:200], z[200:], y[200:], {f"x{i}": sb.Feature((i,)) for i in range(3)})


def chances() -> sb.Task:
    """Chances of three classes, in float64."""
    task = three_classes()
    soft = [0.9 * F.one_hot(y, 3).to(DOUBLE) + 0.1 / 3 for y in (task.y, task.y_test)]
    return sb.Task(task.z, soft[0], task.z_test, soft[1], task.features)


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "sam", "gd", "lbfgs"])
@pytest.mark.parametrize(
    ("make", "name"),
    [(many_labels, None), (many_labels, "square"), (chances, "cross_entropy"), (chances, "bce")],
)
def test_trains_by_hand_as_by_autograd(make, name, optimizer):
    task, options = make(), {"optimizer": optimizer, "steps": 10, "stop": None}
    options |= {"batch": 32} if optimizer in ("sgd", "adam", "sam") else {}
    by_hand, by_tape = (FLEETS["relu"](task, runs=3) for _ in range(2))
    sb.last(sb.fit(by_hand, task, loss=name, **options))
    nothing = lambda fleet, x, y, logits: logits.new_zeros(fleet.runs)  # noqa: E731
    sb.last(sb.fit(by_tape, task, loss=name, penalty=nothing, **options))
    for r in range(3):
        assert_same_run(by_hand, r, by_tape, r, atol=1e-9, rtol=1e-6)


def test_many_labels_are_told_label_by_label():
    task = many_labels()
    fleet = sb.mlp(task, depth=0, runs=3)
    seen = sb.last(sb.fit(fleet, task, optimizer="adam", lr=0.1, steps=300))
    right = ((fleet.predict(task.x_test) > 0) == task.y_test).double().mean((1, 2))
    assert_close(seen.test_accuracy.double(), right, atol=1e-6, rtol=0)
    assert (seen.test_accuracy > 0.95).all()
    for measure in ("boundary", "reliance", "conflict"):
        with pytest.raises(sb.SbkitError, match=f"'{measure}' needs classes, got a many-label task|two"):
            sb.fit(fleet, task, measure=measure)


def test_regression_is_by_squares():
    task = TASKS["regression"]()
    loss = loss_for(task, None)
    logits = torch.zeros(2, *task.y.shape, dtype=DOUBLE)
    assert_close(
        loss.value(logits, task.y), F.mse_loss(logits, task.y.expand(2, -1, -1), reduction="none").mean(-1)
    )


@pytest.mark.parametrize(
    ("task", "name", "says"),
    [
        ("slabs", "hing", "No loss named 'hing'.*Did you mean 'hinge'"),
        ("three classes", "hinge", "two classes, got 3; try 'cross_entropy'"),
        ("three classes", "logistic", "two classes, got 3; try 'cross_entropy'"),
        ("regression", "cross_entropy", "regression.*'square', got 'cross_entropy'; .*sum to 1"),
        ("regression", "bce", "regression.*'square', got 'bce'"),
    ],
)
def test_refuses(task, name, says):
    with pytest.raises(sb.SbkitError, match=says):
        loss_for(TASKS[task](), name)


@pytest.fixture
def register(monkeypatch):
    """Registers a loss as "own", for as long as a test runs."""
    monkeypatch.setattr(registries.loss, "_functions", dict(registries.loss._functions))
    return lambda function, **about: registries.loss("own", **about)(function)


def squares(logits, targets):
    assert logits.shape == targets.shape
    return (logits - targets).square().mean(-1)


def entropy(logits, targets):
    return -(logits.log_softmax(-1) * targets).sum(-1)


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "sam", "lbfgs"])
@pytest.mark.parametrize(
    ("task", "own", "same"),
    [("regression", squares, "square"), ("slabs", entropy, None), ("three classes", entropy, None)],
)
def test_a_loss_of_ones_own_trains_as_the_same_of_sbkit(register, task, own, same, optimizer):
    register(own, regression=True)
    task, options = TASKS[task](), {"optimizer": optimizer, "steps": 10, "stop": None}
    options |= {} if optimizer == "lbfgs" else {"batch": 32}
    mine, theirs = (FLEETS["relu"](task, runs=3) for _ in range(2))
    seen = [sb.last(sb.fit(f, task, loss=n, **options)).loss for f, n in ((mine, "own"), (theirs, same))]
    assert_close(*seen)
    for r in range(3):
        assert_same_run(mine, r, theirs, r, atol=1e-7, rtol=1e-6)


def test_a_stack_and_many_labels_have_losses_of_ones_own(register):
    register(squares, regression=True)
    task = TASKS["slabs"]()
    for given, runs in ((sb.data.stack([task, task]), 2), (many_labels(), 3)):
        seen = sb.last(sb.fit(sb.mlp(given, width=8, runs=runs), given, loss="own", steps=3, stop=None))
        assert seen.loss.isfinite().all()


OWN = {  # name → a loss that is none, what is said of it
    "a number": (lambda logits, targets: squares(logits, targets).mean(), r"a number a row, .*got \(\)"),
    "a number a run": (lambda logits, targets: squares(logits, targets).mean(1), r"got \(2,\)"),
    "a number an output": (lambda logits, targets: (logits - targets).square(), r"got \(2, 3, 2\), .*mean"),
    "no tensor": (lambda logits, targets: 0.5, "got a float"),
    "nothing": (lambda logits, targets: None, "got None"),
    "no gradient": (lambda logits, targets: squares(logits.detach(), targets), "with a gradient"),
    "runs mixed": (lambda logits, targets: squares(logits - logits.mean(0), targets), "mixes runs"),
}


@pytest.mark.parametrize("kind", OWN)
def test_what_is_no_loss_is_refused_before_training(register, kind):
    own, says = OWN[kind]
    register(own)
    task = TASKS["slabs"]()
    with pytest.raises(sb.SbkitError, match=f"loss='own' is {says}" if says[0] == "a" else says):
        sb.fit(FLEETS["relu"](task, runs=3), task, loss="own", batch=32)


def test_a_loss_of_other_arguments_is_not_registered(register):
    with pytest.raises(sb.SbkitError, match=r"registered loss is a function \(logits, targets\)"):
        register(lambda logits: logits)


def test_a_loss_says_whether_it_takes_values(register):
    register(squares)
    with pytest.raises(sb.SbkitError, match="loss='square', got 'own'"):
        loss_for(TASKS["regression"](), "own")


def test_what_a_loss_raises_rises_as_it_is(register):
    register(lambda logits, targets: logits.no_such_thing)
    with pytest.raises(AttributeError, match="no_such_thing"):
        loss_for(TASKS["slabs"](), "own")


@pytest.mark.parametrize("name", ["cross_entropy", "hinge", "logistic"])
def test_many_labels_have_their_own_loss(name):
    with pytest.raises(sb.SbkitError, match=f"Many labels a row have loss='bce', got '{name}'"):
        loss_for(many_labels(), name)


def flat(fleet: sb.Fleet) -> torch.Tensor:
    return torch.cat([p.detach().flatten(1) for p in fleet.parameters()], dim=1)  # (runs, P)


@pytest.mark.parametrize(("t", "alpha"), [(1.0, 1.0), (1.0, 0.3), (4.0, 0.7), (2.0, 0.0)])
@pytest.mark.parametrize("runs", [1, 3])
@pytest.mark.parametrize("make", [three_classes, regression, many_labels])
def test_distilled_is_a_mixture_of_both_losses(make, runs, t, alpha):
    task = make()
    teacher, student = sb.mlp(task, depth=1, runs=runs, seed=5), sb.mlp(task, width=8, runs=3)
    x, y = task.x.expand(3, -1, -1), task.y.expand(3, *task.y.shape)
    logits, taught = student(x), teacher.predict(task.x).expand(3, -1, -1)
    penalty = sb.losses.distil(teacher, temperature=t, alpha=alpha)(student, x, y, logits)
    if make is regression:
        hard, soft = ((logits - target).square().mean((1, 2)) for target in (y, taught))
    elif make is many_labels:
        entropy = lambda a, b: F.binary_cross_entropy_with_logits(a, b, reduction="none").mean((1, 2))  # noqa: E731
        hard, soft = entropy(logits, y.to(DOUBLE)), t**2 * entropy(logits / t, (taught / t).sigmoid())
    else:
        hard = F.cross_entropy(logits.mT, y, reduction="none").mean(1)
        target = (taught / t).softmax(-1).mT
        soft = t**2 * F.cross_entropy((logits / t).mT, target, reduction="none").mean(1)
    assert_close(penalty, (1 - alpha) * hard + alpha * soft - hard)


@pytest.mark.parametrize("optimizer", ["sgd", "lbfgs"])
@pytest.mark.parametrize("shape", [(200,), (3, 200)])
def test_rows_of_a_student_count_as_they_do_for_its_labels(shape, optimizer):
    task = three_classes()
    teacher = FLEETS["relu"](task, runs=1, seed=5)
    weight = torch.rand(shape, generator=torch.Generator().manual_seed(0)).round(decimals=1)  # some are 0
    students = [FLEETS["relu"](task, runs=3) for _ in range(2)]
    options = {"steps": 6, "stop": None, "optimizer": optimizer, "sample_weight": weight}
    options |= {"batch": 32} if optimizer == "sgd" else {}
    sb.last(sb.fit(students[0], task, penalty=sb.losses.distil(teacher), **options))
    sb.last(sb.fit(students[1], task, targets=teacher.predict(task.x)[0].softmax(-1), **options))
    assert_close(flat(students[0]), flat(students[1]))


def test_a_student_distilled_wholly_learns_as_from_the_teachers_chances():
    task = three_classes()
    teacher = FLEETS["relu"](task, runs=1, seed=5)
    sb.last(sb.fit(teacher, task, steps=50))
    soft = [teacher.predict(x)[0].softmax(-1) for x in (task.x, task.x_test)]
    taught = sb.Task(task.z, soft[0], task.z_test, soft[1], task.features)
    students = [FLEETS["relu"](task, runs=3) for _ in range(2)]
    options = {"batch": 32, "steps": 20, "stop": None}
    sb.last(sb.fit(students[0], task, penalty=sb.losses.distil(teacher), **options))
    sb.last(sb.fit(students[1], taught, loss="cross_entropy", **options))
    assert_close(flat(students[0]), flat(students[1]))


def test_self_distillation_of_linear_nets_squares_what_is_kept_of_each_direction():
    """A_S = A²: of direction k a net at step t keeps A = 1 − (1 − ηλ)^t, λ = 2σ²/(nC), and its student A²."""
    task, lr, steps = regression(), 0.3, 7
    linear = {"factors": 1, "init": 0.0, "runs": 2}
    teacher, student = (sb.models.deep_linear(task, **linear) for _ in range(2))
    plain = {"optimizer": "gd", "lr": lr, "steps": steps, "stop": None}
    sb.last(sb.fit(teacher, task, **plain))
    sb.last(sb.fit(student, task, penalty=sb.losses.distil(teacher), **plain))
    u, sigma, _ = torch.linalg.svd(task.x, full_matrices=False)
    kept = 1 - (1 - lr * 2 * sigma**2 / task.y.numel()) ** steps  # A, (directions,)
    for fleet, share in ((teacher, kept), (student, kept**2)):
        answers = (u * share) @ u.T @ task.y  # (n, outputs)
        assert_close(fleet.predict(task.x), answers.expand(2, -1, -1), atol=1e-12, rtol=0)


@pytest.mark.parametrize(
    ("make", "name"), [(three_classes, "square"), (three_classes, "bce"), (chances, "cross_entropy")]
)
def test_a_student_distilled_wholly_has_the_loss_of_its_fit(make, name):
    task = make()
    teacher = FLEETS["relu"](task, runs=1, seed=5)
    sb.last(sb.fit(teacher, task, steps=50, loss=name))
    chance = {"square": lambda t: t, "bce": torch.sigmoid, "cross_entropy": lambda t: t.softmax(-1)}[name]
    soft = [chance(teacher.predict(x)[0]) for x in (task.x, task.x_test)]
    taught = sb.Task(task.z, soft[0], task.z_test, soft[1], task.features)
    students = [FLEETS["relu"](task, runs=3) for _ in range(2)]
    options = {"batch": 32, "steps": 20, "stop": None, "loss": name}
    sb.last(sb.fit(students[0], task, penalty=sb.losses.distil(teacher, temperature=1.0), **options))
    sb.last(sb.fit(students[1], taught, **options))
    assert_close(flat(students[0]), flat(students[1]))


def test_a_hinge_has_no_teacher():
    task = TASKS["slabs"]()
    with pytest.raises(sb.SbkitError, match="targets of cross_entropy, bce or square, got another loss; try"):
        sb.fit(sb.mlp(task, runs=2), task, loss="hinge", penalty=sb.losses.distil(sb.mlp(task, runs=1)))


@pytest.mark.parametrize("optimizer", ["sgd", "lbfgs"])
def test_run_r_learns_from_run_r(optimizer):
    task, plain = three_classes(), {"steps": 5, "stop": None}
    plain |= {"optimizer": optimizer}
    teacher, student = FLEETS["relu"](task, runs=3, seed=5), FLEETS["relu"](task, runs=3)
    sb.last(sb.fit(student, task, penalty=sb.losses.distil(teacher), **plain))
    for r in range(3):
        alone = FLEETS["relu"](task, runs=1, seed=r)
        one = FLEETS["relu"](task, runs=1, seed=5 + r)
        sb.last(sb.fit(alone, task, penalty=sb.losses.distil(one), **plain))
        assert_same_run(student, r, alone, 0, atol=1e-9, rtol=1e-7)


@pytest.mark.parametrize(
    ("make", "given", "says"),
    [
        (lambda task: sb.mlp(task, runs=2), {}, "one run or as many .*, got 2 for 3; try sb.mlp.*runs=3"),
        (lambda task: sb.mlp(many_labels()), {}, "."),
        (lambda task: None, {}, "A fleet is many nets in one, got a NoneType; try sb.mlp"),
        (lambda task: sb.mlp(task, runs=1), {"temperature": 0}, "temperature is a number above 0, got 0"),
        (lambda task: sb.mlp(task, runs=1), {"alpha": 2}, "alpha is .* at most 1, got 2; try 1"),
        (lambda task: sb.models.fleet_of(lambda: torch.nn.Linear(2, 5).double(), runs=1), {}, "same task"),
    ],
)
def test_what_is_no_teacher_is_refused_before_training(make, given, says):
    task = three_classes()
    with pytest.raises(sb.SbkitError, match=says):
        sb.fit(sb.mlp(task, runs=3), task, penalty=sb.losses.distil(make(task), **given))


def test_a_fleet_is_not_its_own_teacher():
    task = three_classes()
    fleet = sb.mlp(task, runs=3)
    with pytest.raises(sb.SbkitError, match="A teacher is another fleet.*copy.deepcopy"):
        sb.fit(fleet, task, penalty=sb.losses.distil(fleet))
