"""Plain nets after somebody hung something on them: what they compute and how they train is still true."""

import copy
import types

import pytest
import torch
from cases import DOUBLE, assert_bitwise, assert_same_run, slab_task, weights
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import parametrize, prune
from torch.testing import assert_close

import sbkit as sb
from sbkit.models import MLP
from sbkit.training.backpropagation import Backpropagation
from sbkit.training.batches import Batches

RUNS, BATCH = 3, 32
EACH = torch.rand(
    RUNS, 8, generator=torch.Generator().manual_seed(0), dtype=DOUBLE
)  # a number a run and unit


class Exponential(nn.Module):
    def forward(self, w):
        return w.exp() - 1


class Doubled(MLP):
    def forward(self, x):
        return 2 * super().forward(x)


def parametrized(fleet):
    parametrize.register_parametrization(fleet.net[2], "weight", Exponential())


def pruned(fleet):
    prune.custom_from_mask(fleet.net[2], "weight", (EACH > 0.5)[..., None].expand(-1, -1, 8))
    prune.l1_unstructured(fleet.net[0], "weight", 0.3)
    prune.custom_from_mask(fleet.net[4], "bias", torch.zeros(RUNS, 2))


def normed(fleet):
    nn.utils.parametrizations.weight_norm(fleet.net[2])


def other_activation(fleet):
    fleet.net[1] = nn.Tanh()


def another_net(fleet):
    fleet.net.append(nn.LogSoftmax(dim=1))  # of one net's (n, outputs)


def tied(fleet):
    fleet.net.insert(4, nn.ReLU())
    fleet.net.insert(4, fleet.net[2])


def one_matrix(fleet):
    fleet.net[4].weight = nn.Parameter(fleet.net[2].weight[:, :2].detach().clone())
    fleet.net.append(nn.Identity())


def subclass(fleet):
    fleet.__class__ = Doubled


def patched(fleet):
    fleet.forward = types.MethodType(lambda self, x: 3 * MLP.forward(self, x), fleet)


def patched_layer(fleet):
    layer = fleet.net[2]
    layer.forward = lambda h, forward=layer.forward: forward(h).sin()


def relabelled(fleet):
    fleet.activation = "tanh"


def frozen_layer(fleet):
    fleet.net[2].requires_grad_(False)


def hook_of_outputs(fleet):
    fleet.net[0].register_forward_hook(lambda layer, inputs, out: out * EACH[:, None])


def hook_of_inputs(fleet):
    fleet.net[2].register_forward_pre_hook(lambda layer, inputs: (inputs[0] * EACH[:, None],))


def hook_of_activation(fleet):
    fleet.net[3].register_forward_hook(lambda layer, inputs, out: out * EACH[:, None])


def hook_of_net(fleet):
    fleet.net.register_forward_hook(lambda net, inputs, out: out * 3)


def hook_of_fleet(fleet):
    fleet.register_forward_hook(lambda net, inputs, out: out * 3)


def hook_of_gradient(fleet):
    fleet.net[2].weight.register_hook(lambda grad: grad * EACH[..., None])


def hook_of_backward(fleet):
    fleet.net[2].register_full_backward_pre_hook(lambda layer, grads: (grads[0] * EACH[:, None],))


SHAPED = [parametrized, pruned, normed, other_activation, another_net, tied, one_matrix, subclass, patched]
SHAPED += [patched_layer, relabelled, frozen_layer]
HOOKED = [hook_of_outputs, hook_of_inputs, hook_of_activation, hook_of_net, hook_of_fleet]
BACKWARD = [hook_of_gradient, hook_of_backward]
every_touch = pytest.mark.parametrize(
    "touch", [*SHAPED, *HOOKED, *BACKWARD], ids=lambda touch: touch.__name__
)


def made(touch=None, **options) -> sb.Fleet:
    fleet = sb.mlp(slab_task(), **{"depth": 2, "width": 8, "runs": RUNS} | options)
    if touch:
        touch(fleet)
    return fleet


def by_autograd(fleet: sb.Fleet, steps: int, task=None, first=0) -> sb.Fleet:
    task = task or slab_task()
    batches, trained = Batches(task.x, task.y, BATCH, 0, [*range(RUNS)]), list(fleet.parameters())
    trained = [p for p in trained if p.requires_grad]
    for step in range(first, first + steps):
        x, y = batches(step)
        loss = sum(F.cross_entropy(*run) for run in zip(fleet(x), y, strict=True))
        with torch.no_grad():
            for p, grad in zip(trained, torch.autograd.grad(loss, trained), strict=True):
                p -= 0.1 * grad
    return fleet


