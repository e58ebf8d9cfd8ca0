# Needs only Python (3.11 or later) and make; everything else is installed into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test test-oldest docs types dist gpu-check clean

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

# The site, in build/site: pages, gallery and all that is made of presets, docstrings and ledgers.
# Warnings are errors, and every link within it has to lead somewhere. Nothing is fetched; with
# INFOSIM_DOCS_ONLINE=1 names of other packages become links.
docs: $(VENV)/.installed-docs
	rm -rf build/site build/doctrees
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet --jobs 2 \
		--doctree-dir build/doctrees -b html docs build/site
	$(BIN)/python -m scripts.site.links build/site

# Typical uses of what is public, as a type checker sees them. Descriptions (layers, networks,
# settings) have types; most functions have none, and are taken as they come.
types: $(VENV)/.installed-test
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[types]"
	$(BIN)/python -m mypy --follow-imports silent --warn-unused-ignores --check-untyped-defs \
		--cache-dir build/mypy tests/typing

# The source distribution and the wheel, in dist/. Both are tested outside the checkout: the wheel
# alone trains where there is no compiler and nothing else in PATH, and what it takes is printed; then
# the source's tests run against the installed wheel, the source's own package taken away.
dist: $(VENV)/.installed-test
	rm -rf dist build/sdist && mkdir -p build/sdist
	$(BIN)/python -m pip install --quiet --disable-pip-version-check build
	$(BIN)/python -m build --outdir dist .
	tar xzf dist/infosim-*.tar.gz -C build/sdist --strip-components 1
	cd build/sdist && PYTHONPATH=. $(abspath $(BIN))/python -m pytest --collect-only -q >/dev/null
	rm -rf build/sdist/infosim build/wheel build/alone && mkdir build/alone
	$(PYTHON) -m venv build/wheel
	build/wheel/bin/python -m pip install --quiet --disable-pip-version-check dist/infosim-*.whl
	cd build/alone && PATH= ../wheel/bin/infosim train demo/digits --epochs 2 --out run --quiet
	build/wheel/bin/python -I scripts/installed.py
	build/wheel/bin/python -m pip install --quiet --disable-pip-version-check \
		"infosim[test] @ file://$$(ls $(CURDIR)/dist/infosim-*.whl)"
	cd build/sdist && ../wheel/bin/python -m pytest -n 2 --dist worksteal $(WHEEL_TESTS)

WHEEL_TESTS ?= tests/pid tests/network tests/neuron tests/cli tests/engine tests/test_package.py

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

$(VENV)/.installed-docs: $(VENV)/.installed-test
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[docs]"
	touch $@

$(OLDEST)/.installed: setup.cfg pyproject.toml tests/oldest.txt
	$(PYTHON) -m venv $(OLDEST)
	$(OLDEST)/bin/python -m pip install --quiet --disable-pip-version-check -e ".[test]" \
		-c tests/oldest.txt
	touch $@

clean:
	rm -rf $(VENV) $(OLDEST) build dist docs/made *.egg-info
