"""A migrated cluster that is made once for a schema, kept among the variable files, and copied for each run."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from django.conf import settings

from billing_site.embedded_postgres.server import ensure_running, leave

PREFIX = "empty-cluster-"


def copy_migrated(data: Path, migrate: Callable[[Path], None]) -> None:
    """A copy of the migrated, stopped cluster as `data`. `migrate` fills the first one, when there is none yet."""
    folder = Path(settings.VAR_DIR)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "empty-cluster.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # copied under the lock too: an older one may be cleared away
        kept = folder / f"{PREFIX}{schema_hash()}"
        if not kept.exists():
            _make(kept, migrate)
        # With its owner: where this process is root, PostgreSQL is somebody else.
        subprocess.run(["cp", "-a", str(kept), str(data)], check=True)


def _make(kept: Path, migrate: Callable[[Path], None]) -> None:
    for old in kept.parent.glob(f"{PREFIX}*"):
        shutil.rmtree(old, ignore_errors=True)
    building = kept.parent / f"{PREFIX}building-{os.getpid()}"
    try:
        ensure_running(building, linger=0.0)
        migrate(building)
    finally:
        leave(building)
    for beside in kept.parent.glob(f"{building.name}.*"):
        beside.unlink()
    building.rename(kept)  # only when complete: a build that was killed leaves no half cluster


def schema_hash() -> str:
    """Changes when a migration or a locked requirement does."""
    digest = hashlib.sha256()
    root = Path(settings.BASE_DIR)
    for path in sorted([*root.glob("*/*migrations/*.py"), root / "requirements.lock"]):
        digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]
