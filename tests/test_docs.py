"""What docs/scaling.md shows runs as it stands there; blocks marked "on paper" say that they were not run."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch.testing import assert_close

import sbkit as sb

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
def test_the_page_on_scaling_runs(tmp_path):
    pytest.importorskip("distributed")
    page = (ROOT / "docs" / "scaling.md").read_text(encoding="utf-8")
    blocks = dict(re.findall(r"## ([^\n]*)\n(?:(?!\n## ).)*?```python\n(.*?)```", page, re.DOTALL))
    assert len(blocks) == page.count("```python\n") == 4
    cells = "\n".join(blocks.values())
    script = tmp_path / "script.py"  # in a notebook the processes do not run the cells again
    body = "\n".join(f"    {line}" if line else "" for line in cells.splitlines())
    script.write_text(f"if __name__ == '__main__':\n{body}\n", encoding="utf-8")
    env = os.environ | {"SBKIT_HEADLESS": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, script], env=env, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "TypeError" in done.stdout or "SbkitError" in done.stdout
    assert len(list((tmp_path / "rows").glob("*.npz"))) == 12


def test_the_page_in_plain_torch_is_run_0_of_the_fleet():
    page = (ROOT / "docs" / "in-plain-torch.md").read_text(encoding="utf-8")
    before, names = torch.get_default_dtype(), {}
    torch.set_default_dtype(torch.float64)  # where both round, the order of a sum would show
    try:
        exec("\n".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL)), names)
    finally:
        torch.set_default_dtype(before)
    start = sb.mlp(names["task"], runs=1).state_dict()
    for name, weight in names["net"].state_dict().items():
        own = names["fleet"].state_dict()[f"net.{name}"][0]
        assert_close(own, weight, rtol=1e-9, atol=1e-12)
        assert not torch.equal(weight, start[f"net.{name}"][0]), "trained"


def test_every_measure_stands_among_the_instruments():
    page = (ROOT / "docs/instruments.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(?:sb\.\w+\.)?(\w+)", page))
    public = {*sb.measures.__all__, "granulated_kendall", "conditional_information"}
    missing = public - named - {"accuracy", "auc", "shuffled"}
    assert not missing, f"docs/instruments.md tells of every measure, not of {sorted(missing)}."
    drawn = {name for name, one in sb.measure.items() if one.__module__.startswith("sbkit.measures.")}
    assert set(re.findall(r"\*\*`(\w+)`\*\*", page)) == drawn, "bold: what a panel can show"
