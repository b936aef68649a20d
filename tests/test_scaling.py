"""Sweeps in other processes: as serial, whatever happens to one of them. Scripts stand in for notebooks."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LESSON = """
import os, signal, sys, warnings
from pathlib import Path
import joblib, pandas as pd, torch, sbkit as sb

HERE, SHIFT = Path.cwd(), 1

@sb.measure("norm")  # registered here alone: a worker hears of it
def norm(fleet, task):
    return SHIFT * sum(w.square().sum((1, 2)) for w in fleet.weights()).sqrt()

def strike(end, depth):  # from a process of the sweep alone; by default only once
    main, done = int((HERE / "main").read_text()), (HERE / end).exists()
    if os.getpid() != main and (depth == 1 if end == "always" else not done):
        (HERE / end).touch()
        os.kill(*(main, signal.SIGINT) if end == "interrupt" else (os.getpid(), signal.SIGKILL))

def lesson(depth=1, end="", seed=0):
    (HERE / "calls").open("a").write("x")
    if end:
        strike(end, depth)
    task = sb.lms(5, dim=3, n=300, n_test=200)
    fleet = sb.mlp(task, depth=depth, width=8, runs=2, seed=seed)
    return sb.fit(fleet, task, steps=60, batch=64, measure=["reliance", "norm"])

def calls():
    return len((HERE / "calls").read_text())

def same(one, other):
    pd.testing.assert_frame_equal(one, other, check_exact=True)
"""


def run(code: str, folder: Path, check: int = 0, **env: str) -> str:
    """What a script prints that defines the lesson and then does this."""
    script = folder / "script.py"
    body = "\n".join(f"    {line}" for line in code.strip().splitlines())
    body = f"    (HERE / 'main').write_text(str(os.getpid()))\n{body}"
    script.write_text(f"{LESSON}\nif __name__ == '__main__':\n{body}\n", encoding="utf-8")
    env = os.environ | {"PYTHONPATH": str(ROOT), "SBKIT_HEADLESS": "1"} | env
    command = [sys.executable, script]
    done = subprocess.run(
        command, env=env, cwd=folder, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == check, done.stderr
    return done.stdout


@pytest.mark.slow
def test_processes_change_nothing_and_may_die(tmp_path):
    """A process that is killed once, one that is at every try, an interrupt: each ends a pool."""
    code = """
plain = dict(depth=[0, 1, 2])
serial = sb.sweep(lesson, **plain)
same(sb.sweep(lesson, jobs=2, **plain), serial)
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    table = sb.sweep(lesson, jobs=2, end=["", "once", "always"], **plain)
stops = [str(one.message).startswith("A worker stopped: TerminatedWorkerError") for one in told]
assert stops == [True] * (len(told) - 1) + [False], told
assert str(told[-1].message).startswith("1 of 9 settings failed"), told
failed = table[table.error != ""]
assert failed[["depth", "end"]].values.tolist() == [[1, "always"]]
assert failed.error.iloc[0].startswith("TerminatedWorkerError")
for end in ("", "once"):
    same(table[table.end == end].drop(columns="end").reset_index(drop=True).astype(serial.dtypes), serial)
try:
    sb.sweep(lesson, jobs=2, cache="rows", end=["", "interrupt"], **plain)
except KeyboardInterrupt as interrupt:
    kept = len(list(Path("rows").glob("*")))
    assert interrupt.__notes__[0].startswith(f"{kept} of 6 settings were finished and are kept in rows")
else:
    assert False, "no interrupt"
before = calls()
table = sb.sweep(lesson, jobs=2, cache="rows", end=["", "interrupt"], **plain)
assert calls() == before + 6 - kept and len(table) == 12
torch.set_default_dtype(torch.float64)  # other weights are drawn, by a worker too
double = sb.sweep(lesson, **plain)
same(sb.sweep(lesson, jobs=2, **plain), double)
assert not double.equals(serial)
print("done")
"""
    assert run(code, tmp_path) == "done\n"


@pytest.mark.slow
def test_a_dask_cluster_changes_nothing_and_loses_nothing(tmp_path):
    pytest.importorskip("distributed")
    code = """
from dask.distributed import Client, LocalCluster
serial = sb.sweep(lesson, depth=[0, 1, 2, 3, 4, 5])
with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster):
    with joblib.parallel_config("dask"):
        same(sb.sweep(lesson, depth=[0, 1, 2, 3, 4, 5]), serial)
        killed = sb.sweep(lesson, depth=[0, 1, 2, 3, 4, 5], end=["once"], cache="rows")
same(killed.drop(columns="end"), serial)
assert Path("once").exists() and len(list(Path("rows").glob("*"))) == 6
print("done")
"""
    assert run(code, tmp_path) == "done\n"


@pytest.mark.slow
def test_another_kernel_finds_the_rows_until_something_changes(tmp_path):
    """Three kernels: one is killed while it writes a file, one goes on, one has another measure."""
    torn = """
def torn(path, data, write=Path.write_bytes):
    if len(list(Path("rows").glob("*"))) == 2:
        write(path, data[:len(data) // 2])
        os.kill(os.getpid(), signal.SIGKILL)
    write(path, data)
Path.write_bytes = torn
sb.sweep(lesson, depth=[0, 1, 2, 3], cache="rows")
"""
    whole = """
table = sb.sweep(lesson, depth=[0, 1, 2, 3], cache="rows")
same(table, sb.sweep(lesson, depth=[0, 1, 2, 3]))
print(calls() - 4)
"""
    run(torn, tmp_path, check=-9, PYTHONHASHSEED="1")
    assert len(list((tmp_path / "rows").glob("*.npz"))) == 2
    assert run(whole, tmp_path, PYTHONHASHSEED="2") == "5\n"  # three in the first, two now
    assert run("SHIFT = 2\n" + whole, tmp_path, PYTHONHASHSEED="3") == "13\n"  # and four twice over
