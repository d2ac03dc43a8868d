# `make run` and `make test` are all that a new machine needs: each builds what it lacks.

BIN := .venv/bin
ROOMS := hubbub sim tui plugins tests
# The first Python of a supported version that can build a virtual environment.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
	2>/dev/null && echo $$python && break; done)
BENCHES = $(filter-out __init__ __main__,$(basename $(notdir $(wildcard bench/*.py))))
# One more than cores: many tests wait for another process.
JOBS ?= 3
PIP := $(BIN)/python -m pip --disable-pip-version-check
# What keeps worlds, money and terminals safe: every line and branch of it is tested.
WHOLE := sim/store/*,sim/runtime/journal/*,sim/runtime/saves/*,sim/minds/models/budget.py,sim/core/text.py,tui/safe_text.py
# Bytecode is kept, whatever the environment says: else each of some hundred processes compiles all.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run setup test test-all bench check static format lint types contracts security \
	kernels-uncompiled kernels-compiled tests-read coverage package site deploy-check audit cards house fix clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' \
	| awk -F'\t' '{ printf "make %-12s %s\n", $$1, $$2 }'

run: .venv/.installed ## build what is missing and open the screen on the demo world
	@$(BIN)/hubbub

setup: .venv/.ready ## build the environment with the tools that the gate needs

test: .venv/.ready ## run the tests
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal

test-all: .venv/.ready ## run the tests and the long statistics
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal -m "not bench and not online" \
	--hypothesis-profile thorough

bench: .venv/.ready ## time it, against its own C reference too (on a quiet machine)
	$(BIN)/python -m pytest -m bench -s -p no:cacheprovider --timeout 1800
	@for part in $(BENCHES); do echo "== bench.$$part"; $(BIN)/python -m bench.$$part || exit 1; done

check: ## the whole gate: format, lint, types, import contracts, tests with coverage, audit
	@$(MAKE) --no-print-directory --jobs 2 static tests-read kernels-compiled
	@$(MAKE) --no-print-directory test PYTEST_ADDOPTS="--cov --cov-report= --cov-fail-under=0"
	@$(MAKE) --no-print-directory --jobs 2 kernels-uncompiled audit package site deploy-check
	@$(MAKE) --no-print-directory coverage

static: types security contracts lint format house ## what can be seen without running anything

tests-read: .venv/.ready # beside the types: else each of the workers does it, all at the same time
	@$(BIN)/python -m pytest --collect-only -qqq --no-header --disable-warnings

kernels-compiled: .venv/.ready # beside the types: else each of the workers compiles what all need
	@$(BIN)/python -m pytest tests/golden -qq -k "minds or feeds or recommender or platform"

format: .venv/.ready
	$(BIN)/ruff format --check $(ROOMS) bench docs

lint: .venv/.ready
	$(BIN)/ruff check $(ROOMS) bench docs

types: .venv/.ready
	$(BIN)/mypy $(ROOMS) bench

contracts: .venv/.ready
	$(BIN)/lint-imports --no-logo

security: .venv/.ready
	$(BIN)/bandit --quiet --recursive --configfile pyproject.toml hubbub sim tui plugins

kernels-uncompiled: .venv/.ready # kernels are plain Python too: seen by coverage only here
	NUMBA_DISABLE_JIT=1 $(BIN)/python -m pytest tests/unit/kernels tests/golden -n $(JOBS) \
	--cov --cov-append --cov-report= --cov-fail-under=0

coverage: .venv/.ready # of what the two targets above have gathered
	$(BIN)/coverage report --skip-covered
	$(BIN)/coverage report --skip-covered --include '$(WHOLE)' --fail-under 100

package: .venv/.ready ## build wheel and sdist; install the wheel outside the tree and try it (FOR=python3.13)
	@.ci/package $(BIN)/python $(FOR)

site: .venv/.ready ## build the site of docs/ into site/, its links checked
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --config-file docs/mkdocs.yml

deploy-check: .venv/.ready ## syntax of what stands in deploy/
	@deploy/check $(BIN)

audit: .venv/.ready ## known vulnerabilities in what is installed
	@.ci/audit $(BIN)/pip-audit

cards: .venv/.ready ## write the table of models in plugins/README.md anew
	$(BIN)/hubbub models --out plugins/README.md

house: .venv/.ready ## measure the source (lines, files, circles, journeys) against its limits
	@$(BIN)/python -W ignore -m tests.rooms.house --journeys --check

fix: .venv/.ready ## format, and repair what the linter can
	$(BIN)/ruff format $(ROOMS) bench
	$(BIN)/ruff check --fix $(ROOMS) bench

clean: ## remove what was built, the environment too
	rm -rf site .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage*
	find $(ROOMS) -name __pycache__ -prune -exec rm -rf {} +

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "Hubbub needs Python 3.11, 3.12 or 3.13 with its venv module;" \
	"install one (Debian: python3 and python3-venv) or name it: make PYTHON=/path/to/python."; exit 1; }
	$(PYTHON) -m venv .venv

.venv/.installed: pyproject.toml | .venv/bin/python
	$(PIP) install --editable .
	@touch $@

.venv/.ready: pyproject.toml | .venv/bin/python
	@echo "Installing Hubbub and the tools of the gate into .venv; this takes a minute or two."
	@$(PIP) install --quiet --no-compile --editable '.[dev,docs,deploy]' # most of it is never imported
	@touch .venv/.installed $@
