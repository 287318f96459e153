#!/usr/bin/env bash
# From a checkout to a running house with a believable merchant in it. Ctrl-C stops everything.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh demo
python="$PWD/.venv/bin/python"
var="${VAR_DIR:-$PWD/var}"
mkdir -p "$var"
say() { printf '  %-9s %s\n' "[${SECONDS}s]" "$*"; }

# Hashing and compressing the static files takes seconds: beside the rest, and only when one has changed.
collecting=
fingerprint="$({ find static -type f -printf '%p %s %T@\n' | sort
  cat requirements.lock package-lock.json billing_site/staticfiles.py; } | sha256sum)"
if [ "$(cat "$var/static.fingerprint" 2>/dev/null)" != "$fingerprint" ]; then
  "$python" manage.py collectstatic --noinput --clear --verbosity 0 &
  collecting=$!
fi
# Whatever ends this script early must not leave it behind.
trap '[ -z "$collecting" ] || kill "$collecting" 2>/dev/null || true' EXIT

say "bringing the database up to date"
"$python" manage.py migrate --verbosity 0
if [ -f billing_site/management/commands/demo.py ]; then
  say "the demo merchant"
  # Progress goes to the screen, the one line of JSON (logins and links) to the banner that `serve` prints.
  "$python" manage.py demo --json | awk -v out="$var/demo.json" '/^\{/ {print > out; next} {print; fflush()}'
fi
if [ -n "$collecting" ]; then
  wait "$collecting"
  printf '%s' "$fingerprint" >"$var/static.fingerprint"
fi
trap - EXIT
# Nobody has a processor here: the test methods stand in for one.
export DEMO_PAYMENTS="${DEMO_PAYMENTS:-1}"
say "starting"
exec "$python" manage.py serve --with-parent --announce "$var/demo.json" ${PORT:+--port "$PORT"}
