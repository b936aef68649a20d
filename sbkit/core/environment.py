"""What the environment asks for: every SBKIT_ variable is read here and nowhere else, when it is needed."""

from __future__ import annotations

import math
import os
import re
from pathlib import Path

import platformdirs

from sbkit.core.names import SbkitError, one_of

VARIABLES = {
    "SBKIT_HEADLESS": "1: no page shows what a cell returns; panels train at once",
    "SBKIT_PNG": "1: headless panels leave a picture",
    "SBKIT_REPLAY": "1: headless panels leave a replay",
    "SBKIT_STAGE": "stills: still pictures instead of the live stage",
    "SBKIT_LOCK": "0: panels open before a prediction is committed",
    "SBKIT_LESSON": "the notebook at work, where no server says so",
    "SBKIT_DATA": "the folder of the reader's predictions",
    "SBKIT_CLAIMS": "the file that claims are kept in; nowhere by default",
    "SBKIT_MAX_SECONDS": "seconds of training a run, in a panel",
    "SBKIT_MAX_MEMORY": "memory of a kernel, 2GB or 800MB",
    "SBKIT_IDLE_SECONDS": "seconds that a panel trains without a touch",
    "SBKIT_CHROMIUM": "the browser of the tests",
}
ON, OFF = ("1", "true", "yes", "on"), ("0", "false", "no", "off")
SIZE = re.compile(r"(\d+(?:\.\d+)?) *([KMGT]?)B?", re.IGNORECASE)


def _given(name: str) -> str:
    """What stands in a variable, "" where nobody set it."""
    assert name in VARIABLES
    return os.environ.get(name, "").strip()


def switched_on(name: str, usual: bool = False) -> bool:
    """Whether a variable says 1, true, yes or on, or 0, false, no or off; `usual` where it says nothing.

    Raises `SbkitError` on any other word.

    >>> switched_on("SBKIT_LOCK", usual=True)
    True
    """
    given = _given(name).lower()
    if given and given not in ON + OFF:
        raise SbkitError(f"{name} is 1 or 0, got {given!r}; try {name}=1.")
    return given in ON if given else usual


def headless() -> bool:
    """True where no page shows what a cell returns: SBKIT_HEADLESS=1."""
    return switched_on("SBKIT_HEADLESS")


def stills_wanted() -> bool:
    """True if SBKIT_STAGE asks for stills instead of the live stage; raises `SbkitError` on another word."""
    return one_of("SBKIT_STAGE", _given("SBKIT_STAGE").lower() or "live", ["live", "stills"]) == "stills"


def lesson_name() -> str:
    """The notebook at work, as Jupyter's server tells its kernel; "" where nobody does.

    SBKIT_LESSON says so where notebooks run without a server.
    """
    return Path(_given("SBKIT_LESSON") or os.environ.get("JPY_SESSION_NAME", "")).stem


def data_folder() -> Path:
    """The user's data folder of sbkit, made by whoever writes to it first; SBKIT_DATA names another."""
    own = _given("SBKIT_DATA")
    return Path(own).expanduser() if own else Path(platformdirs.user_data_dir("sbkit", appauthor=False))


def claims_file() -> Path | None:
    """The file that SBKIT_CLAIMS names for claims to be kept in; None where nobody asks for one."""
    given = _given("SBKIT_CLAIMS")
    return Path(given).expanduser() if given else None


def seconds_allowed(name: str) -> float:
    """The seconds that the variable `name` allows; infinity where nobody set it.

    Raises `SbkitError` on what is no number above 0.

    >>> seconds_allowed("SBKIT_MAX_SECONDS")
    inf
    """
    given = _given(name)
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
    given = _given("SBKIT_MAX_MEMORY")
    if not given:
        return math.inf
    read = SIZE.fullmatch(given)
    if not read or float(read[1]) == 0:
        raise SbkitError(f"SBKIT_MAX_MEMORY is a size above 0, got {given!r}; try SBKIT_MAX_MEMORY=2GB.")
    return float(read[1]) * 1000.0 ** " KMGT".index(read[2].upper() or " ")


def unknown_variables() -> list[str]:
    """A sentence for every SBKIT_ variable that is set but unknown, with the nearest known one."""
    told = []
    for name in sorted(name for name in os.environ if name.startswith("SBKIT_") and name not in VARIABLES):
        try:
            one_of("variable", name, VARIABLES)
        except SbkitError as error:
            told.append(str(error))
    return told
