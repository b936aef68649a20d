"""Run a command as on another processor: `python scripts/processors.py haswell pytest tests/claims`.

The last bits of a number depend on which kernels NumPy's OpenBLAS, torch's MKL and torch itself choose for a
processor, and on the number of threads. Environment variables choose others; no claim and no test may notice.
"""

from __future__ import annotations

import argparse
import os

import numpy  # noqa: F401  brings the OpenBLAS that is asked for its kernels
from threadpoolctl import threadpool_info

KERNELS: dict[str, dict[str, str]] = {
    "own": {},
    "haswell": {"OPENBLAS_CORETYPE": "HASWELL", "ATEN_CPU_CAPABILITY": "avx2", "MKL_CBWR": "AVX2"},
    "nehalem": {"OPENBLAS_CORETYPE": "NEHALEM", "ATEN_CPU_CAPABILITY": "default", "MKL_CBWR": "COMPATIBLE"},
    "plain": {"ATEN_CPU_CAPABILITY": "default"},
    "threads": {"OMP_NUM_THREADS": "2"},
}


def other() -> str:
    """The name of a kernel that this machine would not choose."""
    own = {library.get("architecture", "").lower() for library in threadpool_info()}
    return "nehalem" if own & {"haswell", "zen"} else "haswell"


def main() -> None:
    """Become the command, with the variables set."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("kernel", choices=["other", *KERNELS], help="other: one that is not this machine's")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    given = parser.parse_args()
    name = other() if given.kernel == "other" else given.kernel
    print(name, *(f"{key}={value}" for key, value in KERNELS[name].items()), flush=True)
    os.execvpe(given.command[0], given.command, os.environ | KERNELS[name])


if __name__ == "__main__":
    main()
