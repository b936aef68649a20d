"""What a room allows each visitor: limits that whoever runs a server sets in the environment."""

from __future__ import annotations

import math
import os
import re

import psutil

from sbkit.core.names import SbkitError

SIZE = re.compile(r"(\d+(?:\.\d+)?) *([KMGT]?)B?", re.IGNORECASE)
UNITS = {"": 1, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}


def seconds_allowed(name: str) -> float:
    """The seconds that the variable `name` allows; infinity where nobody set it.

    Raises `SbkitError` on what is no number above 0.

    >>> seconds_allowed("SBKIT_MAX_SECONDS")
    inf
    """
    given = os.environ.get(name, "")
    try:
        seconds = float(given or "inf")
    except ValueError:
        seconds = math.nan
    if not seconds > 0:
        raise SbkitError(f"{name} is a number of seconds above 0, got {given!r}; try {name}=60.")
    return seconds


def memory_allowed() -> float:
    """The bytes that SBKIT_MAX_MEMORY allows this process, "2GB" or "800MB"; infinity where nobody set it.

    Raises `SbkitError` on what is no size above 0.

    >>> memory_allowed()
    inf
    """
    given = os.environ.get("SBKIT_MAX_MEMORY", "").strip()
    if not given:
        return math.inf
    read = SIZE.fullmatch(given)
    if not read or float(read[1]) == 0:
        raise SbkitError(f"SBKIT_MAX_MEMORY is a size above 0, got {given!r}; try SBKIT_MAX_MEMORY=2GB.")
    return float(read[1]) * UNITS[read[2].upper()]


def memory_held() -> int:
    """The bytes of memory that this process holds (its resident set)."""
    return psutil.Process().memory_info().rss
