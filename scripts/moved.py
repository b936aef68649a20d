"""The first cell of a notebook that runs again at other seeds: whatever takes a seed takes another one.

No lesson names its seeds in one place, so this stands below all of them: torch's generators and NumPy's.
The same seed still gives the same numbers, and run r of a fleet is still the fleet of one with seed + r.
"""

import os
from typing import Any

import numpy as np
import torch


def move(by: int) -> None:
    """Let every generator begin so many seeds later. Nothing here hangs on a name the lesson may take."""
    own, drawn, seeded = torch.default_generator, np.random.default_rng, torch.manual_seed

    class Moved(torch.Generator):
        def manual_seed(self, seed: int) -> torch.Generator:
            return super().manual_seed(seed + by)

    class Default:  # torch's own, as a fleet seeds it to draw its weights
        def manual_seed(self, seed: int) -> torch.Generator:
            return own.manual_seed(seed + by)

        def __getattr__(self, name: str) -> Any:
            return getattr(own, name)

    def default_rng(seed: Any = None) -> np.random.Generator:
        whole = np.issubdtype(np.asarray(seed).dtype, np.integer)
        return drawn([*np.atleast_1d(seed), by] if whole else seed)

    torch.Generator, torch.default_generator = Moved, Default()  # pyright: ignore
    np.random.default_rng, torch.manual_seed = default_rng, lambda seed: seeded(seed + by)


move(int(os.environ["MOVED_BY"]))
