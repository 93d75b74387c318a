# Everything from a fresh clone: a virtual environment here, then one command each.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: install demo test test-all test-ray check bench clean

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "vaelab needs Python 3.11 or newer; run make PYTHON=python3.12")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m uv --version >/dev/null 2>&1 || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@echo "Installing vaelab into $(VENV)"
	@$(BIN)/python -m uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --editable '.[dev]'
	@touch $(STAMP)

demo: install
	@$(BIN)/vaelab train --demo

# Files side by side, a core each: with more threads than cores torch would crawl.
TEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --maxprocesses=4 --dist loadfile

test: install
	$(TEST)

test-all: install
	$(TEST) -m 'not gpu'

# Hydra's Ray launcher wants an older cloudpickle than the other launchers' newest do.
test-ray:
	@test -x .venv-ray/bin/python || $(PYTHON) -m venv .venv-ray
	@.venv-ray/bin/python -m pip install --quiet --disable-pip-version-check uv
	@.venv-ray/bin/python -m uv pip install --quiet --python .venv-ray/bin/python --editable '.[ray]' pytest
	OMP_NUM_THREADS=1 .venv-ray/bin/python -m pytest -m 'slow or not slow' -k ray tests/test_sweep_killed.py tests/test_launched.py

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

bench: install
	$(BIN)/python scripts/bench_step.py

clean:
	rm -rf $(VENV) .venv-ray
