"""Many modules of one architecture as one, with an axis of runs before everything that a run owns."""

from __future__ import annotations

import copy
import itertools
import numbers
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_flatten, tree_leaves

from sbkit.core import names
from sbkit.core.names import SbkitError
from sbkit.core.refused import check_layers, computing
from sbkit.core.rules import RECURRENT, Rules

# The attributes that torch itself keeps in a module.
TORCHS = frozenset(vars(nn.Module())) | {"_flat_weights", "_flat_weight_refs"}
LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)  # whose weights are (out, in, …)


def stacked(modules: Sequence[nn.Module]) -> nn.Module:
    """A copy of the first module with (runs, …) in place of every parameter, buffer and tensor of its own.

    A tensor kept as an ordinary attribute becomes a buffer where runs differ in it. What a module shares
    (tied weights, a layer used twice) the copy shares, too. Raises `SbkitError` if the modules differ
    in anything else, hold weights where `parameters()` does not find them, or cannot be batched at all.
    """
    check_layers(first := modules[0])
    owned, others = [_owned(module) for module in modules], [attributes(module) for module in modules]
    _check_hidden(first, owned[0], others[0])
    _check_alike([_form(*parts) for parts in zip(modules, owned, others, strict=True)])
    known = set(map(id, owned[0].values()))
    kept = {name: one for name, one in others[0].items() if isinstance(one, Tensor)}
    moved = [n for n, t in kept.items() if id(t) in known or not all(same(t, run[n]) for run in others)]
    tensors = [own | {name: run[name] for name in moved} for own, run in zip(owned, others, strict=True)]
    check_apart(dict(first.named_parameters()), tensors[0])
    whole: dict[int, Any] = {}
    for name, one in tensors[0].items():
        if id(one) not in whole:
            values = torch.stack([each[name].detach() for each in tensors])  # (runs, …)
            trains = isinstance(one, nn.Parameter)
            whole[id(one)] = nn.Parameter(values, one.requires_grad) if trains else values
    net = copied(first, dict(whole))
    for name in moved:
        path, _, leaf = name.rpartition(".")
        part = net.get_submodule(path)
        part._buffers[leaf] = vars(part).pop(leaf)
    if any(whole[id(a)] is not b for a, b in zip(first.parameters(), net.parameters(), strict=True)):
        raise SbkitError(f"A fleet copies its nets, got {_type(first)}, whose __deepcopy__ shares weights.")
    return net


def copied(net: nn.Module, kept: dict[int, Any]) -> Any:
    """A deep copy with `kept` (by id) in place of its tensors, and with the weights that hooks make anew."""
    made = [value for value in attributes(net).values() if isinstance(value, Tensor) and not value.is_leaf]
    try:
        copy_of = copy.deepcopy(net, {id(value): value.detach() for value in made} | kept)
    except (TypeError, RuntimeError) as error:
        got = f"{_type(net)}, which cannot be ({error})"
        raise SbkitError(f"A fleet copies its nets, got {got}; try without.") from error
    for part in copy_of.modules():
        renewed(part)
    return copy_of


def renewed(layer: nn.Module) -> Any:
    """A layer whose pruned or normed weight is that of now: torch renews it only when the layer is called."""
    for hook in computing(layer):
        hook(layer, ())
    return layer


def difference(one: nn.Module, other: nn.Module) -> str | None:
    """The first parameter, buffer or other attribute that differs between two modules, or None."""
    a, b = ({**_owned(module), **attributes(module)} for module in (one, other))
    return next((name for name in a | b if not same(a.get(name), b.get(name))), None)


def called(net: nn.Module, state: dict[str, Tensor], x: Tensor, own: nn.Module | None = None) -> Any:
    """What a net, or its `own` module, makes of x with this state: tensors by name, a shared one once.

    `functional_call` alone goes wrong with a layer that is used twice, and would leave this state in it.
    What the forward changes (statistics) is changed in `state`.
    """
    given = spread(net, state)
    with Rules(RECURRENT):
        made = torch.func.functional_call(own or net, given, (x,), tie_weights=False)
    state.update({name: given[name] for name in state})
    return made


@contextmanager
def heard(net: nn.Module, hidden: bool = True) -> Iterator[list[Tensor]]:
    """The list of what the hidden layers of a net make, in the order of their calls; empty unless `hidden`.

    That is what its activations answer; where it has none, what all layers but the first are given.
    """
    kept: list[Tensor] = []
    parts = [*net.modules()] if hidden else []
    ends = [part for part in parts if activates(part)]
    layers = [] if ends else [part for part in parts if isinstance(part, LAYERS)]
    hooks = [part.register_forward_hook(lambda *call: kept.append(call[2].clone())) for part in ends]
    hooks += [
        part.register_forward_pre_hook(lambda *call: kept.append(call[1][0].clone())) for part in layers
    ]
    try:
        yield kept
    finally:
        for hook in hooks:
            hook.remove()
        del kept[: 1 if layers else 0]


def activates(part: nn.Module) -> bool:
    """Whether a module is one of torch's activations, `nn.ReLU` and the like."""
    return type(part).__module__ == nn.ReLU.__module__ and not isinstance(part, nn.MultiheadAttention)


