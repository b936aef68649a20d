"""What no fleet can be made of, and what torch says of it, in words that name the cause and what to try."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from sbkit.core.names import SbkitError

CAUSES = {  # what torch says → what a net does there, and what to try
    "random|rrelu": ("draws random numbers in its forward", "nn.Dropout, which every run draws for itself"),
    "data-dependent control": ("decides by the values of a tensor", "torch.where in place of if and while"),
    r"\.item\(\)": ("takes a number out of a tensor (.item(), int)", "computing with the tensor itself"),
    "dynamic shape": ("makes tensors whose size hangs on values", "torch.where in place of x[x > 0]"),
    "in-?place": ("changes in place a tensor that all runs share", "y = x + a, or x.new_zeros to write into"),
    "setup_context": ("calls an autograd.Function", "generate_vmap_rule = True and setup_context in it"),
    "access data pointer": ("leaves torch in its forward (NumPy, .tolist())", "the same in torch"),
    "accessing `data`": ("takes .data of a tensor", ".detach()"),
    "escaped": ("keeps tensors for another call, or uses a checkpoint", "a forward that does neither"),
}

BATCH_NORM = nn.modules.batchnorm._BatchNorm  # of all that may keep running statistics of batches


def check_layers(net: nn.Module) -> None:
    """Refuse layers that cannot be stacked or batched, each with what to use in its place."""
    for layer in net.modules():
        name, rule = type(layer).__name__, ""
        wrapped = isinstance(layer, torch.jit.ScriptModule | nn.DataParallel) or hasattr(layer, "_orig_mod")
        if wrapped or layer._compiled_call_impl is not None:
            rule, fix = "cannot look into a compiled or parallel module", "the module itself"
        elif computing(layer):
            rule, fix = "cannot follow a weight that a hook computes", "prune.remove, or parametrizations"
        elif isinstance(layer, nn.modules.lazy.LazyModuleMixin) and layer.has_uninitialized_params():  # pyright: ignore
            rule, fix = "needs nets that know their sizes", f"nn.{name[4:]} with its number of inputs"
        elif getattr(layer, "proj_size", 0):
            rule, fix = "has no projected recurrent layer", "proj_size=0 and an nn.Linear behind it"
        elif isinstance(layer, nn.MultiheadAttention) and layer.dropout:
            rule = "drops nothing within attention"
            fix = ".dropout = 0.0 of that layer (self_attn in a transformer's), and nn.Dropout behind it"
        if rule:
            raise SbkitError(f"A fleet {rule}, got {name}; try {fix}.")


def averages(layer: nn.Module) -> bool:
    """Whether its statistics are the plain average of all steps so far, as `momentum=None` asks."""
    return isinstance(layer, BATCH_NORM) and layer.track_running_stats and layer.momentum is None


def computing(layer: nn.Module) -> list[Callable[..., Any]]:
    """The hooks of torch (pruning, norms) that make a weight anew whenever the layer is called."""
    hooks = layer._forward_pre_hooks.values()
    return [hook for hook in hooks if type(hook).__module__.startswith("torch.nn.utils")]


def unfit(error: Exception, x: Tensor, net: nn.Module) -> SbkitError:
    """The sentence for nets that do not take inputs like x."""
    weight = next((p for p in net.parameters() if p.is_floating_point()), x)
    fix = "e.g. sb.mlp(task)"
    if not x.is_floating_point():
        fix = f"or try x.to({weight.dtype})"
    elif (weight.dtype, weight.device) != (x.dtype, x.device):
        here = f"{weight.dtype} on {weight.device}"
        fix = f"or, as its weights are {here}, try fleet.to({str(x.device)!r}, {x.dtype})"
    return SbkitError(
        f"This fleet does not take the task's inputs, {x.shape[-1]} columns of {x.dtype} "
        f"on {x.device}: {_said(error)}. Build it for this task, {fix}."
    )


def cannot(error: Exception) -> SbkitError:
    """The sentence for nets that take their inputs one by one, but not at once."""
    usual = f"torch cannot batch ({_said(error)})", "other functions of torch"
    does, instead = next((known for words, known in CAUSES.items() if re.search(words, str(error))), usual)
    return SbkitError(f"The nets of a fleet run at once, got one that {does}; try {instead}.")


def _said(error: Exception) -> str:
    """The first sentence of what torch says, but for its own faults."""
    said = str(error).partition("\n")[0].partition(". ")[0].rstrip(".")
    return type(error).__name__ if "INTERNAL" in said or not said else said
