"""All operations of /v1, and how the ids in answers are expanded."""

from __future__ import annotations

from collections.abc import Mapping

from api.expanding import Loader
from api.protocol.operation import Operation, Routes
from api.resources import products

OPERATIONS: list[Operation] = [*products.OPERATIONS]
ROUTES = Routes(OPERATIONS)
LOADERS: Mapping[str, Loader] = products.LOADERS
