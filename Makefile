# setup: .venv with all the rest needs · demo · test · quick · coverage · fuzz · fuzz-parsers · lint · docs · reference · bench
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# Without bytecode that is kept, every process of the tests compiles the program, and every run of them the tests.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup demo tour test bytecode quick coverage fuzz fuzz-parsers lint docs reference bench wheel dist sbom pins roles clean

setup: $(VENV)/.ready

# What is imported is compiled then: to compile all takes a third of the time, and most is never imported.
$(VENV)/.ready: pyproject.toml requirements/dev.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-compile --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup
	$(BIN)/muster demo

# The pictures of the report and the served page in docs/images.
tour: setup
	$(BIN)/muster demo --out build/demo
	$(BIN)/python -m tests.tour build/demo

# Two more than the cores: tests also wait, for servers that start, retries and deadlines (on two cores 10:41 with three,
# 9:29 with four). Each worker takes files one after the other, so what a file prepares is prepared once, and helps the
# others when it is done (worksteal).
WORKERS ?= $(shell expr $$(nproc 2>/dev/null || echo 2) + 2)

# Most tests write stores, and would wait for the disk: temporary files are in memory where there is room for them.
ROOMY := $(shell df -Pm /dev/shm 2>/dev/null | awk 'NR == 2 && $$4 > 4000 {print "/dev/shm"}')
ifneq ($(ROOMY),)
test quick coverage fuzz fuzz-parsers: export TMPDIR := $(ROOMY)
endif

# Pages are tested in Debian's Chromium: it is installed where that is allowed, else those tests say that they were left out.
test: setup
	@command -v chromium-headless-shell >/dev/null || sh tests/install-chromium.sh
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

# What each worker of the tests would otherwise compile for itself: the tests with their assertions, and all they import.
# Whatever is wrong here is told by `make test`.
bytecode: setup
	-@$(BIN)/python -m pytest --collect-only -qq >/dev/null

# What judges, without servers, browsers and databases: under a minute, for the loop while one works.
QUICK := tests/scanner tests/test_architecture.py tests/test_project.py
SLOW := tests/scanner/serve tests/scanner/store tests/scanner/matching/suggestions tests/scanner/judging/test_nights.py
quick: setup
	$(BIN)/python -m pytest -n 2 --dist worksteal -q -m "not real_server and not browser and not hypothesis" \
	  $(QUICK) $(SLOW:%=--ignore=%)

# All tests, with the lines and branches that they ran: a table in the terminal, and the pages in build/coverage.
coverage: setup
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --cov --cov-report=term:skip-covered --cov-report=html

# The property tests alone, with examples that no run had before, and up to eighty times as many: hours. TESTS: some folders.
TESTS ?= tests
fuzz: setup
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m hypothesis --hypothesis-profile deep $(TESTS)

# Parsers of what others write, each for so many seconds, with inputs that are bred by the code that they reach.
SECONDS ?= 60
fuzz-parsers: setup
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/fuzz.txt
	$(BIN)/python -m tests.fuzzing --seconds $(SECONDS)

# Of workflows, what they let others do and whether GitHub takes them; CI also has actionlint, which cannot be installed by hash.
EXAMPLES := $(wildcard deploy/github/*.yml deploy/github/*/action.yml)
lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/zizmor --offline --no-progress --quiet --pedantic --strict-collection .github $(EXAMPLES)
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml deploy/github/*.yml
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-actions deploy/github/*/action.yml
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.dependabot .github/dependabot.yml

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

# Pins with hashes for Python 3.11 and newer on any platform; needs uv. What is pinned stays, unless UPGRADE=--upgrade.
LOCK := uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header
pins:
	$(LOCK) $(UPGRADE) --extra dev --output-file requirements/dev.txt pyproject.toml requirements/build.in
	$(LOCK) $(UPGRADE) --extra all --constraint requirements/dev.txt --output-file requirements/runtime.txt pyproject.toml
	$(LOCK) $(UPGRADE) --constraint requirements/dev.txt --output-file requirements/core.txt pyproject.toml requirements/build.in
	$(LOCK) $(UPGRADE) --output-file requirements/release.txt requirements/release.in
	$(LOCK) $(UPGRADE) --output-file requirements/fuzz.txt requirements/fuzz.in

# The templates of the read-only role, as the connectors print them.
roles: setup
	$(BIN)/muster connectors aws --policy --as cloudformation >deploy/roles/aws/template.yaml
	$(BIN)/muster connectors aws --policy --as terraform >deploy/roles/aws/main.tf
	$(BIN)/muster connectors azure --policy --as bicep >deploy/roles/azure/main.bicep
	$(BIN)/muster connectors azure --policy --as bicep-vaults >deploy/roles/azure/vaults.bicep
	$(BIN)/muster connectors azure --policy --as terraform >deploy/roles/azure/main.tf
	$(BIN)/muster connectors gcp --policy --as gcloud >deploy/roles/gcp/role.sh
	$(BIN)/muster connectors gcp --policy --as terraform >deploy/roles/gcp/main.tf

# The packages as they are published, built by nothing that is not pinned. The wheel of a commit has the same bytes each time.
dist: export SOURCE_DATE_EPOCH = $(shell git log -1 --format=%ct 2>/dev/null || echo 1700000000)
dist: build/release
	rm -rf dist
	umask 022 && build/release/bin/python -m build --no-isolation --outdir dist .

# A CycloneDX list of all that a full installation runs, with versions and licences.
sbom: build/release
	$(PYTHON) -m venv --clear build/installed
	build/installed/bin/python -m pip install --quiet --require-hashes -r requirements/runtime.txt
	build/release/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible --validate \
	  --output-file build/muster.cdx.json build/installed/bin/python

build/release: requirements/release.txt
	$(PYTHON) -m venv --clear $@
	$@/bin/python -m pip install --quiet --require-hashes -r $<
	@touch $@

clean:
	rm -rf $(VENV) build dist site *.egg-info muster-demo
