# Everything runs in a virtual environment that is made, and brought up to date, as needed.
#   make tune    install luthier and tune a network on the digits data set
#   make test    install what the tests need and run them (PyTorch and SQLite only)

VENV ?= .venv
PYTHON ?= $(shell command -v python3.11 || command -v python3)
JOBS ?= 2

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
UNIT := tests/unit src/luthier --doctest-modules
COMPILED := tests/unit/engines/test_convolutions.py tests/unit/engines/test_laws.py
KERAS := tests/keras/each src/luthier/frameworks/keras src/luthier/engines/keras_eager src/luthier/loop/watching/keras_watch.py --doctest-modules

.DEFAULT_GOAL := help
.PHONY: help tune test unit oldest fast keras browser lint format types layers docs docs-check check clean

help:
	@echo "make tune        tune a network on the digits data set"
	@echo "make test        unit and behaviour tests"
	@echo "make unit        unit tests and doctests alone"
	@echo "make oldest      unit tests with the oldest versions of all dependencies"
	@echo "make fast        tests of the compiled engine (installs JAX); its laws with the oldest JAX, too"
	@echo "make keras       tests of Keras networks on TensorFlow, JAX and PyTorch (installs all three)"
	@echo "make browser     tests of the report in a headless Chromium, that of the system"
	@echo "make lint        ruff: rules and format (make format repairs)"
	@echo "make types       mypy"
	@echo "make layers      import-linter"
	@echo "make docs        generate the reference pages (make docs-check compares)"
	@echo "make check       lint, types, layers and docs-check"
	@echo "make clean       remove the environments and what tools leave"

tune: $(VENV)/run.stamp
	$(BIN)/luthier tune digits --budget 1m --out out/digits

test: $(VENV)/test.stamp
	$(BIN)/python -m pytest -n $(JOBS) $(UNIT) tests/behaviour

unit: $(VENV)/test.stamp
	$(BIN)/python -m pytest -n $(JOBS) $(UNIT)

oldest: $(VENV)-oldest/test.stamp
	$(VENV)-oldest/bin/python -m pytest -n $(JOBS) $(UNIT)

fast: $(VENV)/fast.stamp $(VENV)-oldest-jax/jax.stamp
	$(BIN)/python -m pytest -n $(JOBS) tests/unit/engines tests/unit/loop/training/test_choice.py src/luthier/engines --doctest-modules
	PYTHONPATH=$(abspath $(VENV)-oldest-jax) $(BIN)/python -m pytest -n $(JOBS) $(COMPILED) -k "Compiled or Packed or convolutions"

keras: $(VENV)/keras.stamp
	KERAS_BACKEND=tensorflow $(BIN)/python -m pytest -n $(JOBS) --dist loadfile $(KERAS) tests/keras/once
	KERAS_BACKEND=jax $(BIN)/python -m pytest -n $(JOBS) --dist loadfile $(KERAS)
	KERAS_BACKEND=torch $(BIN)/python -m pytest -n $(JOBS) --dist loadfile $(KERAS)

browser: $(VENV)/browser.stamp
	$(BIN)/python -m pytest tests/browser

lint: $(VENV)/dev.stamp
	$(BIN)/ruff check
	$(BIN)/ruff format --check

format: $(VENV)/dev.stamp
	$(BIN)/ruff check --fix --exit-zero --quiet
	$(BIN)/ruff format

types: $(VENV)/dev.stamp
	$(BIN)/mypy
	$(BIN)/mypy scripts
	$(BIN)/mypy benchmarks

layers: $(VENV)/dev.stamp
	$(BIN)/lint-imports --no-logo

docs: $(VENV)/run.stamp
	$(BIN)/python scripts/docs.py

docs-check: $(VENV)/run.stamp
	$(BIN)/python scripts/docs.py --check

check: lint types layers docs-check

clean:
	rm -rf $(VENV) $(VENV)-oldest $(VENV)-oldest-jax build dist out
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find src tests scripts -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp is newer than what it was installed from; the package itself is installed in place.
# PyTorch comes first and alone: it is large, and stays when the rest is installed anew.

%/torch.stamp: | constraints.txt
	@test -n "$(PYTHON)" || { echo "luthier needs Python 3.11 or newer; none is on the path."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "luthier needs Python 3.11 or newer: make PYTHON=/path/to/python3.11")'
	@echo "Making a virtual environment in $*"
	@$(PYTHON) -m venv $*
	@echo "Installing PyTorch (minutes, the first time)"
	@$*/bin/python -m pip install --quiet --disable-pip-version-check $$(grep '^torch==' constraints.txt)
	@touch $@

$(VENV)/run.stamp: pyproject.toml constraints.txt $(VENV)/torch.stamp
	@echo "Installing luthier"
	@$(PIP) -c constraints.txt -e '.[torch]'
	@touch $@

$(VENV)/test.stamp: pyproject.toml constraints.txt $(VENV)/torch.stamp
	@echo "Installing luthier and what its tests need"
	@$(PIP) -c constraints.txt -e '.[torch,test]'
	@touch $@ $(VENV)/run.stamp

$(VENV)/dev.stamp: pyproject.toml constraints.txt $(VENV)/torch.stamp
	@echo "Installing luthier and the tools of its developers"
	@$(PIP) -c constraints.txt -e '.[torch,dev]'
	@touch $@ $(VENV)/test.stamp $(VENV)/run.stamp

$(VENV)/fast.stamp: pyproject.toml constraints.txt $(VENV)/test.stamp
	@echo "Installing JAX for the compiled engine"
	@$(PIP) -c constraints.txt -e '.[torch,fast,test]'
	@touch $@

# In a folder of its own: JAX needs a newer NumPy than the oldest that the package admits.
$(VENV)-oldest-jax/jax.stamp: constraints-oldest.txt | $(VENV)/fast.stamp
	@echo "Installing the oldest JAX that the package admits"
	@rm -rf $(@D)
	@$(PIP) --no-deps --target $(@D) $$(grep -E '^jax(lib)?==' constraints-oldest.txt)
	@touch $@

$(VENV)/keras.stamp: pyproject.toml constraints.txt $(VENV)/test.stamp
	@echo "Installing Keras with its three backends"
	@$(PIP) -c constraints.txt -e '.[torch,keras,backends,test]'
	@touch $@

$(VENV)/browser.stamp: pyproject.toml constraints.txt $(VENV)/test.stamp
	@echo "Installing what drives a browser"
	@$(PIP) -c constraints.txt -e '.[torch,test,browser]'
	@touch $@

$(VENV)-oldest/test.stamp: pyproject.toml constraints-oldest.txt $(VENV)-oldest/torch.stamp
	@echo "Installing luthier with the oldest versions it admits"
	@$(VENV)-oldest/bin/python -m pip install --quiet --disable-pip-version-check -c constraints-oldest.txt -e '.[torch,test]'
	@touch $@