def assert_alike(fleet: sb.Fleet, other: sb.Fleet) -> None:
    named = dict(other.named_parameters())
    for name, p in fleet.named_parameters():
        assert_close(p, named[name], rtol=1e-7, atol=1e-9)


@every_touch
def test_trains_by_the_true_gradient(touch):
    task, fleet = slab_task(), made(touch)
    assert not Backpropagation.knows(fleet) or touch is frozen_layer
    before = weights(fleet)
    sb.last(sb.fit(fleet, task, batch=BATCH, steps=20, stop=None))
    assert_alike(fleet, by_autograd(made(touch), 20))
    moved = [not torch.equal(a, b) for a, b in zip(before, weights(fleet), strict=True)]
    assert all(moved) or touch in (frozen_layer, pruned)


@every_touch
@pytest.mark.parametrize("within", [False, True])
def test_trains_by_the_true_gradient_from_when_it_is_touched(touch, within):
    """Between two slices, or in the middle of one by after_step; or it is refused in a sentence."""
    task, fleet = slab_task(), made()
    after = (lambda fleet, step: touch(fleet) if step == 10 else None) if within else None
    run = sb.fit(fleet, task, batch=BATCH, steps=20, stop=None, after_step=after)
    refused = touch in (normed, one_matrix, frozen_layer)  # other weights than those that fit settled
    try:
        if within:
            sb.last(run)
        else:
            run.train(steps=10)
            touch(fleet)
            sb.last(run)
        assert not refused
    except sb.SbkitError as error:
        assert refused and "call sb.fit once more" in str(error)
        sb.last(sb.fit(fleet, task, batch=BATCH, steps=2, stop=None))
        return
    plain = by_autograd(made(), 10)
    touch(plain)
    assert_alike(fleet, by_autograd(plain, 10, first=10))


@pytest.mark.parametrize("touch", SHAPED, ids=lambda touch: touch.__name__)
def test_a_run_is_its_own_net(touch):
    """Logits, matrices and the fleet of one, trained for some steps and looked at without a call between."""
    if touch in (subclass, patched, patched_layer, normed):
        pytest.skip("of the fleet, not of its nets")
    task, fleet = slab_task(), made(touch)
    sb.last(sb.fit(fleet, task, batch=BATCH, steps=7, stop=None))
    before = [w.detach().clone() for w in fleet.weights()]
    logits = fleet.predict(task.x)
    for r in range(RUNS):
        net = fleet.run(r)
        assert_close(net(task.x), logits[r])
        assert_close(fleet.only(r).predict(task.x)[0], logits[r])
        owned = [layer.weight for layer in net.modules() if isinstance(layer, nn.Linear)]
        assert all(torch.equal(a[r], b) for a, b in zip(before, owned, strict=True))
    assert_close(copy.deepcopy(fleet).predict(task.x), logits)


@every_touch
def test_lbfgs_is_true_or_refused(touch):
    task, fleet = slab_task(), made(touch)
    options = {"optimizer": "lbfgs", "steps": 4, "stop": None}
    if touch in BACKWARD or touch in (hook_of_outputs, hook_of_inputs, hook_of_activation, patched_layer):
        with pytest.raises(sb.SbkitError, match="each run apart.*try the optimizer 'adam'"):
            sb.last(sb.fit(fleet, task, **options))
        sb.last(sb.fit(fleet, task, **options | {"optimizer": "adam", "batch": BATCH}))
        return
    sb.last(sb.fit(fleet, task, **options))
    if touch not in (hook_of_fleet, normed):
        alone = fleet.only(1)
        assert_close(alone.predict(task.x)[0], fleet.predict(task.x)[1])


@pytest.mark.parametrize(
    "touch", [parametrized, pruned, *HOOKED, *BACKWARD], ids=lambda touch: touch.__name__
)
def test_lbfgs_touched_while_it_trains_is_refused(touch):
    task, fleet = slab_task(), made()
    run = sb.fit(fleet, task, optimizer="lbfgs", steps=4, stop=None)
    run.train(steps=1)
    touch(fleet)
    with pytest.raises(sb.SbkitError, match="each run apart"):
        run.train(steps=1)


def test_hooks_see_what_passes():
    """The preactivations as they were, not what the activation wrote over them."""
    task, fleet, seen = slab_task(), made(), []
    expected = torch.baddbmm(fleet.net[0].bias[:, None], task.x.expand(RUNS, -1, -1), fleet.net[0].weight.mT)
    fleet.net[0].register_forward_hook(lambda layer, inputs, out: seen.append(out))
    fleet.predict(task.x)
    assert_close(torch.cat(seen, 1), expected.detach())
    assert (expected < 0).any()


