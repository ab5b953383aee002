# Every target makes and reuses the virtual environment .venv; python3, make and a C compiler are all it needs.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test test-all mutate bench lint clean

demo: .venv/demo.stamp
	$(BIN)/solvent demo

test: .venv/test.stamp
	$(BIN)/python -m pytest -n 2

test-all: .venv/test.stamp .venv/fuzz.stamp
	$(BIN)/python -m pytest -m "long or not long"

mutate: .venv/test.stamp
	$(BIN)/python -m tests.mutation

bench: .venv/bench.stamp
	$(BIN)/python -m benchmarks

lint: .venv/lint.stamp
	$(BIN)/ruff check .
	$(BIN)/mypy

.venv/python.stamp:
	$(PYTHON) -m venv .venv
	touch $@

.venv/demo.stamp: .venv/python.stamp pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	touch $@

.venv/%.stamp: .venv/python.stamp pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check --editable ".[$*]"
	touch $@

clean:
	rm -rf .venv build dist *.egg-info
