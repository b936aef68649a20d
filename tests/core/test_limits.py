"""Limits that a room sets in the environment: what is read, what is refused, what they keep out."""

import math
import mmap

import pytest

from sbkit.core import SbkitError, check_memory
from sbkit.core.limits import memory_allowed, memory_held, seconds_allowed


@pytest.mark.parametrize(
    ("given", "bytes"), [("2GB", 2e9), ("800 mb", 8e8), ("1.5G", 1.5e9), ("4096", 4096), ("", math.inf)]
)
def test_a_size_is_read(monkeypatch, given, bytes):
    monkeypatch.setenv("SBKIT_MAX_MEMORY", given)
    assert memory_allowed() == bytes


@pytest.mark.parametrize("given", ["much", "0", "0GB", "-1GB", "2GiBB", "nan"])
def test_what_is_no_size_is_refused(monkeypatch, given):
    monkeypatch.setenv("SBKIT_MAX_MEMORY", given)
    with pytest.raises(SbkitError, match=f"a size above 0, got '{given}'; try SBKIT_MAX_MEMORY=2GB"):
        memory_allowed()


@pytest.mark.parametrize("given", ["ten", "0", "-5", "nan"])
def test_what_are_no_seconds_is_refused(monkeypatch, given):
    monkeypatch.setenv("SBKIT_IDLE_SECONDS", given)
    with pytest.raises(SbkitError, match="SBKIT_IDLE_SECONDS is a number of seconds above 0"):
        seconds_allowed("SBKIT_IDLE_SECONDS")


def test_a_request_is_refused_by_what_the_room_leaves(monkeypatch):
    monkeypatch.setenv("SBKIT_MAX_MEMORY", str(memory_held() + 10**8))
    check_memory(10**7, "a small thing")
    with pytest.raises(SbkitError, match="a large thing = 0.1 GB"):
        check_memory(10**8, "a large thing")
    monkeypatch.setenv("SBKIT_MAX_MEMORY", "1MB")
    with pytest.raises(SbkitError, match=r"this room allows 0.0 GB \(SBKIT_MAX_MEMORY\); restart the kernel"):
        check_memory(10**6, "anything")


def test_held_memory_grows_with_what_is_held():
    before = memory_held()
    with mmap.mmap(-1, 40_000_000) as kept:  # new from the system, not what an earlier test had freed
        for page in range(0, len(kept), mmap.PAGESIZE):
            kept[page] = 1
        assert memory_held() - before > 3e7
