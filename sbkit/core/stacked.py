"""Many modules of one architecture as one, with an axis of runs before everything that a run owns."""

from __future__ import annotations

import copy
import itertools
import numbers
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_flatten, tree_leaves

from sbkit.core.names import SbkitError
from sbkit.core.refused import check_layers

TORCHS = frozenset(vars(nn.Module()))  # the attributes that torch itself keeps in a module


def stacked(modules: Sequence[nn.Module]) -> nn.Module:
    """A copy of the first module with (runs, …) in place of every parameter, buffer and tensor of its own.

    A tensor kept as a plain attribute becomes a buffer where it differs from run to run. What is one in a
    module (tied weights, a layer used twice) is one in the copy. Raises `SbkitError` if the modules differ
    in anything else, or cannot be batched at all.
    """
    first = modules[0]
    check_layers(first)
    owned, plain = [_owned(module) for module in modules], [attributes(module) for module in modules]
    form = _form(first)
    for r, module in enumerate(modules[1:], 1):
        _check_alike(r, _form(module), form)
    _check_hidden(first, owned[0], plain[0])
    differing = _differing(owned[0], plain)
    tensors = [own | {name: kept[name] for name in differing} for own, kept in zip(owned, plain, strict=True)]
    _check_apart(tensors[0])
    whole: dict[int, Tensor] = {}
    for name, one in tensors[0].items():
        if id(one) not in whole:
            values = torch.stack([each[name].detach() for each in tensors])  # (runs, …)
            trains = isinstance(one, nn.Parameter)
            whole[id(one)] = nn.Parameter(values, one.requires_grad) if trains else values
    net = copied(first, dict(whole))
    if any(whole[id(a)] is not b for a, b in zip(first.parameters(), net.parameters(), strict=True)):
        raise SbkitError(
            f"A fleet copies its nets, got {_type(first)}, whose own __deepcopy__ shares weights."
        )
    for name in differing:
        path, _, leaf = name.rpartition(".")
        part = net.get_submodule(path)
        part._buffers[leaf] = vars(part).pop(leaf)
    return net


def copied(net: nn.Module, kept: dict[int, Any]) -> Any:
    """A deep copy with `kept` in place of the tensors of these ids, and without gradients of what is made."""
    for value in attributes(net).values():
        if isinstance(value, Tensor) and not value.is_leaf:
            kept.setdefault(id(value), value.detach())
    try:
        return copy.deepcopy(net, kept)
    except (TypeError, RuntimeError) as error:
        got = f"{_type(net)}, which cannot be ({error})"
        raise SbkitError(f"A fleet copies its nets, got {got}; try without.") from error


def difference(one: nn.Module, other: nn.Module) -> str | None:
    """The first parameter, buffer or plain attribute that differs between two modules, or None."""
    a, b = ({**_owned(module), **attributes(module)} for module in (one, other))
    return next((name for name in a | b if not same(a.get(name), b.get(name))), None)


def called(net: nn.Module, state: Mapping[str, Tensor], x: Tensor, own: nn.Module | None = None) -> Any:
    """What a net, or its `own` module, makes of x with this state, which has what is shared once, by name.

    `functional_call` alone mistakes a layer that is used twice, and would leave it with this state.
    """
    return torch.func.functional_call(own or net, spread(net, state), (x,), tie_weights=False)


def spread(net: nn.Module, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state with what is shared in the net under all its names."""
    first: dict[int, str] = {}
    return {name: state[first.setdefault(id(tensor), name)] for name, tensor in _owned(net).items()}


def attributes(module: nn.Module) -> dict[str, Any]:
    """What a module and those in it keep as plain attributes, by name."""
    return {
        f"{path}.{leaf}".lstrip("."): value
        for path, part in module.named_modules()
        for leaf, value in vars(part).items()
        if leaf not in TORCHS
    }


def _owned(module: nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers by name; what has two names has both, but for those of a layer used twice."""
    return {
        f"{path}.{leaf}".lstrip("."): tensor
        for path, part in module.named_modules()
        for leaf, tensor in (part._parameters | part._buffers).items()
        if tensor is not None
    }


def _form(module: nn.Module) -> list[str]:
    """The architecture: every layer, and of every tensor all but its values, with the name it had first."""
    names: dict[int, str] = {}
    layers = [f"{path or 'the net'}: {_type(part)}" for path, part in module.named_modules()]
    return layers + [
        f"{name}: {tuple(t.shape)}, {t.dtype}, {t.requires_grad}, {names.setdefault(id(t), name)}"
        for name, t in _owned(module).items()
    ]


def _check_alike(r: int, form: Sequence[str], wanted: Sequence[str]) -> None:
    for mine, other in itertools.zip_longest(form, wanted, fillvalue="nothing"):
        if mine != other:
            raise SbkitError(
                f"A fleet's nets have one architecture, got ({mine}) in run {r}, ({other}) in run 0; "
                "try a factory that builds the same layers, shapes and ties at every call."
            )


def _check_hidden(net: nn.Module, owned: Mapping[str, Tensor], plain: Mapping[str, Any]) -> None:
    """Refuse weights that `parameters()` does not find, or whose hooks would be lost."""
    known = set(net.modules())
    for name, value in plain.items():
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


def _differing(owned: Mapping[str, Tensor], plain: Sequence[dict[str, Any]]) -> list[str]:
    """Names of the plain tensors to stack: those that differ between runs. Other differences are refused."""
    first, shared, found = plain[0], {id(tensor) for tensor in owned.values()}, {}
    for r, values in enumerate(plain):
        for name in first | values:
            one, own = first.get(name), values.get(name)
            if id(one) not in shared and same(one, own):
                continue
            kinds = {(type(t), getattr(t, "shape", ()), getattr(t, "dtype", None)) for t in (one, own)}
            if len(kinds) > 1 or type(one) is not Tensor:
                raise SbkitError(
                    f"Runs of a fleet differ in tensors only, got {name} = {_short(one)} in run 0, "
                    f"{_short(own)} in run {r}; try self.register_buffer({name.rpartition('.')[2]!r}, "
                    "torch.as_tensor(…)), or the same in every run."
                )
            found[name] = None
    return list(found)


def _type(thing: Any) -> str:
    return type(thing).__name__


def _short(value: Any) -> str:
    text = " ".join(str(value).split())
    return text if len(text) < 30 else f"{text[:29]}…"


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
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return np.array_equal(a, b)
    known = isinstance(a, numbers.Number | str | set | frozenset) and type(a) is type(b)
    return a == b or a != a if known else _type(a) == _type(b)


def _check_apart(tensors: Mapping[str, Tensor]) -> None:
    """Refuse a weight that lies in the memory of another tensor: stacked, they would part."""
    spans = {id(t): (t.untyped_storage().data_ptr(), *_span(t), name) for name, t in tensors.items()}
    for one, other in itertools.pairwise(sorted(spans.values())):
        weight = any(isinstance(tensors[name], nn.Parameter) for name in (one[3], other[3]))
        if weight and one[0] == other[0] and other[1] < one[2]:
            raise SbkitError(
                f"A fleet would part what lies in the same memory, got {one[3]} and {other[3]}; "
                "try one nn.Parameter under both names, or a .clone()."
            )


def _span(t: Tensor) -> tuple[int, int]:
    """Where a tensor begins in memory, and ends."""
    reach = sum((n - 1) * step for n, step in zip(t.shape, t.stride(), strict=True)) + 1 if t.numel() else 0
    return t.data_ptr(), t.data_ptr() + reach * t.element_size()
