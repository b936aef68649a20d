"""Rows on disk: whole or not at all, and never in the way of the rows in memory."""

import io
import math
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

import sbkit as sb
from sbkit.core import SbkitError
from sbkit.sweeps import store
from sbkit.sweeps.store import Cache

ROWS = [
    {"run": run, "loss": math.nan, "state": "finished", "file": 0.1, "kinds[Sᶜ]/..": 0.5, "boundary": picture}
    for run, picture in enumerate(np.random.default_rng(0).random((2, 3, 4), np.float32))
]
SETTING = {"depth": 1, "optimizer": "sgd", "lr": None}


def lesson(depth=1):
    return depth


def assert_same(found, rows):
    for one, other in zip(found, rows, strict=True):
        assert list(one) == list(other)
        for name, value in other.items():
            assert type(one[name]) is type(value)
            np.testing.assert_array_equal(one[name], value)


def test_rows_come_back_as_they_were(tmp_path):
    Cache(tmp_path / "a" / "b", lesson).put(SETTING, ROWS)
    cache = Cache(str(tmp_path / "a" / "b"), lesson)
    assert_same(cache.get(SETTING), ROWS)
    assert cache.get(SETTING | {"depth": 2}) is None and cache.get(SETTING | {"depth": 1.0}) is None


@pytest.mark.parametrize("damage", [lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b"\x80\x04N.", None])
def test_a_damaged_file_is_none(tmp_path, damage):
    cache = Cache(tmp_path, lesson)
    cache.put(SETTING, ROWS)
    whole = bytearray(cache.path(SETTING).read_bytes())
    whole[len(whole) // 3] ^= 255
    cache.path(SETTING).write_bytes(damage(bytes(whole)) if damage else whole)
    assert cache.get(SETTING) is None
    cache.put(SETTING, ROWS)
    assert_same(cache.get(SETTING), ROWS)


def archive(*arrays):
    file = io.BytesIO()
    np.savez(file, *arrays)
    return file.getvalue()


def one_array():
    file = io.BytesIO()
    np.save(file, np.ones(3))
    return file.getvalue()


@pytest.mark.parametrize(
    "foreign",
    [one_array(), archive(), archive(["a", "b"], [1, 2], [1]), archive(["a"], [1], [2]), archive(3, 4)],
    ids=["one array", "empty", "ragged", "nameless", "numbers"],
)
def test_another_programs_file_is_none(tmp_path, foreign):
    cache = Cache(tmp_path, lesson)
    cache.path(SETTING).write_bytes(foreign)
    assert cache.get(SETTING) is None


def test_a_flipped_bit_in_what_an_archive_says_of_itself_is_none_or_harmless(tmp_path):
    cache = Cache(tmp_path, lesson)
    cache.put(SETTING, ROWS)
    whole = cache.path(SETTING).read_bytes()
    for place in range(whole.index(b"PK\x01\x02"), len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << place % 8
        cache.path(SETTING).write_bytes(damaged)
        if found := cache.get(SETTING):
            assert_same(found, ROWS)


def test_a_folder_that_cannot_be_is_told_once(tmp_path):
    (tmp_path / "file").touch()
    with pytest.warns(
        UserWarning, match=r"A cache is a folder.*: Not a directory\. The rows stay in memory"
    ) as told:
        cache = Cache(tmp_path / "file" / "rows", lesson)
        for _ in range(2):
            cache.put(SETTING, ROWS)
    assert len(told) == 1 and cache.get(SETTING) is None


def test_a_full_disk_leaves_no_half_file(tmp_path):
    resource = pytest.importorskip("resource")
    cache, limits = Cache(tmp_path, lesson), resource.getrlimit(resource.RLIMIT_FSIZE)
    with pytest.warns(UserWarning, match="File too large. The rows stay in memory"):
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (200, limits[1]))
            cache.put(SETTING, ROWS)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(tmp_path.iterdir()) == [] and cache.get(SETTING) is None
    cache.put(SETTING, ROWS)
    assert_same(cache.get(SETTING), ROWS)


@pytest.mark.parametrize("registry", [sb.dataset, sb.loss, sb.measure, sb.optimizer, sb.plot])
def test_what_is_registered_counts_but_for_pictures(tmp_path, monkeypatch, registry):
    def path():
        return Cache(tmp_path, lesson).path(SETTING)

    def norm(fleet, task):
        return fleet

    def other(fleet, task):
        return task

    plain = path()
    monkeypatch.setitem(registry.about, "norm", registry.about.usual)
    for function in (norm, other):
        monkeypatch.setitem(registry._functions, "norm", function)
        assert (path() != plain) == (registry is not sb.plot)
        plain = path()


def test_versions_and_sbkits_code_count(tmp_path, monkeypatch):
    plain = Cache(tmp_path, lesson).path(SETTING)
    with monkeypatch.context() as patch:
        patch.setattr(store, "VERSIONS", ("torch", "numpy"))
        assert Cache(tmp_path, lesson).path(SETTING) != plain
    monkeypatch.setattr(store, "HOME", tmp_path)
    assert Cache(tmp_path, lesson).path(SETTING) != plain


def test_threads_may_keep_the_same_rows_at_once(tmp_path):
    cache = Cache(tmp_path, lesson)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: cache.put(SETTING, ROWS), range(200)))
    assert_same(cache.get(SETTING), ROWS)
    assert [path.suffix for path in tmp_path.iterdir()] == [".npz"]


def test_the_default_float_type_counts(tmp_path):
    """torch draws other weights with another."""
    plain = Cache(tmp_path, lesson).path(SETTING)
    try:
        torch.set_default_dtype(torch.float64)
        assert Cache(tmp_path, lesson).path(SETTING) != plain
    finally:
        torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("folder", [True, 3, "", ["rows"]])
def test_a_folder_has_a_name(folder):
    with warnings.catch_warnings(), pytest.raises(SbkitError, match="cache is the name of a folder, got"):
        sb.sweep(lesson, cache=folder, depth=[1])
