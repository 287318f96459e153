"""Static files from npm packages, and names that carry the hash of their content."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.core.files.storage import FileSystemStorage
from whitenoise.storage import CompressedManifestStaticFilesStorage

# Only what pages use: whole dist folders name source maps and files that are not there.
NODE_MODULES_FILES = {
    "vendor/tabler/tabler.min.css": "@tabler/core/dist/css/tabler.min.css",
    "vendor/tabler/tabler.min.js": "@tabler/core/dist/js/tabler.min.js",
    "vendor/echarts/echarts.common.min.js": "echarts/dist/echarts.common.min.js",
} | {
    f"vendor/inter/files/{name}": f"@fontsource-variable/inter/files/{name}"
    for name in ("inter-latin-wght-normal.woff2", "inter-latin-ext-wght-normal.woff2")
}


class NodeModulesFinder(BaseFinder):
    """Serves the files named above, under `vendor/`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.storage = FileSystemStorage(location=settings.BASE_DIR / "node_modules", base_url=settings.STATIC_URL)
        super().__init__(*args, **kwargs)

    def find(self, path: str, find_all: bool = False, **kwargs: Any) -> Any:
        source = NODE_MODULES_FILES.get(path)
        found = Path(self.storage.path(source)) if source else None
        if found is None or not found.exists():
            return []
        return [str(found)] if find_all else str(found)

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterator[tuple[str, "_Renamed"]]:
        for path, source in NODE_MODULES_FILES.items():
            yield path, _Renamed(self.storage, path, source)


class _Renamed:
    """A storage with one file in it, under another name (what collectstatic asks of a finder)."""

    prefix = None

    def __init__(self, storage: FileSystemStorage, path: str, source: str) -> None:
        self._storage, self._path, self._source = storage, path, source

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._storage, name)

        def call(path: str, *args: Any, **kwargs: Any) -> Any:
            return method(self._source if path == self._path else path, *args, **kwargs)

        return call


class ManifestStorage(CompressedManifestStaticFilesStorage):
    """Hashed names, compressed copies; `sourceMappingURL` comments are left as they are (no maps are served)."""

    patterns = tuple(
        (glob, tuple(rule for rule in rules if "sourceMappingURL" not in (rule if isinstance(rule, str) else rule[0])))
        for glob, rules in CompressedManifestStaticFilesStorage.patterns
    )
    # A page must not fail because a picture is missing; the test of all pages tells instead.
    manifest_strict = False
