# Six words: install, demo, test, check, docs, build. And what takes minutes or hours: acceptance,
# contract, soak, bench.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: install demo test acceptance contract soak bench check docs build

$(VENV)/.installed: requirements-dev.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

install: $(VENV)/.installed  ## set up everything in .venv

demo: install  ## run preflight against three simulated nodes
	$(BIN)/wincnode-lab demo

test: install  ## run the tests
	$(BIN)/python -m pytest -n 4 --dist loadfile -rs

acceptance: install  ## run whole journeys: both engines on every case, kills, faults, each build and isolation
	$(BIN)/python -m pytest -n 4 --dist loadgroup -rs tests/acceptance tests/faults

contract: install  ## hold our files to containerd's and Kubernetes' own code; needs go, builds once
	$(BIN)/python tests/contract/go_programs.py
	WINCNODE_REQUIRE_GO=1 $(BIN)/python -m pytest -rs tests/contract

soak: install  ## run what takes long: races, each request, mutations of the scripts
	$(BIN)/python -m pytest -rs -s tests/soak

bench: install  ## measure: 500 nodes, faulty ones among 200, Ansible beside; on an idle machine
	PYTHONPATH=tests $(BIN)/python bench/fleet.py

check: install  ## format, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

docs: install  ## write the generated pages
	$(BIN)/python docs/generate.py

build: install  ## build the wheel
	$(BIN)/python -m build --no-isolation --wheel
