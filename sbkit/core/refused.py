"""What no fleet can be made of, each with what to use in its place."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from sbkit.core.names import SbkitError


def check_known(first: nn.Module) -> None:
    """Refuse layers that cannot be batched, each with what to use in its place."""
    for layer in first.modules():
        name = type(layer).__name__
        if isinstance(layer, torch.jit.ScriptModule):
            rule, fix = "cannot look into TorchScript", "the module before torch.jit.script or trace"
        elif hasattr(layer, "_orig_mod") or layer._compiled_call_impl is not None:
            rule, fix = "cannot look into a compiled module", "the module before torch.compile"
        elif isinstance(layer, nn.DataParallel):
            rule, fix = "cannot look into a parallel module", "the module itself"
        elif any(type(h).__module__.startswith("torch.nn.utils") for h in layer._forward_pre_hooks.values()):
            rule = "cannot follow a weight that a hook computes (torch.nn.utils.prune, weight_norm)"
            fix = "torch.nn.utils.parametrize.register_parametrization, or prune.remove"
        elif isinstance(layer, nn.modules.lazy.LazyModuleMixin) and layer.has_uninitialized_params():  # pyright: ignore
            rule, fix = "needs nets that know their sizes", f"nn.{name[4:]} with its number of inputs"
        elif isinstance(layer, nn.modules.dropout._DropoutNd) and layer.p > 0:
            rule, fix = "cannot draw random numbers while it runs", "p=0, or sb.mlp(task, dropout=0.2)"
        elif getattr(layer, "track_running_stats", False):
            rule, fix = (
                "cannot keep running statistics yet",
                "nn.LayerNorm, or nn.GroupNorm after a convolution",
            )
        elif isinstance(layer, nn.RNNBase | nn.LSTMCell):
            rule, fix = "has no such recurrent layer yet", "a loop over nn.GRUCell or nn.RNNCell"
        else:
            continue
        raise SbkitError(f"A fleet {rule}, got {name}; try {fix}.")


def check_hidden(first: nn.Module, owned: Mapping[str, Tensor], plain: Mapping[str, Any]) -> None:
    """Refuse weights that `parameters()` does not find, or whose changes would be lost."""
    known = {id(module) for module in first.modules()}
    tensors = {id(tensor) for tensor in owned.values()}
    for name, value in plain.items():
        for thing in inside(value):
            if isinstance(thing, nn.Module) and id(thing) not in known:
                raise SbkitError(
                    f"A fleet trains the layers that torch knows, got {type(thing).__name__} hidden in "
                    f"{name!r}; try nn.ModuleList or nn.ModuleDict in place of a plain list or dict."
                )
            listed = thing is not value and id(thing) in tensors
            if isinstance(thing, Tensor) and (
                thing.requires_grad or isinstance(thing, nn.Parameter) or listed
            ):
                raise SbkitError(
                    f"A fleet trains the weights that torch knows, got some hidden in {name!r}; try "
                    "nn.Parameter, nn.ParameterList, or, for what is made of them, making it in forward."
                )
    for name, tensor in owned.items():
        if tensor._backward_hooks:
            raise SbkitError(
                f"A hook on the weight of a single net would be lost, got one on {name}; "
                "try it after fleet_of, on the weights (runs, …) of fleet.parameters()."
            )


def inside(value: Any) -> Iterator[Any]:
    """A value and, if it is a plain container, all that it holds."""
    yield value
    if isinstance(value, list | tuple | set | frozenset | dict):
        for thing in value.values() if isinstance(value, dict) else value:
            yield from inside(thing)


def check_apart(tensors: Mapping[str, Tensor]) -> None:
    """Refuse a weight that lies in the memory of another tensor: stacked, they would part."""
    spans = {
        id(t): (
            t.untyped_storage().data_ptr(),
            t.data_ptr(),
            t.data_ptr() + _reach(t),
            name,
            isinstance(t, nn.Parameter),
        )
        for name, t in tensors.items()
        if t.numel()
    }
    for one, other in itertools.pairwise(sorted(spans.values())):
        if one[0] == other[0] and other[1] < one[2] and (one[4] or other[4]):
            raise SbkitError(
                f"A fleet would part what lies in the same memory, got {one[3]} and {other[3]}; "
                "try one nn.Parameter under both names, or a .clone()."
            )


def _reach(t: Tensor) -> int:
    """Bytes from a tensor's first entry to behind its last."""
    return t.element_size() * (1 + sum((n - 1) * step for n, step in zip(t.shape, t.stride(), strict=True)))
