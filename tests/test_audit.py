"""What pip-audit found is a reason to fail only where there is a fix to take."""

import importlib.util
import json
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

FILE = Path(__file__).parents[1] / "scripts" / "audit.py"


@pytest.fixture(scope="module")
def audit():
    spec = importlib.util.spec_from_file_location("audit", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def report(*packages: dict) -> str:
    """As pip-audit writes it (its README, "JSON")."""
    return json.dumps({"dependencies": list(packages), "fixes": []})


def vulnerable(name: str, version: str, *fixes: str) -> dict:
    known = {"id": "PYSEC-2019-179", "fix_versions": list(fixes), "aliases": ["CVE-1"], "description": "…"}
    return {"name": name, "version": version, "vulns": [known]}


SAFE = {"name": "jinja2", "version": "3.1.6", "vulns": []}
SKIPPED = {"name": "sbkit", "skip_reason": "Dependency not found on PyPI and could not be audited"}


@pytest.mark.parametrize(
    ("package", "code", "said"),
    [
        (SAFE, 0, "1 packages, 0 to upgrade, 0 without a fix"),
        (vulnerable("flask", "0.5", "1.0"), 1, "upgrade flask 0.5: PYSEC-2019-179, fixed in 1.0"),
        (vulnerable("flask", "0.5"), 0, "wait flask 0.5: PYSEC-2019-179, no fix to take"),
        (vulnerable("plotly", "7.1", "8.0"), 0, "no fix to take"),  # pyproject.toml says <8
        (vulnerable("plotly", "7.1", "7.0"), 0, "no fix to take"),  # an older line's
        (vulnerable("plotly", "7.1", "8.0", "7.2"), 1, "fixed in 7.2"),
    ],
)
def test_it_fails_where_a_fix_can_be_taken(audit, package, code, said):
    got = audit.verdict(report(package, SKIPPED), "", {"plotly": SpecifierSet(">=5,<8")})
    assert got[0] == code and said in got[1]


@pytest.mark.parametrize(
    ("output", "errors"),
    [
        (report(SKIPPED), ""),
        ("", "requests.exceptions.ProxyError: HTTPSConnectionPool(host='pypi.org', port=443)"),
        ("", "ERROR:pip_audit._cli:Could not connect to PyPI's vulnerability feed"),
    ],
)
def test_out_of_reach_is_a_sentence(audit, output, errors):
    assert audit.verdict(output, errors, {}) == (0, audit.SKIPPED)


def test_any_other_failure_is_one(audit):
    code, said = audit.verdict("", "ERROR: Invalid requirement: 'torch=='", {})
    assert code == 1 and "Invalid requirement" in said


def test_what_is_allowed_is_what_all_that_is_installed_allows(audit):
    requirements = map(Requirement, ["a>=1", "A<3", "b"])
    assert audit.allowed(requirements)["a"] == SpecifierSet(">=1,<3")
    assert "plotly" in audit.allowed(audit.installed())
