"""Business facts travel in the outbox. A Django signal would be a hidden call upwards."""

import ast

from tests.architecture.house import name, python_files

ALLOWED = {
    "billing_site/cluster.py": "django-q2 tells of its tasks only by signals; these are the cluster's heartbeats",
}
SIGNALS = ("django.dispatch", "django.db.models.signals", "django.core.signals")


def test_no_signals():
    found = [
        f"{name(path)}:{node.lineno}"
        for path in python_files()
        if name(path) not in ALLOWED
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(SIGNALS)
    ]
    assert not found
