"""The first cell of a notebook that runs again at other seeds: whatever takes a seed takes another one.

No lesson names its seeds in one place, so this stands below all of them: torch's generators and NumPy's.
The same seed still gives the same numbers, and run r of a fleet is still the fleet of one with seed + r.
"""

import os
from typing import Any

import numpy as np
import torch

BY = int(os.environ["MOVED_BY"])
own, drawn, seeded = torch.default_generator, np.random.default_rng, torch.manual_seed


class Moved(torch.Generator):
    """A generator that begins so many seeds later."""

    def manual_seed(self, seed: int) -> torch.Generator:
        """Begin at the other seed."""
        return super().manual_seed(seed + BY)


class Default:
    """torch's own generator, as a fleet seeds it to draw its weights."""

    def manual_seed(self, seed: int) -> torch.Generator:
        """Begin at the other seed."""
        return own.manual_seed(seed + BY)

    def __getattr__(self, name: str) -> Any:
        return getattr(own, name)


def default_rng(seed: Any = None) -> np.random.Generator:
    """NumPy's generator; another one for seeds, the same for what is none."""
    return drawn([*np.atleast_1d(seed), BY] if np.issubdtype(np.asarray(seed).dtype, np.integer) else seed)


def manual_seed(seed: int) -> torch.Generator:
    """Begin at the other seed."""
    return seeded(seed + BY)


torch.Generator, torch.default_generator = Moved, Default()  # pyright: ignore
np.random.default_rng, torch.manual_seed = default_rng, manual_seed
