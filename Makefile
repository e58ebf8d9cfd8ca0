# Needs only Python (3.11 or later) and make; everything else is installed into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test test-oldest dist gpu-check clean

demo: $(VENV)/.installed
	$(BIN)/infosim demo --force
	$(BIN)/infosim report infosim-demo --examine

# Two processes: most tests keep one core busy, and those with threads want two.
test: $(VENV)/.installed-test
	$(BIN)/python -m pytest -n 2 --dist worksteal

# The oldest versions of everything that setup.cfg allows, in an environment of their own. TESTS
# chooses what runs; continuous integration runs what others' code is closest to (.ci/run).
OLDEST := .venv-oldest
TESTS ?=
test-oldest: $(OLDEST)/.installed
	$(OLDEST)/bin/python -m pytest -n 2 --dist worksteal -p no:cacheprovider $(TESTS)

# The source distribution and the wheel, in dist/; the source is whole, so its tests run.
dist: $(VENV)/.installed-test
	rm -rf dist build/sdist && mkdir -p build/sdist
	$(BIN)/python -m pip install --quiet --disable-pip-version-check build
	$(BIN)/python -m build --outdir dist .
	tar xzf dist/infosim-*.tar.gz -C build/sdist --strip-components 1
	cd build/sdist && PYTHONPATH=. $(abspath $(BIN))/python -m pytest --collect-only -q >/dev/null
	cd build/sdist && PYTHONPATH=. $(abspath $(BIN))/python -m pytest tests/pid tests/test_package.py

# On a machine with an NVIDIA GPU: everything about the cuda backend that only a GPU can show.
# EXTRA=cuda12 for drivers older than CUDA 13.
EXTRA ?= cuda13
gpu-check:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[test,bench,$(EXTRA)]"
	$(BIN)/python -m benchmarks.gpu

$(VENV)/.installed: setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[report]"
	touch $@

$(VENV)/.installed-test: setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[test]"
	touch $(VENV)/.installed $@

$(OLDEST)/.installed: setup.cfg pyproject.toml tests/oldest.txt
	$(PYTHON) -m venv $(OLDEST)
	$(OLDEST)/bin/python -m pip install --quiet --disable-pip-version-check -e ".[test]" \
		-c tests/oldest.txt
	touch $@

clean:
	rm -rf $(VENV) $(OLDEST) build dist *.egg-info
