# Everything starts from a machine with Python 3.11 or newer, make and a C compiler.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
SERVERS := .venv-servers
PIP_FLAGS := --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help setup servers-venv demo test test-fast check mutants bench chaos clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(VENV)/.stamp ## Make the virtual environment and install the pinned packages

# The stamp is written last: a set-up that was interrupted is done again.
$(VENV)/.stamp: requirements.txt requirements-dev.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install $(PIP_FLAGS) -r requirements-dev.txt
	@mkdir -p static-root
	@touch $@

servers-venv: $(SERVERS)/.stamp ## Install the third-party servers that the demo and tests talk to (Kinto, Tryton)

$(SERVERS)/.stamp: requirements-servers.txt
	@test -x $(SERVERS)/bin/python || $(PYTHON) -m venv $(SERVERS)
	$(SERVERS)/bin/python -m pip install $(PIP_FLAGS) -r requirements-servers.txt
	@touch $@

demo: setup servers-venv ## Run the hub beside three real systems, to play with in the browser
	$(BIN)/python manage.py demo

test: setup servers-venv ## Run all tests (the ones in the browser need chromium)
	$(BIN)/python -m pytest

test-fast: setup ## Run the tests that need no server and no browser
	$(BIN)/python -m pytest -m "not servers and not browser"

check: setup ## Lint, format, types, import contracts, migrations, Django's own checks
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -W "ignore:Got an error checking:RuntimeWarning" manage.py makemigrations --check --dry-run
	$(BIN)/python manage.py check --fail-level WARNING

mutants: setup ## Put deliberate faults into a copy of the code, one at a time: a named test has to catch each
	$(BIN)/python -m tests.mutants

chaos: setup servers-venv ## Kill, starve and mislead the hub's real processes while people edit (five minutes)
	$(BIN)/python manage.py chaos

bench: setup ## Measure; the figures and what they are made of are in bench/
	$(BIN)/python -m bench

clean: ## Remove what setup and the tools made; the data folder of the embedded servers stays
	rm -rf $(VENV) $(SERVERS) static-root .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
