#!/usr/bin/env bash
# Prepare this checkout: virtual environment, locked parts, system libraries, message catalogues.
#   scripts/setup.sh [demo|test]
# Safe to run again; what is already there is left alone. Needs python3 (3.11 or newer) with pip and venv.
set -euo pipefail
cd "$(dirname "$0")/.."
purpose="${1:-demo}"
PYTHON="${PYTHON:-python3}"
venv="$PWD/.venv"

say() { printf '  %-9s %s\n' "[${SECONDS}s]" "$*"; }
fail() { printf '\n  %s\n\n' "$*" >&2; exit 1; }
# Whether $1 was already installed as it is now (a copy is kept at $2).
same() { cmp -s "$1" "$2"; }

# Installs exactly what lock files name.
pip_install() {
  "$venv/bin/python" -m pip install --quiet --no-input --disable-pip-version-check --progress-bar off "$@" \
    2> >(grep -v '^WARNING: Location' >&2)
}

install_with_apt() { # names of Debian packages
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    say "installing with apt: $*"
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"; } \
      >"$venv/apt.log" 2>&1
  else
    return 1
  fi
}

python_parts() {
  "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || fail "Python 3.11 or newer is needed ($PYTHON)."
  if [ ! -x "$venv/bin/python" ]; then
    say "making .venv with $("$PYTHON" --version)"
    "$PYTHON" -m venv "$venv" || fail "python3 cannot make virtual environments; on Debian: apt-get install python3-venv"
  fi
  local lock=requirements.lock
  if [ "$purpose" = test ]; then lock=requirements-dev.lock; fi
  # The development lock contains the other one.
  if ! cat requirements.lock "$lock" | cmp -s - "$venv/$lock.installed"; then
    say "installing the Python packages of $lock"
    pip_install --no-deps -r "$lock"
    cat requirements.lock "$lock" >"$venv/$lock.installed"
  fi
}

npm_parts() {
  # What only the tests need (Stripe's own client) is left out of a house that just runs.
  local mark=node_modules/.installed.json omit=--omit=dev
  if [ "$purpose" = test ]; then mark=node_modules/.installed-dev.json omit=--include=dev; fi
  if same package-lock.json "$mark"; then return; fi
  if ! npm --version >/dev/null 2>&1 || ! node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)'; then
    say "no node (20 or newer) on this machine: installing one into .venv"
    pip_install -r requirements-node.lock
  fi
  say "fetching the npm parts of package-lock.json"
  local path="$PATH:$venv/bin"
  if [ -x "$venv/bin/node" ]; then path="$venv/bin:$PATH"; fi
  PATH="$path" npm ci "$omit" --ignore-scripts --no-audit --no-fund --loglevel=error >"$venv/npm.log" 2>&1 ||
    { cat "$venv/npm.log" >&2; fail "npm could not fetch the page parts."; }
  cp package-lock.json node_modules/.installed.json
  if [ "$purpose" = test ]; then cp package-lock.json "$mark"; fi
}

system_libraries() {
  local packages="libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fontconfig"
  if "$venv/bin/python" -c 'import weasyprint' >/dev/null 2>&1; then return; fi
  # shellcheck disable=SC2086
  install_with_apt $packages && "$venv/bin/python" -c 'import weasyprint' >/dev/null 2>&1 ||
    fail "Invoices as PDF need Pango. On Debian or Ubuntu: apt-get install $packages"
}

browser() {
  local found
  found="$(command -v chromium || command -v chromium-browser || true)"
  if [ -n "${CHROMIUM:-}" ] || [ -n "$found" ]; then return; fi
  install_with_apt chromium || say "NO CHROMIUM: the browser tests will be skipped (apt-get install chromium)"
}

catalogues() {
  local folder
  for folder in locale */locale; do  # a room may bring its own words
    if compgen -G "$folder/*/LC_MESSAGES/django.po" >/dev/null; then
      "$venv/bin/pybabel" --quiet compile --domain django --directory "$folder"
    fi
  done
}

python_parts
system_libraries
npm_parts
catalogues
if [ "$purpose" = test ]; then browser; fi
say "this checkout is ready"