@pytest.mark.parametrize("post", [False, True])
def test_hooks_of_gradients_are_called(post):
    """Also those that torch calls once the gradient is there."""
    task, fleet = slab_task(), made()
    weight = fleet.net[2].weight
    if post:
        weight.register_post_accumulate_grad_hook(lambda p: setattr(p, "grad", torch.zeros_like(p)))
    else:
        weight.register_hook(torch.zeros_like)
    before = [p.clone() for p in fleet.parameters()]
    for optimizer in ("sgd", "sam", "muon"):
        sb.last(sb.fit(fleet, task, optimizer=optimizer, batch=BATCH, steps=3, stop=None))
    moved = [not torch.equal(a, b) for a, b in zip(before, fleet.parameters(), strict=True)]
    assert moved == [True, True, False, True, True, True]


def test_a_hook_taken_off_leaves_the_fast_path():
    fleet = made()
    handles = [fleet.net[0].weight.register_hook(torch.zeros_like), fleet.net.register_forward_hook(print)]
    assert not Backpropagation.knows(fleet)
    for handle in handles:
        handle.remove()
    assert Backpropagation.knows(fleet)


@pytest.mark.parametrize("way", ["new", "in place", "replaced"])
def test_weights_masked_after_each_step(way):
    task = slab_task()
    mask = (EACH[:, :, None] > 0.5).expand(-1, -1, 3).to(DOUBLE)

    def masked(fleet, step):
        layer = fleet.net[0]
        if way == "new":
            layer.weight.data = layer.weight.data * mask
        elif way == "in place":
            layer.weight.data.mul_(mask)
        else:
            layer.weight = nn.Parameter(layer.weight.data * mask)

    def trained(after_step):
        fleet = made()
        sb.last(sb.fit(fleet, task, batch=BATCH, steps=20, stop=None, after_step=after_step))
        return fleet

    if way == "replaced":
        with pytest.raises(sb.SbkitError, match=r"fleet.weights\(\)\[0\].data.mul_\(mask\)"):
            trained(masked)
        return
    fleet = trained(masked)
    assert_bitwise(fleet, trained(lambda fleet, step: fleet.weights()[0].data.mul_(mask)))
    assert (fleet.weights()[0][mask == 0] == 0).all()
    assert_same_run(fleet, 0, trained(masked), 0)


def shared_layer(fleet):
    fleet.net[2] = nn.Linear(8, 8).double()


def shared_memory(fleet):
    fleet.net.append(type(fleet.net[2])(8, 8).double())
    fleet.net[5].weight = nn.Parameter(fleet.net[2].weight.data)
    fleet.net[5].bias = nn.Parameter(fleet.net[2].bias.data)


def two_types(fleet):
    fleet.net[2].float()


def lazy(fleet):
    fleet.net[2] = nn.LazyLinear(8)


def another_module(fleet):
    fleet.activation = nn.Tanh()


def spectral(fleet):
    nn.utils.parametrizations.spectral_norm(fleet.net[2])


UNFIT = {
    shared_layer: r"of 3 have shape \(3, ...\), got \(8, 8\) for net.2.weight",
    shared_memory: "its own memory, got net.2.weight and net.5.weight in the same; try one nn.Parameter",
    two_types: r"one type, got torch.float32, torch.float64; try fleet.to\(dtype=task.x.dtype\)",
    lazy: "got none yet for net.2.weight",
    another_module: r"by its net alone, got also activation; .*fleet.net\[1\]",
    spectral: r"have shape \(3, ...\), got \(64,\) for .*sb.models.fleet_of",
}


@pytest.mark.parametrize("touch", UNFIT, ids=lambda touch: touch.__name__)
def test_refuses(touch):
    fleet = made()
    with pytest.raises(sb.SbkitError, match=UNFIT[touch]):
        touch(fleet)
        sb.fit(fleet, slab_task(), batch=BATCH)


@pytest.mark.parametrize("touch", [hook_of_net, another_net], ids=lambda touch: touch.__name__)
def test_dropout_goes_with_hooks_of_layers_alone(touch):
    task = slab_task()
    with pytest.raises(sb.SbkitError, match=r"Dropout falls between.*dropout=0.0"):
        sb.last(sb.fit(made(touch, dropout=0.2), task, batch=BATCH, steps=2, stop=None))
    sb.last(sb.fit(made(touch, dropout=0.0), task, batch=BATCH, steps=2, stop=None))
    sb.last(sb.fit(made(hook_of_outputs, dropout=0.2), task, batch=BATCH, steps=2, stop=None))
