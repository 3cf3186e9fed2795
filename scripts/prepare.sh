#!/usr/bin/env bash
# Writes `.sqlx/` anew: what PostgreSQL says of each query, so that Banter builds where no PostgreSQL is.
# Runs inside `banter dev exec` (`make prepare`).
#
#   scripts/prepare.sh           writes .sqlx/
#   scripts/prepare.sh --check   only compares, and fails if it is not up to date
set -euo pipefail
cd "$(dirname "$0")/.."

# A database of its own, from the files: the `banter` that started us may be older than the migrations.
createdb prepare
for migration in migrations/*.sql; do
  once=(--single-transaction)
  ! head -n 1 "$migration" | grep -q '^-- no-transaction' || once=()
  psql --quiet --no-psqlrc --set ON_ERROR_STOP=1 "${once[@]}" --dbname prepare --file "$migration" >/dev/null
done
export DATABASE_URL="postgres://$PGUSER:$PGPASSWORD@$PGHOST:$PGPORT/prepare" SQLX_OFFLINE=false

target=${CARGO_TARGET_DIR:-target}
case $target in /*) ;; *) target=$PWD/$target ;; esac
cache=$target/sqlx
rm -rf "$cache"
mkdir -p "$cache"
# Queries are looked at when the crate is compiled: a touch makes that happen, and is taken back so that the next
# build need not happen again.
crate=banter-core/src/lib.rs
touch -r "$crate" "$cache/.stamp"
touch "$crate"
compiled=0
SQLX_OFFLINE_DIR=$cache cargo check --quiet -p banter-core --all-targets || compiled=$?
touch -r "$cache/.stamp" "$crate"
rm "$cache/.stamp"
[ "$compiled" = 0 ] || exit "$compiled"

if [ "${1:-}" = --check ]; then
  diff -rq .sqlx "$cache" || {
    printf '\nerror: `.sqlx/` is not what the queries and migrations give\n\nhint: `make prepare`, and commit it\n' >&2
    exit 1
  }
else
  rm -rf .sqlx
  mv "$cache" .sqlx
  git status --short .sqlx 2>/dev/null || true
fi
