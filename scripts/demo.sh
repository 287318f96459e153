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

"$python" manage.py collectstatic --noinput --verbosity 0 &
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
