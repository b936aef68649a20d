"""What torch says of nets that cannot run at once, in words that name the cause and what to try."""

from __future__ import annotations

from torch import Tensor, nn

from sbkit.core.names import SbkitError

DRAWS = "draws random numbers in its forward", "leaving them out, or sb.mlp(task, dropout=0.2)"
CHANGES = (
    "changes in place a tensor that all runs share",
    "y = x + a in place of x += a, x.new_zeros in place of torch.zeros",
)
CAUSES = {  # what torch says → what a net does there, and what to try
    "data-dependent control": ("decides by the values of a tensor", "torch.where in place of if and while"),
    ".item()": ("takes a number out of a tensor (.item(), int, float)", "computing with the tensor itself"),
    "dynamic shape": (
        "makes tensors whose size hangs on values (a mask)",
        "torch.where in place of x[x > 0]",
    ),
    "random": DRAWS,
    "rrelu": DRAWS,
    "inplace": CHANGES,
    "in-place": CHANGES,
    "setup_context": ("calls an autograd.Function", "generate_vmap_rule = True and setup_context in it"),
    "access data pointer": ("leaves torch in its forward (NumPy, .tolist())", "the same in torch"),
    "accessing `data`": ("takes .data of a tensor", ".detach()"),
    "escaped": ("keeps tensors for another call, or uses a checkpoint", "a forward that does neither"),
}


def unfit(error: Exception, x: Tensor, net: nn.Module) -> SbkitError:
    """The sentence for nets that do not take inputs like x."""
    weight = next((p for p in net.parameters() if p.is_floating_point()), x)
    fix = "e.g. sb.mlp(task)"
    if (weight.dtype, weight.device) != (x.dtype, x.device):
        here = f"{weight.dtype} on {weight.device}"
        fix = f"or, as its weights are {here}, try fleet.to({str(x.device)!r}, {x.dtype})"
    return SbkitError(
        f"This fleet does not take the task's inputs, {x.shape[-1]} columns of {x.dtype} "
        f"on {x.device}: {_short(error)}. Build it for this task, {fix}."
    )


def _short(error: Exception) -> str:
    """The first sentence of what torch says."""
    return (str(error).splitlines() or [type(error).__name__])[0].partition(". ")[0].rstrip(".")


def cannot(error: Exception) -> SbkitError:
    """The sentence for nets that take their inputs one by one, but not at once."""
    for words, (does, instead) in CAUSES.items():
        if words in str(error):
            return SbkitError(f"The nets of a fleet run at once, got one that {does}; try {instead}.")
    said = "" if "INTERNAL" in str(error) else f" ({_short(error)})"
    return SbkitError(
        f"The nets of a fleet run at once, got one torch cannot batch{said}; try other functions of torch."
    )
