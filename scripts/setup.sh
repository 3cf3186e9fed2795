#!/usr/bin/env bash
# Installs what Banter needs and this machine lacks. Where everything is there it changes nothing and needs no rights.
#
#   scripts/setup.sh           PostgreSQL 15 or newer, Redis (or Valkey), a C compiler; Rust is only asked for
#   scripts/setup.sh --tests   and what the tests need besides: ImageMagick, and clients for Node.js, which is only asked for
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
  if [ "$wants_redis" = 1 ] && [ -d /run/systemd/system ]; then
    as_root systemctl disable --quiet redis-server || true # or it would start with the machine
  fi
}

with_dnf() {
  [ "$wants_postgres" = 0 ] || as_root dnf install -y -q postgresql-server postgresql-contrib
  # Newer Fedoras have Valkey in Redis's place.
  [ "$wants_redis" = 0 ] || as_root dnf install -y -q redis || as_root dnf install -y -q valkey
  [ "$wants_compiler" = 0 ] || as_root dnf install -y -q gcc
  [ "$wants_imagemagick" = 0 ] || as_root dnf install -y -q ImageMagick
}

with_brew() {
  [ "$wants_postgres" = 0 ] || brew install postgresql@17
  [ "$wants_redis" = 0 ] || brew install redis
  [ "$wants_compiler" = 0 ] || fail "there is no C compiler" "xcode-select --install"
  [ "$wants_imagemagick" = 0 ] || brew install imagemagick
}

services() {
  wants_postgres=0 wants_redis=0 wants_compiler=0 wants_imagemagick=0 undo=()
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
  [ "$wants_postgres$wants_redis$wants_compiler$wants_imagemagick" != 0000 ] || return 0
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
  has_postgres || fail "there still is no PostgreSQL 15 or newer (the newest found: $(postgres_version))"
  has_redis || fail "there still is no Redis"
  say "done"
}

rust() {
  has cargo || fail "Rust is missing" "install it as https://rustup.rs says, then \`make setup\` again"
}

clients() {
  local have
  has node && has npm || fail "Node.js 20.11 or newer is missing: the tests with real clients run on it" \
    "install it as https://nodejs.org says, then \`make test\` again"
  have=$(node -p 'const [a, b] = process.versions.node.split(".").map(Number); a > 20 || (a === 20 && b >= 11)')
  [ "$have" = true ] || fail "Node.js $(node --version) is too old: 20.11 or newer is needed"
  # npm notes what it installed in this file.
  if [ clients/node_modules/.package-lock.json -nt clients/package-lock.json ]; then return 0; fi
  say "installing the clients that the tests speak with (npm ci)"
  npm ci --prefix clients --no-audit --no-fund --loglevel=error >&2
  touch clients/node_modules/.package-lock.json
}

rust
services "${1:-}"
if [ "${1:-}" = --tests ]; then clients; fi
