"""One worker process of a benchmark: prepares, says so, works when told, and prints what it cost as one JSON line.

    python -m billing_site.benchmarks.worker <kind> '<Share as JSON>'

It waits for a line on its standard input before it begins, so that all workers begin together.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time


def main(kind: str, share: str) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "billing_site.settings")
    import django

    django.setup()
    from billing_site.benchmarks.work import WORK, Share

    work = WORK[kind](Share(**json.loads(share)))
    _say("ready")
    sys.stdin.readline()
    started, cpu = time.perf_counter(), time.process_time()
    result = work()
    cost = {
        **result,
        "seconds": time.perf_counter() - started,
        "cpu_s": time.process_time() - cpu,
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    _say(json.dumps(cost))


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
