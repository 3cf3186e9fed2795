#!/usr/bin/env bash
# Installs what Banter needs and this machine lacks. Where everything is there it changes nothing and needs no rights.
#
#   scripts/setup.sh           PostgreSQL 15 or newer, Redis (or Valkey), a C compiler; Rust is only asked for. For calls and
#                              rooms LiveKit, which Go builds where Go is, and coturn: all else works without them
#   scripts/setup.sh --tests   and what the tests need besides: LiveKit and coturn for certain, ImageMagick, Chromium, and
#                              clients for Node.js, which is only asked for
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'setup: %s\n' "$*" >&2; }
fail() {
  printf 'setup: %s\n' "$1" >&2
  [ $# -lt 2 ] || printf '\nhint: %s\n' "$2" >&2
  exit 1
}
has() { command -v "$1" >/dev/null 2>&1; }

# The newest PostgreSQL server here, where `banter dev` looks too; 0: none.
postgres_version() {
  local dir version newest=0 dirs
  IFS=: read -ra dirs <<<"$PATH"
  for dir in "${dirs[@]}" /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/homebrew/opt/postgresql*/bin \
    /usr/local/opt/postgresql*/bin /home/linuxbrew/.linuxbrew/opt/postgresql*/bin \
    /Applications/Postgres.app/Contents/Versions/*/bin; do
    [ -x "$dir/postgres" ] && [ -x "$dir/initdb" ] || continue
    version=$("$dir/postgres" --version | sed -E 's/.*\(PostgreSQL\) ([0-9]+).*/\1/')
    if [ "$version" -gt "$newest" ]; then newest=$version; fi
  done
  echo "$newest"
}

has_postgres() { [ "$(postgres_version)" -ge 15 ]; }
has_redis() {
  local program
  for program in redis-server valkey-server /opt/homebrew/bin/redis-server /usr/local/bin/redis-server; do
    if has "$program"; then return 0; fi
  done
  return 1
}
# Not a stand-in of the same name: the program itself says whose it is.
# Other programs go by the name of `convert`: the system's own is meant, or version 7's `magick`.
has_imagemagick() { [ -x /usr/bin/convert ] || command -v magick >/dev/null; }
has_coturn() { has turnserver || [ -x /opt/homebrew/bin/turnserver ] || [ -x /usr/local/bin/turnserver ]; }
# The browser's tests look under these names, too.
has_chromium() {
  has chromium || has chromium-browser || has google-chrome ||
    [ -x "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" ] || [ -x /Applications/Chromium.app/Contents/MacOS/Chromium ]
}
has_compiler() { has cc || has gcc || has clang; }

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif has sudo; then
    sudo "$@"
  else
    fail "this needs root: $*" "run it as root, or install \`sudo\`; then \`make setup\` again"
  fi
}

# Debian's packages start what they install, and make a database cluster. Neither is wanted: `banter dev` has its own.
with_apt() {
  local packages=() candidate policy=/usr/sbin/policy-rc.d drop_in=/etc/postgresql-common/createcluster.d/banter.conf
  say "updating the package lists"
  as_root apt-get update -qq
  if [ "$wants_postgres" = 1 ]; then
    candidate=$(apt-cache policy postgresql | sed -nE 's/ *Candidate: ([0-9]+).*/\1/p')
    [ "${candidate:-0}" -ge 15 ] || fail \
      "this system's packages have PostgreSQL ${candidate:-of no version}, and 15 or newer is needed" \
      "add PostgreSQL's own: apt-get install postgresql-common && /usr/share/postgresql-common/pgdg/apt.postgresql.org.sh"
    packages+=(postgresql)
  fi
  [ "$wants_redis" = 0 ] || packages+=(redis-server)
  [ "$wants_compiler" = 0 ] || packages+=(gcc libc6-dev)
  [ "$wants_imagemagick" = 0 ] || packages+=(imagemagick)
  [ "$wants_coturn" = 0 ] || packages+=(coturn)
  [ "$wants_chromium" = 0 ] || packages+=(chromium)
  if [ "$wants_postgres" = 1 ] && [ ! -e "$drop_in" ]; then
    as_root mkdir -p "${drop_in%/*}"
    echo "create_main_cluster = false" | as_root tee "$drop_in" >/dev/null
    undo+=("$drop_in")
  fi
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
    undo+=("$policy")
  fi
  trap 'as_root rm -f "${undo[@]}"' EXIT
  say "apt-get install ${packages[*]}"
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends -o Dpkg::Use-Pty=0 "${packages[@]}" >/dev/null
  # Or they would start with the machine.
  if [ -d /run/systemd/system ]; then
    [ "$wants_redis" = 0 ] || as_root systemctl disable --quiet redis-server || true
    [ "$wants_coturn" = 0 ] || as_root systemctl disable --quiet coturn || true
  fi
}

