"""One worker process of a benchmark: does the whole run and prints what it cost as one JSON line.

    python -m billing_site.benchmarks.worker renewals <chunk size>

It waits for a line on its standard input before it begins, so that all workers begin together.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time


def main(kind: str, chunk_size: int) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "billing_site.settings")
    import django

    django.setup()
    from billing_site.benchmarks.data import DUE
    from core.context import Context
    from engine.services.finalize import run_finalizations
    from engine.services.renew import run_renewals

    runs = {"renewals": run_renewals, "finalize": run_finalizations}
    ctx = Context(as_of=DUE, recorded_at=DUE, actor="run")
    _say("ready")
    sys.stdin.readline()
    started, cpu = time.perf_counter(), time.process_time()
    report = runs[kind](ctx=ctx, chunk_size=chunk_size)
    cost = {
        "done": report.done,
        "refused": report.refused,
        "seconds": time.perf_counter() - started,
        "cpu_s": time.process_time() - cpu,
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    _say(json.dumps(cost))


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
