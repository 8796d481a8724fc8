# setup: .venv with all the rest needs · demo · test · fuzz · lint · docs · reference · bench
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: setup demo test fuzz lint docs reference bench wheel pins clean

setup: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml requirements/dev.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup
	$(BIN)/muster demo

# Pages are tested in Debian's Chromium: it is installed where that is allowed, else those tests say that they were left out.
test: setup
	@command -v chromium >/dev/null || sh tests/install-chromium.sh
	$(BIN)/python -m pytest -n 2 --dist loadgroup

# The property tests alone, with examples that no run had before, and twenty times as many: hours.
fuzz: setup
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m hypothesis --hypothesis-profile deep

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The documentation as a site in site/. A link or an anchor that leads nowhere, or a page out of docs/index.md, is an error.
docs: setup
	$(BIN)/sphinx-build --quiet --fresh-env --nitpicky --fail-on-warning --keep-going --builder html docs site

# The pages under docs/reference/ that are made from the code.
reference: setup
	$(BIN)/python -m scanner.cli.reference docs/reference

bench: setup
	$(BIN)/python -m benchmarks

# A wheel, built and installed into an empty environment, must work with the core's few dependencies alone.
wheel: setup
	sh tests/check-wheel.sh $(BIN)/python

# Pins with hashes for Python 3.11 and newer on any platform; needs uv.
pins:
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --no-header --extra dev --output-file requirements/dev.txt pyproject.toml requirements/build.in

clean:
	rm -rf $(VENV) build dist site *.egg-info muster-demo
