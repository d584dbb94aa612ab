# `make` alone lists what there is. Everything is made in .venv and the caches that .gitignore names.
# Another interpreter: make PYTHON=/path/to/python3.13 test

# An interpreter that is named gets an environment of its own.
VENV := .venv$(if $(PYTHON),-$(subst /,-,$(PYTHON)))
BIN := $(VENV)/bin
# Twice quiet: errors only. What a machine's own pip configuration has to say is not about us.
PIP := $(BIN)/python -m pip install -qq
# Each process starts servers of its own.
SIDE_BY_SIDE := --numprocesses auto --maxprocesses 4
# An empty folder is an error to mypy.
TYPED := src tests $(if $(wildcard examples/*.py),examples) $(if $(wildcard benchmarks/*.py),benchmarks)

export PYTHON
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help install servers demo test test-full lint types imports fuzz bench bench-full peers hostile soak docs diagrams interop screenshots clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{ printf "  make %-11s %s\n", $$1, $$2 }' Makefile

install: $(VENV)/.dev ## make .venv with all that development needs

demo: $(VENV)/.testing ## from an address to mail sent and read, and an attack that is refused
	@$(BIN)/python -m securemail.demo

test: lint types imports servers ## check all there is to check; what CI runs
	@$(BIN)/pytest $(SIDE_BY_SIDE) --dist loadfile

test-full: install servers ## the longer sweeps, which `make test` leaves out
	@$(BIN)/pytest -m full tests/test_mutants.py
	@$(BIN)/pytest -m full $(SIDE_BY_SIDE) --dist worksteal --ignore tests/test_mutants.py

lint: install ## ruff: rules and format
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check --quiet
	@echo "lint: clean"

types: install ## mypy, strict
	@$(BIN)/mypy $(TYPED)

imports: install ## import-linter: the layers of the design
	@$(BIN)/lint-imports --no-logo

fuzz: install ## atheris on what reads a stranger's bytes, SECONDS=20 for each target
	@$(PIP) --editable '.[fuzz]'
	@$(BIN)/python -m tests.fuzz.run $(or $(SECONDS),20) $(TARGETS)

bench: peers ## measure beside the peers, and write docs/benchmarks.md (6 minutes)
	@$(BIN)/python -m benchmarks

bench-full: peers ## the same with more rounds and larger numbers, into docs/benchmarks-full.md (25 minutes)
	@$(BIN)/python -m benchmarks --full

hostile: peers ## attack this library and its peers, and write docs/hostile-clients.md (13 minutes)
	@$(BIN)/python -m benchmarks.hostile --page docs/hostile-clients.md

soak: install ## watch 500 mailboxes through random bad luck, MINUTES=15, and account for each message
	@$(BIN)/python -m benchmarks.soak --minutes $(or $(MINUTES),15) $(if $(SEED),--seed $(SEED))

docs: $(VENV)/.docs ## build the documents into build/site, strictly: no warning, no dead link
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict
	@echo "docs: build/site/index.html"

diagrams: install ## draw the diagrams in docs/ from the tables
	@$(BIN)/python -m tests.diagrams
	@$(BIN)/python -m tests.flow

interop: install servers ## log in to real servers in every way, and write docs/interop.md
	@SECUREMAIL_WRITE_INTEROP=1 $(BIN)/pytest -q tests/servers/test_interop.py -k mechanism_works

screenshots: install ## take the pictures in docs/screenshots
	@$(BIN)/python -m tests.cli.screenshots

clean: ## remove .venv, caches and what was built
	@rm -rf $(VENV) build dist benchmarks/bin tests/fuzz/.found .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Not listed: `make bench` does it. What cannot be had is left out, and the run says so.
peers: install servers
	@$(PIP) --editable '.[bench]'
	@benchmarks/install-peers

# Not listed: `make test` does it.
servers:
	@tests/install-servers

$(BIN)/python:
	@tests/make-venv $(VENV)

# The stamps are older than pyproject.toml when that has changed.
$(VENV)/.testing: pyproject.toml | $(BIN)/python
	@echo "installing securemail and what its demo needs into $(VENV)"
	@$(PIP) --editable '.[testing]'
	@touch $@

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	@echo "installing securemail and the tools of its developers into $(VENV)"
	@$(PIP) --editable '.[dev]'
	@touch $@ $(VENV)/.testing

$(VENV)/.docs: pyproject.toml | $(BIN)/python
	@echo "installing what builds the documents into $(VENV)"
	@$(PIP) --editable '.[docs]'
	@touch $@