with_dnf() {
  [ "$wants_postgres" = 0 ] || as_root dnf install -y -q postgresql-server postgresql-contrib
  # Newer Fedoras have Valkey in Redis's place.
  [ "$wants_redis" = 0 ] || as_root dnf install -y -q redis || as_root dnf install -y -q valkey
  [ "$wants_compiler" = 0 ] || as_root dnf install -y -q gcc
  [ "$wants_imagemagick" = 0 ] || as_root dnf install -y -q ImageMagick
  [ "$wants_coturn" = 0 ] || as_root dnf install -y -q coturn
  [ "$wants_chromium" = 0 ] || as_root dnf install -y -q chromium
}

with_brew() {
  [ "$wants_postgres" = 0 ] || brew install postgresql@17
  [ "$wants_redis" = 0 ] || brew install redis
  [ "$wants_compiler" = 0 ] || fail "there is no C compiler" "xcode-select --install"
  [ "$wants_imagemagick" = 0 ] || brew install imagemagick
  [ "$wants_coturn" = 0 ] || brew install coturn
  [ "$wants_chromium" = 0 ] || brew install --cask chromium
}

services() {
  wants_postgres=0 wants_redis=0 wants_compiler=0 wants_imagemagick=0 wants_coturn=0 wants_chromium=0 undo=()
  if ! has_postgres; then
    wants_postgres=1
    say "PostgreSQL 15 or newer is missing: it holds all that Banter must not lose"
  fi
  if ! has_redis; then
    wants_redis=1
    say "Redis is missing: it holds presence and rate limits, and connects replicas"
  fi
  if ! has_compiler; then
    wants_compiler=1
    say "a C compiler is missing: Rust links with it"
  fi
  if [ "${1:-}" = --tests ] && ! has_imagemagick; then
    wants_imagemagick=1
    say "ImageMagick is missing: it makes the pictures, good and hostile, that uploads are tested with"
  fi
  if [ "${1:-}" = --tests ]; then
    if ! has_coturn; then
      wants_coturn=1
      say "coturn is missing: it relays calls, which the tests make"
    fi
    if ! has_chromium; then
      wants_chromium=1
      say "Chromium is missing: calls and rooms are tested in it"
    fi
  fi
  [ "$wants_postgres$wants_redis$wants_compiler$wants_imagemagick$wants_coturn$wants_chromium" != 000000 ] || return 0
  with_packages
  has_postgres || fail "there still is no PostgreSQL 15 or newer (the newest found: $(postgres_version))"
  has_redis || fail "there still is no Redis"
  [ "$wants_coturn" = 0 ] || has_coturn ||
    fail "there still is no coturn" "install it with \`turnserver\` on PATH, then \`make test\` again"
  [ "$wants_chromium" = 0 ] || has_chromium ||
    fail "there still is no Chromium" "install it with \`chromium\` on PATH, then \`make test\` again"
  say "done"
}

