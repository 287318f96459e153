#!/usr/bin/env bash
# From a checkout to a running house with a believable merchant in it. Ctrl-C stops everything.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh demo
python="$PWD/.venv/bin/python"
var="${VAR_DIR:-$PWD/var}"
mkdir -p "$var"
say() { printf '  %-9s %s\n' "[${SECONDS}s]" "$*"; }

# Signals to this script alone must not leave the steps below behind.
trap 'kill $(jobs -p) 2>/dev/null || true' EXIT

# Hashing and compressing take seconds: only when a file has changed.
collect_static() {
  local now
  now="$({ find static -type f -printf '%p %s %T@\n' | sort
    cat requirements.lock package-lock.json billing_site/staticfiles.py; } | sha256sum)"
  if [ "$(cat "$var/static.fingerprint" 2>/dev/null)" != "$now" ]; then
    "$python" manage.py collectstatic --noinput --clear --verbosity 0
    printf '%s' "$now" >"$var/static.fingerprint"
  fi
}

collect_static &
collecting=$!
say "bringing the database up to date"
"$python" manage.py migrate --verbosity 0
if [ -f billing_site/management/commands/demo.py ]; then
  say "the demo merchant"
  # Progress goes to the screen, the one line of JSON (logins and links) to the banner that `serve` prints.
  "$python" manage.py demo --json | awk -v out="$var/demo.json" '/^\{/ {print > out; next} {print; fflush()}'
fi
wait "$collecting"
trap - EXIT
say "starting"
exec "$python" manage.py serve --with-parent ${PORT:+--port "$PORT"}
