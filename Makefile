# Two commands: `make demo` (raw data to a live endpoint) and `make test` (lint, types, tests).
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test lint types console openapi unit constraints clean help

help:
	@sed -n 's/^# //p' Makefile | head -1

demo: $(VENV)/demo.installed
	$(BIN)/python examples/flights/demo.py

test: lint types console unit

lint: $(VENV)/test.installed
	$(BIN)/ruff check src tests examples benchmarks
	$(BIN)/ruff format --check src tests examples benchmarks

types: $(VENV)/test.installed
	$(BIN)/mypy

# The description of the API that the front end's types are made of.
openapi: $(VENV)/test.installed
	$(BIN)/python -m aimass.console.describe > frontend/openapi.new
	mv frontend/openapi.new frontend/openapi.json

# Node comes from the wheel among the development packages.
console: export PATH := $(abspath $(BIN)):$(PATH)
console: $(VENV)/test.installed
	$(BIN)/python hatch_build.py
	npm --prefix frontend --silent run types
	npm --prefix frontend --silent test

unit: $(VENV)/test.installed $(VENV)/clients.installed
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile

$(VENV)/python:
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "aimass needs Python 3.11 or newer"'
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/demo.installed: pyproject.toml constraints.txt | $(VENV)/python
	$(PIP) -e '.[examples]'
	touch $@

$(VENV)/test.installed: pyproject.toml constraints.txt | $(VENV)/python
	$(PIP) -e '.[dev,examples,keras,lightgbm,mlflow,openvino,otel,postgres,ray,sklearn,tensorboard]'
	touch $@

# The clients of other servers (tests/serve/clients) want other versions than ours: an environment of their own.
$(VENV)/clients.installed: tests/serve/clients/requirements.txt | $(VENV)/python
	rm -rf $(VENV)/clients && $(PYTHON) -m venv --without-pip $(VENV)/clients
	$(BIN)/python -m pip --python $(VENV)/clients/bin/python install --quiet --disable-pip-version-check \
		--no-deps --no-compile -r $<
	touch $@

# New pins: installs the newest versions pyproject allows into a fresh environment and writes them down.
constraints:
	rm -rf $(VENV)-pins && $(PYTHON) -m venv $(VENV)-pins
	$(VENV)-pins/bin/pip install --quiet 'torch==2.13.0' '.[dev,examples,keras,lightgbm,mlflow,openvino,otel,postgres,ray,sklearn,tensorboard]'
	{ sed -n '/^#/p' constraints.txt; $(VENV)-pins/bin/pip freeze | sed 's/+cpu//; /^aimass/d'; } > constraints.new
	mv constraints.new constraints.txt && rm -rf $(VENV)-pins

clean:
	rm -rf $(VENV) .aimass .demo frontend/node_modules src/aimass/console/static .mypy_cache .ruff_cache .pytest_cache
