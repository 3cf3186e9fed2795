#!/usr/bin/env bash
# Runs every kind of test, one after the other, goes on after a failure, and ends with a table.
# Runs inside `banter dev exec` (`make test`), which gives DATABASE_URL and REDIS_URL.
#
# A test that is skipped must stand in scripts/skipped.txt, with the reason: else the run fails.
set -uo pipefail
cd "$(dirname "$0")/.." || exit

# Colours would stand between us and the counts; queries are checked from .sqlx, as in a fresh clone.
export NO_COLOR=1 CARGO_TERM_COLOR=never SQLX_OFFLINE=true INSTA_UPDATE=no
logs=${CARGO_TARGET_DIR:-target}/test-logs
rm -rf "$logs"
mkdir -p "$logs"
rows=$logs/rows.tsv
: >"$rows"
tab=$(printf '\t')

# kind NAME COUNTER COMMAND…: runs the command, shows what it says, and lets COUNTER add its rows.
kind() {
  local name=$1 counter=$2 log=$logs/$1.log status=0
  shift 2
  printf '\n== %s: %s\n' "$name" "$*"
  "$@" 2>&1 | tee "$log" || status=$?
  "$counter" "$name" "$log"
  # What no line counts is a failure all the same: a crash, an error of the compiler, nothing run.
  if [ "$status" != 0 ] && ! awk -F '\t' -v kind="$name" '$1 == kind { n += $4 } END { exit !n }' "$rows"; then
    printf '%s\t(exit code %s)\t0\t1\t0\n' "$name" "$status" >>"$rows"
  elif ! grep -q "^$name$tab" "$rows"; then
    printf '%s\t(nothing ran)\t0\t1\t0\n' "$name" >>"$rows"
  fi
}

# A row for each package. Integration tests are all called `it`: their list of sources tells whose they are.
count_rust() {
  awk -v kind="$1" -v OFS='\t' '
    function whose(program,   line, package) {
      package = program
      sub(/.*\//, "", package); sub(/-[0-9a-f]+$/, "", package)
      if (package == "it" && (getline line < (program ".d")) > 0 && match(line, /banter-[a-z]+\/tests/))
        package = substr(line, RSTART, RLENGTH - 6)
      close(program ".d")
      gsub(/_/, "-", package)
      return package
    }
    /^ +Running .*\(.*\)$/ { program = $NF; gsub(/[()]/, "", program); package = whose(program) }
    /^ +Doc-tests / { package = $2; gsub(/_/, "-", package) }
    /^test result: / {
      for (i = 2; i <= NF; i++) {
        if ($i == "passed;") passed[package] += $(i - 1)
        if ($i == "failed;") failed[package] += $(i - 1)
        if ($i == "ignored;") skipped[package] += $(i - 1)
      }
      seen[package] = 1
    }
    END {
      for (package in seen) print kind, package, passed[package], failed[package], skipped[package]
    }' "$2" | sort >>"$rows"
  sed -nE 's/^test (.*) \.\.\. ignored.*/\1/p' "$2" >>"$logs/skipped"
  sed -nE 's/^test (.*) \.\.\. FAILED.*/\1/p' "$2" >>"$logs/failed"
}

# Node's test runner: TAP where its output is no terminal, `ℹ tests 3` in newer versions.
count_node() {
  awk -v kind="$1" -v OFS='\t' '
    $1 != "#" && $1 != "ℹ" { next }
    NF == 3 && $3 ~ /^[0-9]+$/ { count[$2] = $3 }
    END {
      if (!("tests" in count)) exit
      print kind, "clients", count["pass"] + 0, count["fail"] + count["cancelled"], count["skipped"] + count["todo"]
    }' "$2" >>"$rows"
  sed -nE 's/^ *ok [0-9]+ - (.*) # (SKIP|TODO).*/\1/p; s/^ *﹣ (.*) \([0-9.]+ms\) # .*/\1/p' "$2" >>"$logs/skipped"
  sed -nE 's/^ *not ok [0-9]+ - (.*)/\1/p; s/^ *✖ (.*) \([0-9.]+ms\)$/\1/p' "$2" | grep -v ' # TODO' >>"$logs/failed"
}

kind "unit" count_rust cargo test --workspace --no-fail-fast --lib --bins
kind "integration" count_rust cargo test --workspace --no-fail-fast --test '*'
kind "doc" count_rust cargo test --workspace --no-fail-fast --doc
kind "clients" count_node npm test --silent --prefix clients

grep -vE '^ *(#|$)' scripts/skipped.txt | sed 's/ *#.*//' >"$logs/allowed" || true
unnamed=$(sort -u "$logs/skipped" | grep -vxFf "$logs/allowed" || true)

printf '\n'
awk -F '\t' '
  BEGIN { form = "%-16s %-16s %7s %7s %8s\n"; printf form, "kind", "of", "passed", "failed", "skipped" }
  { printf form, $1, $2, $3, $4, $5 }' "$rows"
if [ -s "$logs/failed" ]; then
  printf '\nfailed:\n'
  sed 's/^/  /' "$logs/failed"
fi
if [ -s "$logs/skipped" ]; then
  printf '\nskipped:\n'
  sed 's/^/  /' "$logs/skipped"
fi
if [ -n "$unnamed" ]; then
  printf '\nerror: skipped without a reason in scripts/skipped.txt:\n%s\n' "$unnamed"
fi
# The last line is what machines read.
awk -F '\t' '
  { passed += $3; failed += $4; skipped += $5 }
  END { printf "\n%d passed, %d failed, %d skipped\n", passed, failed, skipped; exit failed > 0 || passed == 0 }' "$rows" \
  && [ -z "$unnamed" ]
