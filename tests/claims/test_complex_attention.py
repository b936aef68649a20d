"""The science of the lesson "Do complex numbers help attention?", at other seeds than its own.

Row 33 of the course's sheet: Ma et al. 2019 on tones. Not asserted: a lasting gain, which the authors see on
music.
"""

import json
import math
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import torch

import sbkit as sb
from sbkit.lessons.gallery import complex_attention as extra

NOTEBOOK = Path(__file__).parents[2] / "notebooks/8-gallery/03-complex-attention.ipynb"


@cache
def accuracies(seed: int, numbers: str, weights: str = "usual") -> dict[int, torch.Tensor]:
    """The accuracy on new tones of each net, by step."""
    cells = {cell["id"]: "".join(cell["source"]) for cell in json.loads(NOTEBOOK.read_text("utf-8"))["cells"]}
    names: dict[str, Any] = {"sb": sb, "extra": extra}
    exec(cells["lesson"].split("found = ")[0], names)  # noqa: S102
    return {one.step: one.test_accuracy for one in names["lesson"](numbers, weights=weights, seed=seed)}


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_a_complex_layer_is_torchs_complex_product():
    layer = extra.Layer(5, 3, 2).double()
    x = drawn(7, 10)
    z, w = torch.complex(x[:, :5], x[:, 5:]), torch.complex(*layer.weight.detach())
    want = z @ w.mT
    torch.testing.assert_close(layer(x), torch.cat([want.real, want.imag], 1), atol=1e-12, rtol=0)


def test_without_softmax_the_eight_products_are_one_complex_product():
    q, k, v = (drawn(4, 2, 6, 3, seed=s) for s in range(3))
    one, two, three = (torch.complex(*part.unbind(1)) for part in (q, k, v))
    want = one @ two.mT @ three / math.sqrt(3)
    found = extra.attend(q, k, v, soft=False)
    torch.testing.assert_close(found, torch.stack([want.real, want.imag], 1), atol=1e-12, rtol=0)


def test_each_product_has_a_softmax_of_its_own():
    """As the authors write them: aaa − abb − bab − bba, and aab + aba + baa − bbb."""
    q, k, v = (drawn(2, 6, 3, seed=s) for s in range(3))
    want = torch.zeros(2, 6, 3, dtype=torch.float64)
    for a, b, c in product((0, 1), repeat=3):
        weights = ((q[a] @ k[b].T) / math.sqrt(3)).softmax(-1)
        sign = -1 if a + b + c >= 2 else 1
        want[(a + b + c) % 2] += sign * (weights @ v[c])
    torch.testing.assert_close(extra.attend(q, k, v), want, atol=1e-12, rtol=0)


def test_a_real_net_has_ordinary_attention():
    q, k, v = (drawn(4, 1, 6, 3, seed=s) for s in range(3))
    want = torch.nn.functional.scaled_dot_product_attention(q, k, v)
    torch.testing.assert_close(extra.attend(q, k, v), want, atol=1e-12, rtol=0)


def test_turning_all_tones_turns_what_complex_layers_say():
    """A complex layer times e^(iφ): the symmetry that a real layer lacks."""
    layer, x, turn = extra.Layer(4, 3, 2).double(), drawn(5, 8), complex(math.cos(0.7), math.sin(0.7))

    def turned(pair: torch.Tensor) -> torch.Tensor:
        z = torch.complex(*pair.chunk(2, -1)) * turn
        return torch.cat([z.real, z.imag], -1)

    torch.testing.assert_close(layer(turned(x)), turned(layer(x)), atol=1e-12, rtol=0)


def test_tones_and_nets_are_what_the_text_says():
    clean = extra.tones(50, noise=0, n_test=50)
    z = torch.complex(*clean.x.unflatten(1, (16, 2)).double().unbind(-1))  # (n, 16)
    steps = (z[:, 1:] / z[:, :-1]).angle() * 16 / (2 * math.pi)
    torch.testing.assert_close(steps, (clean.y[:, None] + 1.0).double().expand_as(steps), atol=1e-4, rtol=0)
    sizes = [
        sum(p[0].numel() for p in extra.listeners(numbers, runs=2).parameters()) for numbers in extra.KINDS
    ]
    assert sizes == [2724, 4804]


def test_the_control_is_as_loud_as_a_real_layer():
    x = drawn(4000, 32)
    loud = extra.Layer(16, 400, 2).double()(x).detach().var()
    real = extra.Layer(32, 400, 1).double()(x).detach().var()
    assert float(loud / real) == pytest.approx(2, rel=0.1)
    usual, quiet = (extra.listeners(weights=kind, runs=2, seed=4) for kind in ("usual", "quieter"))
    torch.testing.assert_close(usual.weights(), quiet.weights())
    parts = [[*fleet.parameters()][1] for fleet in (usual, quiet)]  # of embed
    assert not torch.equal(*parts)
    torch.testing.assert_close(parts[0] / math.sqrt(2), parts[1])


@pytest.mark.slow
@pytest.mark.parametrize("seed", [7000, 7100])
def test_a_head_start_that_is_made_up_for(seed):
    ours, others = accuracies(seed, "complex"), accuracies(seed, "real")
    early, late = ((ours[step] - others[step]).mean() for step in (150, 400))
    assert early >= 0.05 and late <= early / 2
