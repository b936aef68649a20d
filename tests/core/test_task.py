"""Tasks refuse what is no task, and move whole."""

import math
import pickle

import pytest
import torch
from cases import DOUBLE, slab_task, three_classes
from torch.testing import assert_close

import sbkit as sb
from sbkit.core import drawn, window

Z, Y = torch.randn(12, 2, generator=torch.Generator().manual_seed(0)), torch.arange(12) % 3
VALUES = Z.sum(1, keepdim=True)


def task(z=Z, y=Y, z_test=Z, y_test=Y, columns=(0,), features=None) -> sb.Task:
    return sb.Task(z, y, z_test, y_test, features or {"first": sb.Feature(columns)})


REFUSED = [
    ({"z": Z[:, 0]}, r"z is a float tensor \(rows, columns\), got \(12,\), torch.float32"),
    ({"z_test": Z[:0], "y_test": Y[:0]}, r"z_test is a float tensor .*\(0, 2\)"),
    ({"z": Z.long()}, "z is a float tensor .*torch.int64"),
    ({"z": Z.half()}, "z is a float tensor .*torch.float16"),
    ({"z": Z.numpy()}, "z and its labels are tensors, got ndarray and Tensor; try torch.as_tensor"),
    ({"y_test": Y.tolist()}, "z_test and its labels are tensors, got Tensor and list"),
    ({"y": Y[:5]}, "z and its labels have as many rows, got 12 and 5"),
    ({"y": Y[0]}, "z and its labels have as many rows, got 12 and 1"),
    (
        {"y": Y[:, None]},
        r"Labels are int64 \(n,\) or float \(n, outputs\), got \(12, 1\), torch.int64",
    ),
    ({"y": VALUES[:, 0], "y_test": VALUES[:, 0]}, r"Labels are .*got \(12,\), torch.float32"),
    ({"z_test": torch.zeros(12, 3)}, r"z and z_test differ in rows only, got .*\(12, 2\).*\(12, 3\)"),
    ({"z_test": Z.double()}, "z and z_test differ in rows only, got .*torch.float32 .* torch.float64"),
    ({"y": VALUES}, "y and y_test differ in rows only, got .*torch.float32 .* torch.int64"),
    (
        {"y": VALUES, "y_test": VALUES.expand(-1, 2)},
        r"y and y_test differ in rows only.*\(12, 1\).*\(12, 2\)",
    ),
    ({"z": Z * math.nan}, "z and its labels are finite numbers, got NaN or infinity; drop or fill"),
    ({"z_test": Z / 0}, "z_test and its labels are finite"),
    ({"y": VALUES * math.inf, "y_test": VALUES}, "z and its labels are finite"),
    ({"y": Y + 1, "y_test": Y + 1}, r"classes 0…C−1, every one used, got torch.int64 \[1, 2, 3\]; renumber"),
    ({"y": 2 * Y, "y_test": 2 * Y}, r"classes 0…C−1.*\[0, 2, 4\]"),
    ({"y": Y - 1, "y_test": Y - 1}, r"classes 0…C−1.*\[-1, 0, 1\]"),
    ({"y": Y.int(), "y_test": Y.int()}, "int64 classes.*got torch.int32"),
    ({"y": Y > 0, "y_test": Y > 0}, "int64 classes.*got torch.bool"),
    ({"columns": (0, 2)}, r"columns lie in 0…1, got 'first' with \(0, 2\)"),
    ({"columns": (-1,)}, "columns lie in 0…1"),
    ({"features": ["first"]}, "features are a dict, name → sb.Feature, got a list; try"),
]


@pytest.mark.parametrize(("given", "says"), REFUSED)
def test_refuses(given, says):
    with pytest.raises(sb.SbkitError, match=says):
        task(**given)


@pytest.mark.parametrize(("y", "outputs"), [(Y, 3), (Y % 2, 2), (0 * Y, 2), (0 * Y + 1, 2)])
def test_outputs_are_the_classes(y, outputs):
    assert task(y=y, y_test=y).outputs == outputs


def test_a_class_may_stand_in_the_test_rows_alone():
    assert task(y=Y % 2).outputs == 3


def test_unknown_features_and_devices():
    for ask, says in [
        (lambda: slab_task().columns("linaer"), "No feature named 'linaer'.*Did you mean 'linear'"),
        (lambda: slab_task().to("gpu"), "device is 'auto', 'cpu' or 'cuda', got 'gpu'; try 'auto'"),
    ]:
        with pytest.raises(sb.SbkitError, match=says):
            ask()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_cuda_is_refused_and_auto_says_so():
    with pytest.raises(sb.SbkitError, match="needs a CUDA GPU and this machine has none; try 'auto'"):
        slab_task().to("cuda")
    with pytest.warns(UserWarning, match="No GPU found, so this runs on the CPU"):
        assert slab_task().to("auto").x.device.type == "cpu"


