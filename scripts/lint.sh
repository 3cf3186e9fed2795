#!/usr/bin/env bash
# Every check that runs no test. Goes on after a failure, so that one run tells everything.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
banter=${CARGO_TARGET_DIR:-target}/debug/banter
failed=()

check() {
  local name=$1
  shift
  printf '\n== %s\n' "$name"
  "$@" || failed+=("$name")
}

# What is not installed is not installed here: it is said, and said how.
optional() {
  local tool=$1
  if cargo "$tool" --version >/dev/null 2>&1; then return 0; fi
  printf '\n== %s: not run, it is not installed (`cargo install --locked cargo-%s`)\n' "$tool" "$tool"
  return 1
}

# Banter is no library for others: its documentation is read with what is private.
documented() {
  RUSTDOCFLAGS="-Dwarnings -Arustdoc::private_intra_doc_links" \
    cargo doc --workspace --no-deps --document-private-items --quiet
}

check "format" cargo fmt --all --check
check "clippy" cargo clippy --workspace --all-targets --quiet -- -D warnings
check "documentation" documented
check ".sqlx is up to date" "$banter" --quiet dev exec --throwaway --dir .banter/prepare -- scripts/prepare.sh --check
if command -v shellcheck >/dev/null; then
  check "shellcheck" shellcheck --exclude=SC2015,SC2016 scripts/*.sh .ci/run
fi
if optional deny; then
  check "deny" cargo deny --log-level error check bans licenses sources
  # This one needs the advisories of today, hence the network.
  if cargo deny --log-level error fetch db >/dev/null 2>&1; then
    check "advisories" cargo deny --log-level error check advisories
  else
    printf '\n== advisories: not run, they could not be fetched\n'
  fi
fi
if optional machete; then check "machete" cargo machete; fi

if [ ${#failed[@]} -gt 0 ]; then
  printf '\nerror: %s of the checks failed: %s\n' "${#failed[@]}" "$(printf '`%s` ' "${failed[@]}")" >&2
  exit 1
fi
printf '\nevery check passed\n'