def spread(net: nn.Module, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state with what is shared in the net under all its names."""
    first: dict[int, str] = {}
    return {name: state[first.setdefault(id(tensor), name)] for name, tensor in _owned(net).items()}


def attributes(module: nn.Module) -> dict[str, Any]:
    """What a module and those in it keep beside what torch manages, by name."""
    return _named(module, lambda part: {n: value for n, value in vars(part).items() if n not in TORCHS})


def _owned(module: nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers by name; what has two names has both, but for those of a layer used twice."""
    kept = _named(module, lambda part: part._parameters | part._buffers)
    return {name: tensor for name, tensor in kept.items() if tensor is not None}


def _named(module: nn.Module, kept: Callable[[nn.Module], Mapping[str, Any]]) -> dict[str, Any]:
    parts = ((f"{path}." if path else "", kept(part)) for path, part in module.named_modules())
    return {path + name: value for path, found in parts for name, value in found.items()}


def _type(thing: Any) -> str:
    return type(thing).__name__


def _form(module: nn.Module, owned: Mapping[str, Tensor], others: Mapping[str, Any]) -> dict[str, Any]:
    """By name what all runs share: layers, attributes and, of tensors, all but their values."""
    known: dict[int, str] = {}  # the first name of each tensor
    tensors = {**owned, **{name: value for name, value in others.items() if isinstance(value, Tensor)}}
    return {
        **{path or "the net": _type(part) for path, part in module.named_modules()},
        **others,
        **{
            name: f"{tuple(t.shape)}, {t.dtype}, {t.requires_grad}, {known.setdefault(id(t), name)}"
            for name, t in tensors.items()
        },
    }


def _check_alike(forms: Sequence[Mapping[str, Any]]) -> None:
    for r, form in enumerate(forms):
        if not same(forms[0], form):
            both = {**forms[0], **form}
            name = next((n for n in both if not same(forms[0].get(n), form.get(n))), "the order of layers")
            one, own = (f"{str(some.get(name))!r:.60}" for some in (forms[0], form))
            fix = f"self.register_buffer({name.rpartition('.')[2]!r}, torch.as_tensor(…))"
            raise SbkitError(
                f"A fleet's nets have one architecture, got {name} = {one} in run 0, {own} in run {r}; "
                f"try the same in every run, or, for what is drawn, {fix}."
            )


def same(one: Any, other: Any) -> bool:
    """False if two values surely differ; functions and objects of one type are taken for the same."""
    (a, form), (b, wanted) = tree_flatten(one), tree_flatten(other)
    return form == wanted and all(map(_same_leaf, a, b))


def _same_leaf(a: Any, b: Any) -> bool:
    if a is b:
        return True
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        alike = (a.shape, a.dtype, a.device) == (b.shape, b.dtype, b.device)
        return alike and bool(torch.isclose(a, b, 0, 0, equal_nan=True).all())
    values = isinstance(a, numbers.Number | str | set | frozenset | np.ndarray)
    return names.same(a, b) if values else _type(a) == _type(b)


def _check_hidden(net: nn.Module, owned: Mapping[str, Tensor], others: Mapping[str, Any]) -> None:
    """Refuse weights that `parameters()` does not find, or whose hooks would be lost."""
    known = set(net.modules())
    for name, value in others.items():
        for leaf in tree_leaves(value):
            layer = isinstance(leaf, nn.Module) and leaf not in known
            if layer or (isinstance(leaf, Tensor) and leaf.requires_grad):
                raise SbkitError(
                    f"A fleet trains what torch knows, got {_type(leaf)} hidden in {name!r}; try "
                    "nn.ModuleList, nn.Parameter or nn.ParameterList, or to make it in forward."
                )
    for name, tensor in owned.items():
        if tensor._backward_hooks or getattr(tensor, "_post_accumulate_grad_hooks", None):
            raise SbkitError(
                f"A hook on the weight of a single net would be lost, got one on {name}; "
                "try it after fleet_of, on the weights (runs, …) of fleet.parameters()."
            )


def check_apart(weights: Mapping[str, Tensor], others: Mapping[str, Tensor]) -> None:
    """Refuse a weight that lies in the memory of another tensor, as which it would not train."""
    distinct = {id(t): (name, t) for name, t in {**others, **weights}.items() if t.numel()}
    for (name, one), (other, t) in itertools.combinations(distinct.values(), 2):
        known = name in weights or other in weights
        if known and one.untyped_storage().data_ptr() == t.untyped_storage().data_ptr():
            (low, high), (start, end) = _span(one), _span(t)
            if start < high and low < end:
                raise SbkitError(
                    f"Each weight of a fleet has its own memory, got {name} and {other} in the same; "
                    "try one nn.Parameter under both names, or a .clone()."
                )


def _span(t: Tensor) -> tuple[int, int]:
    """Where a tensor begins in memory, and ends."""
    reach = 1 + sum((n - 1) * step for n, step in zip(t.shape, t.stride(), strict=True))
    return t.data_ptr(), t.data_ptr() + reach * t.element_size()
