# Needs only Python (3.11 or later) and make; everything else is installed into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test gpu-check clean

demo: $(VENV)/.installed
	$(BIN)/infosim demo --force

# Two processes: most tests keep one core busy, and those with threads want two.
test: $(VENV)/.installed-test
	$(BIN)/python -m pytest -n 2 --dist worksteal

# On a machine with an NVIDIA GPU: everything about the cuda backend that only a GPU can show.
# EXTRA=cuda12 for drivers older than CUDA 13.
EXTRA ?= cuda13
gpu-check:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[test,bench,$(EXTRA)]"
	$(BIN)/python -m benchmarks.gpu

$(VENV)/.installed: setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	touch $@

$(VENV)/.installed-test: setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[test]"
	touch $(VENV)/.installed $@

clean:
	rm -rf $(VENV) build *.egg-info
