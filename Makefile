# Everything runs from .venv, which the first target makes from the locked requirements.
PYTHON ?= python3
BIN := .venv/bin
N ?=
SEED ?=

.PHONY: demo run test lint bench faults lock

demo: .venv/run
	@$(BIN)/reelay demo

run: .venv/run
	@$(BIN)/reelay run

test: .venv/dev
	@$(BIN)/pytest tests -n 3 --dist worksteal

lint: .venv/dev
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/lint-imports --no-cache && $(BIN)/mypy

faults: .venv/dev
	@$(BIN)/python -m tests.faults $(if $(N),--runs $(N)) $(if $(SEED),--seed $(SEED))

bench: .venv/dev
	@$(BIN)/python -m tests.bench

# Resolve pyproject.toml anew; the locks hold hashes and no index address.
lock: .venv/dev
	@$(BIN)/pip install --quiet uv
	@for set in run:build dev:build,dev; do \
	  extras=$$(echo $${set#*:} | sed 's/[^,]*/--extra &/g; s/,/ /g'); \
	  $(BIN)/uv pip compile pyproject.toml $$extras --universal --python-version 3.11 --generate-hashes \
	    --no-header --no-emit-index-url --no-emit-find-links --upgrade --quiet -o requirements/$${set%%:*}.txt; \
	done

.venv/run: requirements/run.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index -e .
	@touch $@

.venv/dev: requirements/dev.txt .venv/run
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@
