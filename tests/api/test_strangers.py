"""schemathesis reads the published description and asks whatever it allows and does not allow, over real HTTP.

A short run here; a long one by `FUZZ_SECONDS=1800 .venv/bin/python -m pytest tests/api/test_strangers.py -s`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.db import close_old_connections

from tests.api.conftest import Caller
from tests.api.test_fuzz import shop

ROOT = Path(__file__).parents[2]
LONG_S = int(os.environ.get("FUZZ_SECONDS", "0"))
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "ignored_auth",
)
SHORT = ["--phases", "fuzzing", "--max-examples", "1", "--seed", "1"]
LONG = ["--phases", "coverage,fuzzing,stateful", "--max-time", str(LONG_S)]

__all__ = ["shop"]


@pytest.mark.slow
@pytest.mark.timeout(300 + 2 * LONG_S)
@pytest.mark.django_db(transaction=True)
def test_a_stranger_finds_no_fault_and_every_answer_as_described(
    live_server: Any, settings: Any, shop: tuple[Caller, dict[str, str]], tmp_path: Path
) -> None:
    settings.API_RATE_TEST = 0
    caller, ids = shop
    close_old_connections()
    run = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "run", f"{live_server.url}/v1/openapi.json"),
            *("--url", live_server.url, "--header", f"Authorization: Bearer {caller.secret}"),
            *("--checks", ",".join(CHECKS), "--continue-on-failure", "--no-shrink", "--no-color"),
            *("--suppress-health-check", "all", "--warnings", "off", *(LONG if LONG_S else SHORT)),
        ],
        env=os.environ
        | {"PYTHONPATH": str(ROOT), "SCHEMATHESIS_HOOKS": "tests.api.stripe_forms", "OSTINATO_IDS": json.dumps(ids)},
        cwd=tmp_path,
        capture_output=not LONG_S,
        text=True,
        check=False,
    )
    assert run.returncode == 0, (run.stdout or "see above")[-8000:]
