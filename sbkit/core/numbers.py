"""Numbers as users have them, as tensors that torch's linear algebra takes, or in words."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from sbkit.core.names import SbkitError

MOST = 8  # parts of a list that are told
EXACT = (torch.float32, torch.float64, torch.complex64, torch.complex128)


def numbers(what: str, values: Any, like: Tensor | None = None) -> Tensor:
    """Numbers of any kind, real or complex, as a tensor of at least single precision.

    values: a tensor (gradients still flow), array, table or list. half and bfloat16 become float32,
    complex half complex64, whole numbers and truth values the default float type; an array keeps its
    precision. like: a tensor whose float type and device they take; they are real then. Raises `SbkitError`
    on what is no array of such numbers.

    >>> numbers("A rank", torch.eye(2, dtype=torch.bfloat16)).dtype, numbers("A rank", [[1, 2]]).dtype
    (torch.float32, torch.float32)
    """
    tensor = values if isinstance(values, Tensor) else _tensor(what, values)
    if tensor.layout != torch.strided:
        tensor = tensor.to_dense()
    if like is not None:
        if tensor.is_complex():
            raise SbkitError(f"{what} is of real numbers, got {told(tensor)}; try its .real.")
        return tensor.to(like)
    if tensor.dtype in EXACT:
        return tensor
    if tensor.is_complex() or tensor.is_floating_point():
        return tensor.to(torch.complex64 if tensor.is_complex() else torch.float32)
    return tensor.to(torch.get_default_dtype())


def _tensor(what: str, values: Any) -> Tensor:
    try:
        array = np.array(values, order="C")  # a copy: torch takes neither read-only nor flipped ones
        if array.dtype.kind not in "biufc":
            raise TypeError(f"an array of {array.dtype}")
        wide = {"f": np.float64, "c": np.complex128}.get(array.dtype.kind, array.dtype)
        known = array.dtype in (np.float16, np.float32, np.complex64)
        return torch.from_numpy(array if known else array.astype(wide))
    except (TypeError, ValueError, RuntimeError) as error:
        raise SbkitError(
            f"{what} is of numbers in rows of one length, got {values!r:.60}: {error}; try a tensor."
        ) from error


def told(given: Any) -> str:
    """What was given, in words.

    >>> told(torch.ones(2, 3)), told((np.zeros(2), 0.5)), told(None)
    ('(2, 3), torch.float32', '(2,), float64 and a float', 'None')
    """
    if isinstance(given, list | tuple):
        parts = [f"a {type(one).__name__}" if isinstance(one, list | tuple) else told(one) for one in given]
        more = f" and {len(parts) - MOST} more" if len(parts) > MOST else ""
        return " and ".join(parts[:MOST]) + more or f"an empty {type(given).__name__}"
    if isinstance(given, Tensor | np.ndarray):
        return f"{tuple(given.shape)}, {given.dtype}"
    return "None" if given is None else f"a {type(given).__name__}"
