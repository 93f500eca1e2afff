"""Schemathesis against a running `atsync serve`: every operation of /openapi.json, all checks."""

import json
import os
import subprocess
import sys
from pathlib import Path

from company import Site, TARGET

HERE = Path(__file__).resolve().parent
CASES_MIN = 2_000


def main():
    out = TARGET / "api"
    report = out / "fuzz.json"
    with Site() as site:
        ended = subprocess.run([
            str(Path(sys.executable).parent / "schemathesis"),
            "--config-file", str(HERE / "schemathesis.toml"),
            "run", f"{site.url}/openapi.json", "--no-color",
            "--header", f"Authorization: Bearer {site.tokens['operator']}",
            "--report", "json", "--report-json-path", str(report), *sys.argv[1:],
        ], cwd=out)
        site.api("GET", "/v1/connections/acme/status")
    report = json.loads(report.read_text())
    cases = report["test_cases"]["generated"]
    skipped = report["operations"]["selected"] - report["operations"]["tested"]
    if ended.returncode == 0 and (cases < CASES_MIN or skipped > 0):
        sys.exit(f"fuzz: {cases} cases, at least {CASES_MIN}; {skipped} operations were skipped")
    if ended.returncode == 0:
        print(f"fuzz: schemathesis found nothing in {cases} cases")
    sys.exit(ended.returncode)


main()