# Wanted, and nothing to stop or to ask a password for: whatever goes wrong here, the rest goes on.
relay() {
  if has_coturn; then return 0; fi
  say "coturn is missing: it carries calls for phones whose network lets nothing else through"
  wants_postgres=0 wants_redis=0 wants_compiler=0 wants_imagemagick=0 wants_coturn=1 wants_chromium=0 undo=()
  if [ "$(uname)" = Darwin ] || [ "$(id -u)" -eq 0 ] || sudo -n true 2>/dev/null; then
    (with_packages) || true
  fi
  has_coturn || say "  install the package coturn; until then calls behind strict firewalls will not connect"
}

with_packages() {
  if has brew && [ "$(uname)" = Darwin ]; then
    with_brew
  elif has apt-get; then
    with_apt
  elif has dnf; then
    with_dnf
  else
    fail "no package manager that this script knows (apt-get, dnf, brew)" \
      "install PostgreSQL 15 or newer, Redis and a C compiler, with their programs on PATH"
  fi
}

# Debian has no package of LiveKit, and Go's module system checks what it downloads. Gets it to where `banter dev` looks;
# fails with a note where that cannot be done.
livekit() {
  local version place temporary
  version=$(cat scripts/livekit-version)
  place=${XDG_CACHE_HOME:-$HOME/.cache}/banter/livekit-$version
  if has livekit-server || [ -x "$place/livekit-server" ]; then return 0; fi
  if ! go_is_new_enough; then
    say "LiveKit is missing, and Go 1.26 or newer to build it: calls and rooms will not connect; the rest works"
    say "  install Go as https://go.dev/dl says and run \`make setup\` again, or put livekit-server $version on PATH"
    return 1
  fi
  say "LiveKit is missing: it carries calls and rooms; building livekit-server $version with Go, which takes some minutes"
  mkdir -p "$place"
  temporary=$(mktemp -d "$place/build.XXXXXX")
  # Cross-compiling would put it elsewhere, and the machine's GOFLAGS may ask for what it does not build with.
  if (
    trap 'rm -rf "$temporary"' EXIT
    env -u GOOS -u GOARCH GOFLAGS='' GOBIN="$temporary" GOTOOLCHAIN=local CGO_ENABLED=0 \
      go install -trimpath -ldflags '-s -w' "github.com/livekit/livekit-server/cmd/server@v$version" >&2 &&
      mv -f "$temporary/server" "$place/livekit-server"
  ); then
    say "done: $place/livekit-server"
    return 0
  fi
  say "LiveKit could not be built: calls and rooms will not connect; the rest works"
  say "  put livekit-server $version on PATH, or run \`make setup\` again where Go reaches its module proxy"
  return 1
}

go_is_new_enough() {
  local have major minor
  has go || return 1
  have=$(GOTOOLCHAIN=local go env GOVERSION 2>/dev/null) || return 1
  have=${have#go}
  IFS=. read -r major minor _ <<<"$have"
  minor=${minor%%[!0-9]*}
  [ "${major:-0}" -gt 1 ] || { [ "${major:-0}" -eq 1 ] && [ "${minor:-0}" -ge 26 ]; }
}

rust() {
  has cargo || fail "Rust is missing" "install it as https://rustup.rs says, then \`make setup\` again"
}

clients() {
  local have
  has node && has npm || fail "Node.js 20.14 or newer is missing: the tests with real clients run on it" \
    "install it as https://nodejs.org says, then \`make test\` again"
  have=$(node -p 'const [a, b] = process.versions.node.split(".").map(Number); a > 20 || (a === 20 && b >= 14)')
  [ "$have" = true ] || fail "Node.js $(node --version) is too old: 20.14 or newer is needed"
  # npm notes what it installed in this file.
  if [ clients/node_modules/.package-lock.json -nt clients/package-lock.json ]; then return 0; fi
  say "installing the clients that the tests speak with (npm ci)"
  npm ci --prefix clients --no-audit --no-fund --loglevel=error >&2
  touch clients/node_modules/.package-lock.json
}

rust
services "${1:-}"
if [ "${1:-}" = --tests ]; then
  livekit || fail "the tests need LiveKit"
  clients
else
  relay
  livekit || true
fi
