# Each target is a few lines; what takes more stands in scripts/.

TARGET := $(or $(CARGO_TARGET_DIR),target)
BANTER := $(TARGET)/debug/banter

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

dev: setup ## Run all of Banter here, privately, from nothing (ARGS='--port 6000' passes options on)
	cargo build -p banter-cli -p banter-server
	$(BANTER) dev $(ARGS)

test: build ## Run every kind of test beside a PostgreSQL and Redis of their own
	scripts/setup.sh --tests
	$(BANTER) dev exec --throwaway --dir .banter/test -- scripts/test.sh

bench: setup ## Measure a release build, beside what PostgreSQL itself can do
	cargo build -p banter-cli
	cargo bench -p banter-server --bench load --no-run
	$(BANTER) dev exec --fresh --dir .banter/bench -- cargo bench -p banter-server --bench load

lint: build ## Check format, lints, documentation, the .sqlx cache, licences
	scripts/lint.sh

prepare: setup ## Write .sqlx/ anew, after a query or a migration changed
	@test -x $(BANTER) || cargo build -p banter-cli
	$(BANTER) dev exec --throwaway --dir .banter/prepare -- scripts/prepare.sh

snapshots: build ## Accept what the snapshot tests see now; read the diff before you commit it
	$(BANTER) dev exec --throwaway --dir .banter/test -- \
		env INSTA_UPDATE=always INSTA_FORCE_PASS=1 SQLX_OFFLINE=true cargo test --workspace --no-fail-fast

fmt: ## Format the code
	cargo fmt --all

build: setup ## Build every program and every test
	cargo build --workspace --all-targets

setup: ## Install what is missing: PostgreSQL, Redis, a C compiler, LiveKit, coturn
	scripts/setup.sh

.PHONY: help dev test bench lint prepare snapshots fmt build setup
.DEFAULT_GOAL := help
