"""The science of the lesson "Can a net learn to multiply?", at other seeds than its own.

Row 21 of the course's sheet: Madsen and Johansen 2019. Not asserted: rates of NAC nets that multiply, which
the authors see after millions of steps.
"""

import json
import math
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch

import sbkit as sb
from sbkit.lessons.gallery import arithmetic_that_extrapolates as extra

NOTEBOOK = Path(__file__).parents[2] / "notebooks/8-gallery/02-arithmetic-that-extrapolates.ipynb"


@cache
def names() -> dict[str, Any]:
    """The lesson's functions, `clamp` and `lesson`; its panel stays out."""
    cells = {cell["id"]: "".join(cell["source"]) for cell in json.loads(NOTEBOOK.read_text("utf-8"))["cells"]}
    found: dict[str, Any] = {"sb": sb, "extra": extra}
    exec(cells["panel"].split("dials = ")[0], found)  # noqa: S102
    return found


def solved(seed: int, **way: Any) -> dict[int, float]:
    """The share of nets that have solved it, by step."""
    return {one.step: float(one.values["solved"].mean()) for one in names()["lesson"](seed=seed, **way)}


def test_the_nearly_perfect_net_against_closed_forms():
    """Both sums are 1e-3 · Σz too small, for z uniform from 2 to 6: mean 4, variance 4/3."""
    exact = 4e-6 * (16**2 + 4 * 4 / 3)
    assert extra.threshold("add") == pytest.approx(exact, rel=0.01)
    z = extra.sums(seed=1, n=100_000).z_test.double()
    off = 1e-3 * z.sum(1)  # (n,)
    first, second = z.sum(1), z[:, :2].sum(1)
    slow = (off * (first + second) - off**2).square().mean()
    assert extra.threshold("multiply") == pytest.approx(float(slow), rel=1e-3)


@pytest.mark.parametrize("bits", [(1, 1), (1, 0), (0, 1), (0, 0)])
def test_units_multiply_what_they_are_told_to(bits):
    layer = extra.Layer(2, 1, "NMU").double()
    layer.weight.data[:] = torch.tensor([bits])
    x = torch.randn(50, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    want = [math.prod(value for value, bit in zip(row, bits, strict=True) if bit) for row in x.tolist()]
    torch.testing.assert_close(layer(x)[:, 0], torch.tensor(want, dtype=torch.float64), atol=1e-12, rtol=0)


def test_layers_against_loops():
    torch.manual_seed(0)
    x = torch.rand(20, 3, dtype=torch.float64) + 1
    for kind in ("NMU", "NAC", "log NAC", "linear"):
        layer = extra.Layer(3, 2, kind).double()
        for row, found in zip(x.tolist(), layer(x).tolist(), strict=True):
            for o in range(2):
                w = layer.weight[o].tolist()
                if layer.gate is not None:
                    b = layer.gate[o].tolist()
                    w = [math.tanh(a) / (1 + math.exp(-g)) for a, g in zip(w, b, strict=True)]
                pairs = list(zip(w, row, strict=True))
                want = {
                    "NMU": math.prod(a * v + 1 - a for a, v in pairs),
                    "log NAC": math.prod((v + 1e-7) ** a for a, v in pairs),
                }.get(kind, sum(a * v for a, v in pairs))
                assert found[o] == pytest.approx(want, rel=1e-12)


@pytest.mark.parametrize("operation", ["multiply", "add"])
def test_the_perfect_net_has_solved_it_and_a_worse_one_has_not(operation):
    task = extra.sums(operation)
    fleet = extra.fleet("NMU" if operation == "multiply" else "linear", operation, runs=2)
    with torch.no_grad():
        first, last = fleet.parameters()
        first[:], last[:] = extra.SUMS, 1
        first[1] -= 3e-3
    measures = extra.watch(operation)
    assert measures[0](fleet, task).tolist() == [1, 0]
    assert measures[1](fleet, task)[0].max() < 1e-6


@pytest.mark.parametrize("layer", ["NMU", "NAC", "linear"])
def test_a_run_of_the_fleet_is_its_own_net(layer):
    task = extra.sums()
    for clamp in ("in the net", "never"):
        fleet = extra.fleet(layer, "multiply", clamp, seed=3, runs=4)
        alone = extra.fleet(layer, "multiply", clamp, seed=5, runs=1)
        assert torch.equal(fleet.predict(task.x[:9])[2], alone.predict(task.x[:9])[0])
        torch.testing.assert_close(fleet.run(2)(task.x[:9]), alone.predict(task.x[:9])[0])


@pytest.mark.parametrize(("k", "n"), [(23, 30), (0, 30), (30, 30), (1, 5)])
def test_wilson_against_its_formula(k, n):
    p, z = k / n, 1.959964
    half = z * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    ends = [(p + z**2 / (2 * n) + side * half) / (1 + z**2 / n) for side in (-1, 1)]
    assert extra.rate([1.0] * k + [0.0] * (n - k)) == pytest.approx((p, *ends), abs=1e-6)
    assert all(map(math.isnan, extra.rate([math.nan] * n)))


@pytest.mark.slow
def test_a_cliff():
    for seed in (7000, 7100):
        share = solved(seed)
        assert share[1000] <= 0.25 and share[3000] >= 0.75


@pytest.mark.slow
def test_a_failure_that_was_a_matter_of_the_budget():
    nac = {"layer": "NAC", "operation": "add"}
    assert solved(7000, **nac)[3000] <= 0.1
    assert solved(7000, **nac, lr=0.3, steps=6000)[6000] >= 0.7


@pytest.mark.slow
def test_clamps_belong_after_the_step():
    assert solved(7000, clamped="in the net")[3000] <= 0.7
    assert solved(7000, clamped="never")[3000] <= 0.2


@pytest.mark.slow
def test_linear_nets_add_and_do_not_multiply():
    assert solved(7000, layer="linear", operation="add")[3000] >= 0.85
    assert solved(7000, layer="linear")[3000] == 0
