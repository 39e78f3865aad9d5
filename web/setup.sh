#!/usr/bin/env bash
# Installs what the page is built with: Node.js and, by `setup.sh chromium`, a browser for its tests; then the npm packages.
set -euo pipefail
cd "$(dirname "$0")"

fail() { echo "web: $1" >&2; exit 1; }

install() { # a command and its Debian packages
  command -v "$1" >/dev/null && return
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || fail "$1 is missing. Install it (Debian: apt-get install ${*:2}), then run this again."
  echo "web: installing ${*:2} by apt-get"
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${@:2}"; } >/tmp/lmsc-web-apt.log 2>&1 ||
    fail "apt-get cannot install ${*:2} (see /tmp/lmsc-web-apt.log). Check that Debian's mirror can be reached, or install $1 yourself."
}

install node nodejs
install npm npm
[ "$(node -p 'process.versions.node.split(".")[0]')" -ge 18 ] || fail "Node.js is $(node --version); 18 or newer is needed."
[ "${1:-}" != chromium ] || install chromium chromium fonts-dejavu-core
[ node_modules/.ready -nt package-lock.json ] ||
  { npm ci --ignore-scripts --no-audit --no-fund --loglevel=error && touch node_modules/.ready; } ||
  fail "npm cannot install the packages of web/package-lock.json. Check that the npm registry can be reached (npm ping)."
