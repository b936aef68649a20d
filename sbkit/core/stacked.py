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

from sbkit.core.names import SbkitError
from sbkit.core.refused import check_apart, check_hidden, check_known

Parts = Sequence[tuple[str, nn.Module]]  # a module and all modules in it, by their paths

TORCHS = frozenset(vars(nn.Module()))  # the attributes that torch itself keeps in a module


def stacked(modules: Sequence[nn.Module]) -> nn.Module:
    """A copy of the first module with (runs, …) in place of every parameter, buffer and tensor of its own.

    A tensor kept as a plain attribute becomes a buffer where it differs from run to run. What is one in a
    module (tied weights, a layer used twice) is one in the copy. Raises `SbkitError` if the modules differ
    in anything else, hold weights where `parameters()` does not find them, or cannot be batched at all.
    """
    first, every = modules[0], [list(module.named_modules()) for module in modules]
    check_known(first)
    owned, plain = [_owned(parts) for parts in every], [_plain(parts) for parts in every]
    for r, parts in enumerate(every):
        _check_alike(r, _form(parts, owned[r]), _form(every[0], owned[0]))
    check_hidden(first, owned[0], plain[0])
    differing = _differing(owned[0], plain)
    check_apart(owned[0] | {name: plain[0][name] for name in differing})
    kept: dict[int, Any] = {}
    for names, values in ((owned[0], owned), (differing, plain)):
        for name in names:
            one = values[0][name]
            if id(one) not in kept:
                whole = torch.stack([value[name].detach() for value in values])  # (runs, …)
                kept[id(one)] = nn.Parameter(whole, one.requires_grad) if _trained(one) else whole
    net = _copied(first, dict(kept))
    for name in differing:
        path, _, leaf = name.rpartition(".")
        part = net.get_submodule(path)
        value = vars(part).pop(leaf)
        if hasattr(part, leaf):
            raise SbkitError(f"{name!r} of a net is hidden by the {leaf!r} of its class; try another name.")
        part.register_buffer(leaf, value)
    if any(kept[id(a)] is not b for a, b in zip(first.parameters(), net.parameters(), strict=True)):
        raise SbkitError(
            f"A fleet copies its nets, got {_name(first)}, whose own __deepcopy__ shares weights."
        )
    return net


def difference(one: nn.Module, other: nn.Module) -> str | None:
    """The first parameter, buffer or plain attribute that differs between two modules, or None."""
    parts = [list(module.named_modules()) for module in (one, other)]
    a, b = ({**_owned(part), **_plain(part)} for part in parts)
    return next((name for name in a | b if not same(a.get(name), b.get(name))), None)


def called(net: nn.Module, state: Mapping[str, Tensor], x: Tensor, own: nn.Module | None = None) -> Any:
    """What a net, or its `own` module, makes of x with this state, which has what is shared once, by name.

    `functional_call` alone mistakes a layer that is used twice, and would leave it with this state.
    """
    return torch.func.functional_call(own or net, spread(net, state), (x,), tie_weights=False)


def spread(net: nn.Module, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state with what is shared in the net under all its names."""
    first: dict[int, str] = {}
    tensors = _owned(list(net.named_modules()))
    return {name: state[first.setdefault(id(tensor), name)] for name, tensor in tensors.items()}


def attributes(module: nn.Module) -> dict[str, Any]:
    """What a module and those in it keep as plain attributes, by name."""
    return _plain(list(module.named_modules()))


def _name(thing: Any) -> str:
    return type(thing).__name__


def _trained(tensor: Any) -> bool:
    return isinstance(tensor, nn.Parameter)


def _named(path: str, leaf: str) -> str:
    return f"{path}.{leaf}" if path else leaf


def _owned(parts: Parts) -> dict[str, Tensor]:
    """Parameters and buffers by name; what has two names has both."""
    return {
        _named(path, leaf): tensor
        for path, part in parts
        for kept in (part._parameters, part._buffers)
        for leaf, tensor in kept.items()
        if tensor is not None
    }


def _plain(parts: Parts) -> dict[str, Any]:
    return {
        _named(path, leaf): value
        for path, part in parts
        for leaf, value in vars(part).items()
        if leaf not in TORCHS
    }


def _form(parts: Parts, owned: Mapping[str, Tensor]) -> list[str]:
    """The architecture: every layer, and of every tensor all but its values, with the name it had first."""
    names: dict[int, str] = {}
    return [f"{path or 'the net'}: {_name(part)}" for path, part in parts] + [
        f"{name}: {tuple(t.shape)}, {t.dtype}, {t.requires_grad}, {names.setdefault(id(t), name)}"
        for name, t in owned.items()
    ]


def _check_alike(r: int, form: Sequence[str], wanted: Sequence[str]) -> None:
    for mine, other in itertools.zip_longest(form, wanted, fillvalue="nothing"):
        if mine != other:
            raise SbkitError(
                f"A fleet's nets have one architecture, got ({mine}) in run {r}, ({other}) in run 0; "
                "try a factory that builds the same layers, shapes and ties at every call."
            )


def _differing(owned: Mapping[str, Tensor], plain: Sequence[dict[str, Any]]) -> list[str]:
    """Names of the plain tensors to stack: those that differ between runs. Other differences are refused."""
    first, shared, found = plain[0], {id(tensor) for tensor in owned.values()}, {}
    for r, values in enumerate(plain):
        for name in first | values:
            one, own = first.get(name), values.get(name)
            if id(one) not in shared and same(one, own):
                continue
            kinds = {
                (type(value), getattr(value, "shape", ()), getattr(value, "dtype", None))
                for value in (one, own)
            }
            if len(kinds) > 1 or type(one) is not Tensor:
                leaf = name.rpartition(".")[2]
                raise SbkitError(
                    f"Runs of a fleet differ in tensors only, got {name} = {_short(one)} in run 0, "
                    f"{_short(own)} in run {r}; try self.register_buffer({leaf!r}, torch.as_tensor(…)), "
                    "or the same in every run."
                )
            found[name] = None
    return list(found)


def _short(value: Any) -> str:
    text = " ".join(str(value).split())
    return text if len(text) < 30 else f"{text[:29]}…"


def same(a: Any, b: Any) -> bool:
    """False if two values surely differ; functions and objects of one type are taken for the same."""
    if a is b:
        return True
    if type(a) is not type(b):
        return _name(a) == _name(b) and not isinstance(a, Tensor)
    if isinstance(a, Tensor):
        alike = a.shape == b.shape and a.dtype == b.dtype and a.device == b.device
        return alike and bool(torch.isclose(a, b, 0, 0, equal_nan=True).all())
    if isinstance(a, np.ndarray):
        return np.array_equal(a, b)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(map(same, a.values(), b.values()))
    return a == b or a != a if isinstance(a, numbers.Number | str | set | frozenset) else True


def _copied(module: nn.Module, kept: dict[int, Any]) -> nn.Module:
    """A deep copy with `kept` in place of the tensors of these ids."""
    try:
        return copy.deepcopy(module, kept)
    except (TypeError, RuntimeError) as error:
        raise SbkitError(
            f"A fleet copies its nets, got {_name(module)}, which cannot be ({error}); try without."
        ) from error