def test_a_sample_is_always_the_same_rows_of_the_same_task():
    whole = slab_task(n=30, n_test=20)
    part = whole.sample(5)
    kept, kept_test = drawn(30, 5), drawn(20, 5)
    assert torch.equal(part.z, whole.z[kept]) and torch.equal(part.y_test, whole.y_test[kept_test])
    assert torch.equal(whole.sample(5).z, part.z) and len(kept.unique()) == 5
    assert part.features == whole.features and whole.sample(30) is whole
    assert torch.equal(whole.sample(20).z_test, whole.z_test), "as many as there are: all, in their order"
    assert part.whole is whole and part.sample(2).whole is whole and whole.whole is whole
    copied = pickle.loads(pickle.dumps(part))
    assert copied.whole is copied and copied.outputs == 2
    few = three_classes()
    zeros = few.y.sort().indices
    sorted_task = sb.Task(few.z[zeros], few.y[zeros], few.z[zeros], few.y[zeros], few.features)
    assert sorted_task.sample(3).outputs == 3


def test_sorted_rows_are_sampled_in_their_proportions():
    y = (torch.arange(8000) >= 6000).long()
    task = sb.Task(torch.randn(8000, 2), y, torch.randn(8000, 2), y, {})
    for part in (task.sample().y, task.sample().y_test, y[drawn(8000, 4096)]):
        assert 0.2 < part.double().mean() < 0.3


def test_the_window_and_the_plane_are_those_of_the_whole_task():
    task = slab_task(n=20, n_test=2000)
    fleet = sb.mlp(task, runs=2)
    for axes in ((0, 1), (2, 0)):
        assert window(task, axes) == window(task.sample(), axes)
    for at in (None, 0, 300, 1999):
        looks = [sb.boundary(fleet, some, at=at, resolution=5) for some in (task, task.sample())]
        assert torch.equal(*looks)
    with pytest.raises(sb.SbkitError, match="0…1999, got 2000; try at=1999"):
        sb.boundary(fleet, task.sample(), at=2000)


def test_moving_keeps_the_original():
    task = sb.slabs(n=10, n_test=10)
    moved = task.to(dtype=DOUBLE)
    assert task.x.dtype == torch.float32 and task.embed.weight.dtype == torch.float32
    assert_close(moved.x, task.z.double() @ task.embed.weight.double().T)
    assert moved.outputs == 2 and moved.kinds == task.kinds == {"S": ["linear"], "Sᶜ": ["slab5"]}


def test_tasks_can_be_keys():
    """Compared by identity, as modules are."""
    first, second = slab_task(), slab_task()
    assert len({first, second, first}) == 2 and first != second


SHAPES = [
    ((1, 2), r"shape is a tuple of whole numbers whose product is 4, the number of inputs, got \(1, 2\)"),
    ([2, 2], r"shape is a tuple .*got \[2, 2\]; try \(4,\)"),
    (4, "shape is a tuple .*got 4"),
    ((-2, -2), "shape is a tuple"),
    ((2.0, 2), "shape is a tuple"),
    (None, "shape is a tuple .*got None"),
]
MASKS = [
    (torch.ones(12), r"corrupted is a bool tensor \(12,\), one a training row, got \(12,\), torch.float32"),
    (torch.ones(11, dtype=torch.bool), r"got \(11,\), torch.bool; try None"),
    ([True] * 12, "got a list"),
]
WIDE = {"z": Z.repeat(1, 2), "z_test": Z[:5].repeat(1, 2), "y": Y, "y_test": Y[:5], "features": {}}


@pytest.mark.parametrize(("shape", "says"), SHAPES)
def test_shapes_that_do_not_fit(shape, says):
    with pytest.raises(sb.SbkitError, match=says):
        sb.Task(**WIDE, shape=shape)


@pytest.mark.parametrize(("corrupted", "says"), MASKS)
def test_marks_that_do_not_fit(corrupted, says):
    with pytest.raises(sb.SbkitError, match=says):
        sb.Task(**WIDE, corrupted=corrupted)


def test_a_shape_is_of_the_inputs_not_of_z():
    wider = torch.nn.Linear(4, 6, bias=False)
    assert sb.Task(**WIDE, embed=wider, shape=(1, 2, 3)).shape == (1, 2, 3)


def test_shape_and_marks_go_where_the_task_goes():
    marked = sb.Task(**WIDE, shape=(1, 2, 2), corrupted=Z[:, 0] > 0)
    few = marked.sample(4)
    assert torch.equal(few.corrupted, few.z[:, 0] > 0) and few.corrupted.shape == (4,)
    for task in (marked.to(dtype=DOUBLE), pickle.loads(pickle.dumps(marked))):
        assert torch.equal(task.corrupted, marked.corrupted) and task.shape == few.shape == (1, 2, 2)
    assert sb.Task(**WIDE).sample(4).corrupted is None and sb.Task(**WIDE).to(dtype=DOUBLE).shape == ()
