"""Audit the pinned dependencies for known vulnerabilities: python scripts/audit.py

Fails on one that a version fixes which sbkit and its dependencies allow; one without a fix is told, no more.
Where the service of pip-audit is out of reach, a sentence says so, and the audit passes.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

PINS = Path(__file__).parents[1] / "constraints.txt"
COMMAND = ["-r", str(PINS), "--no-deps", "--disable-pip", "--format", "json", "--progress-spinner", "off"]
UNREACHED = re.compile(r"requests\.exceptions|[Cc]ould not connect|not redirecting|urllib3\.exceptions")
SKIPPED = "audit: skipped, the service that knows the vulnerabilities is out of reach."


def fixed(report: dict[str, Any], allowed: dict[str, SpecifierSet]) -> tuple[list[str], list[str]]:
    """What a version fixes that is allowed, and what none does: a line each.

    report: as pip-audit writes it in JSON, {"dependencies": [{"name", "version", "vulns": [{"id",
    "fix_versions", …}]} or {"name", "skip_reason"}]}. allowed: versions by name; all of those missing.

    >>> vulns = [{"id": "CVE-1", "fix_versions": ["2.1", "3.0"]}, {"id": "CVE-2", "fix_versions": []}]
    >>> found = {"dependencies": [{"name": "a", "version": "2.0", "vulns": vulns}]}
    >>> fixed(found, {"a": SpecifierSet("<3")})
    (['a 2.0: CVE-1, fixed in 2.1'], ['a 2.0: CVE-2, no fix to take'])
    """
    mend, wait = [], []
    for package in report["dependencies"]:
        for known in package.get("vulns", []):
            may = allowed.get(canonicalize_name(package["name"]), SpecifierSet())
            versions = sorted(Version(text) for text in known["fix_versions"] if text in may)
            newer = [version for version in versions if version > Version(package["version"])]
            line = f"{package['name']} {package['version']}: {known['id']}"
            (mend if newer else wait).append(
                f"{line}, {f'fixed in {newer[0]}' if newer else 'no fix to take'}"
            )
    return mend, wait


def allowed(requirements: Iterable[Requirement]) -> dict[str, SpecifierSet]:
    """The versions that all of some requirements allow, by name."""
    found: dict[str, SpecifierSet] = {}
    for requirement in requirements:
        name = canonicalize_name(requirement.name)
        found[name] = found.get(name, SpecifierSet()) & requirement.specifier
    return found


def installed() -> list[Requirement]:
    """What the installed packages require here: sbkit with all its extras, the others without theirs."""
    told = [(each.name, Requirement(text)) for each in distributions() for text in each.requires or []]
    return [r for name, r in told if name == "sbkit" or not r.marker or r.marker.evaluate({"extra": ""})]


def verdict(output: str, errors: str, allowed: dict[str, SpecifierSet]) -> tuple[int, str]:
    """Exit code, and what to say of what pip-audit wrote."""
    if not output.strip():
        return (0, SKIPPED) if UNREACHED.search(errors) else (1, f"audit: pip-audit failed.\n{errors}")
    report = json.loads(output)
    asked = [package for package in report["dependencies"] if "vulns" in package]
    if not asked:
        return 0, SKIPPED
    mend, wait = fixed(report, allowed)
    total = f"audit: {len(asked)} packages, {len(mend)} to upgrade, {len(wait)} without a fix."
    return bool(mend), "\n".join([*(f"upgrade {line}" for line in mend), *(f"wait {w}" for w in wait), total])


def main() -> None:
    """Ask pip-audit and say what it found."""
    command = [sys.executable, "-m", "pip_audit", *COMMAND]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    code, text = verdict(done.stdout, done.stderr, allowed(installed()))
    print(text)
    sys.exit(code)


if __name__ == "__main__":
    main()
