"""Options are checked when a run is built, settings when they are changed."""

import pytest
from cases import FLEETS, slab_task

import sbkit as sb


def fit(**options) -> "sb.training.Run":
    task = slab_task()
    return sb.fit(FLEETS["relu"](task, runs=2), task, batch=32, **options)


REFUSED = [
    ({"optimizer": "adm"}, "No optimizer named 'adm'; there are sgd, .*Did you mean 'adam'"),
    ({"lr": 0}, "lr is a number above 0.*, got 0"),
    ({"lr": -0.1}, "lr is a number above 0.*, got -0.1"),
    ({"lr": "fast"}, "lr is a number.*, got 'fast'"),
    ({"lr": float("nan")}, "lr is a number.*, got nan"),
    ({"lr": float("inf")}, "lr is a number.*, got inf"),
    ({"weight_decay": -1}, "weight_decay is a number at least 0.*, got -1"),
    ({"momentum": 1.0}, "momentum is a number at least 0 and at most 0.999999, got 1.0"),
    ({"momentum": "high"}, "momentum is a number.*, got 'high'"),
    ({"rho": 0.1}, "No option of sgd named 'rho'; there are momentum"),
    ({"optimizer": "sam", "rho": -0.1}, "rho is a number at least 0.*, got -0.1"),
    ({"optimizer": "adam", "betas": 0.9}, r"betas has 2 numbers, got 0.9; try \(0.9, 0.999\)"),
    ({"optimizer": "adam", "betas": (0.9, 1.0)}, "betas is a number.*, got 1.0"),
    ({"optimizer": "nesterov", "momentum": 0}, "momentum above 0, got 0; try 0.9"),
    ({"optimizer": "gd", "momentum": 0.9}, "No option of gd named 'momentum'"),
]


@pytest.mark.parametrize(("options", "says"), REFUSED, ids=[says for _, says in REFUSED])
def test_refuses_options(options, says):
    with pytest.raises(sb.SbkitError, match=says):
        fit(**options)


@pytest.mark.parametrize("optimizer", sb.optimizer)
def test_settings_are_named_and_start_as_asked(optimizer):
    run = fit(optimizer=optimizer, weight_decay=0.02)
    assert run.settings["lr"] == sb.optimizers.taken(optimizer, {})["lr"]
    assert run.settings["weight_decay"] == 0.02
    assert {"lr", "weight_decay"} <= set(run.settings) <= {"lr", "weight_decay", "momentum", "rho", "alpha"}
    assert dict(run.settings).keys() == set(run.settings) and repr(run.settings) == repr(dict(run.settings))
    assert "nonsense" not in run.settings


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("lr", 0, "lr is a number above 0.*, got 0"),
        ("momentum", 1, "momentum is a number.*, got 1"),
        ("weight_decay", -1, "weight_decay is a number.*, got -1"),
        ("rho", 0.1, "While it trains one may change lr, momentum, weight_decay, got 'rho'"),
    ],
)
def test_refuses_settings(name, value, says):
    run = fit()
    before = dict(run.settings)
    with pytest.raises(sb.SbkitError, match=says):
        run.settings[name] = value
    assert dict(run.settings) == before


def test_settings_are_not_deleted():
    with pytest.raises(sb.SbkitError, match="changed, not deleted, got 'lr'"):
        del fit().settings["lr"]
