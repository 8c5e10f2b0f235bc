# `make demo` shows it, `make test` proves it, `make check` reads it, `make bench` measures it.
# Each target sets up what it needs. On Debian, what the machine lacks comes from its packages.

SHELL := /bin/bash
VENV ?= .venv
PYTHON := $(VENV)/bin/python
STAMP := $(VENV)/.installed
PYTEST_ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup system demo test check bench clean

help:
	@echo "make demo    set everything up and run the main job on examples/"
	@echo "make test    set everything up and pass the tests (PYTEST_ARGS=... to choose)"
	@echo "make check   ruff, mypy --strict, import-linter"
	@echo "make bench   the benchmarks (BENCH_ARGS='--json FILE' for a file)"

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt scripts/find-python
	@python=$$(scripts/find-python) && "$$python" -m venv $(VENV)
	$(PYTHON) -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

system:
	@scripts/system-packages

demo: setup system
	@scripts/demo

test: setup
	@scripts/system-packages --tests
	@scripts/with-engine scripts/run-tests $(PYTHON) $(PYTEST_ARGS)

check: setup
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

bench: setup
	$(PYTHON) -m benchmarks $(BENCH_ARGS)

clean:
	rm -rf $(VENV) .demo .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
