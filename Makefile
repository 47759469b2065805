# Every target sets up what it needs. `make help` lists them.
#
#   PYTHON=/path/to/python3   which Python makes .venv (3.11 or newer; default: the first found)
#   ARGS="-k lanes -x"        further arguments for pytest, the server or the benchmark

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

PYTHON ?=
ARGS ?=
BIN := .venv/bin
PIP := PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/python -m pip install --quiet
UV := uv==0.13.9
CLIENTS := $(if $(findstring not clients,$(ARGS)),,.venvs/clients/installed)

.PHONY: help demo test check format serve bench bench-cli bench-load bench-serving bench-transform bench-tabular \
	bench-growth bench-hpo bench-reports docs lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' Makefile

demo: .venv/installed ## train, deploy and predict with plain boto3 (3 minutes)
	@bash tools/demo.sh

test: .venv/installed-dev $(CLIENTS) ## run the tests
	@bash tools/prepare_tests.sh
	$(BIN)/pytest -n 2 --dist loadfile $(ARGS)

check: .venv/installed-dev $(CLIENTS) ## judge the code as CI does: format, lint, types, import rules, docs, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@bash tools/prepare_tests.sh
	$(BIN)/pytest -n 2 --dist loadfile $(ARGS)

format: .venv/installed-dev ## bring the code into shape
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

serve: .venv/installed ## run a server on loopback until Ctrl-C
	$(BIN)/gyropilot serve $(ARGS)

bench: .venv/installed-dev ## measure the service and write benchmarks/results/
	$(BIN)/python benchmarks/service.py $(ARGS)

bench-cli: .venv/installed-dev ## measure the command line: imports, help, a whole fit
	$(BIN)/python -m benchmarks.command_line $(ARGS)

bench-load: .venv/installed-dev ## measure the service under load: requests, long objects, a long queue
	$(BIN)/python -m benchmarks.load $(ARGS)

bench-transform: .venv/installed-dev ## measure batch transform: rows per second, and memory as the rows grow
	$(BIN)/python -m benchmarks.transform $(ARGS)

bench-serving: .venv/installed-dev ## measure predictions over HTTP and in process, next to AutoGluon (makes .venvs)
	$(BIN)/python -m benchmarks.serving $(ARGS)

bench-tabular: .venv/installed-dev ## compare with other systems (ARGS="--data FOLDER"; makes .venvs)
	$(BIN)/python -m benchmarks.tabular $(ARGS)

bench-growth: .venv/installed-dev ## measure how time and memory grow with the rows
	$(BIN)/python -m benchmarks.growth $(ARGS)

bench-hpo: .venv/installed-dev ## compare hyperparameter tuning (ARGS="--data FOLDER"; makes .venvs)
	$(BIN)/python -m benchmarks.hpo $(ARGS)

bench-reports: .venv/installed-dev ## measure what the reports of a job cost
	$(BIN)/python -m benchmarks.reports $(ARGS)

docs: .venv/installed-dev ## check the documentation: complete, links lead somewhere, examples run
	$(BIN)/pytest tests/architecture/test_docs.py $(ARGS)

lock: .venv/pyvenv.cfg ## resolve pyproject.toml into the lock files (ARGS=--upgrade: the newest versions)
	$(PIP) $(UV)
	bash tools/lock.sh $(ARGS)

clean: ## remove .venv, .venvs, caches and build products
	rm -rf .venv .venvs tests/clients/javascript/node_modules .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis build dist
	find src tests examples benchmarks tools -name __pycache__ -prune -exec rm -rf {} +

.venv/pyvenv.cfg: | tools/prepare.sh
	@bash tools/prepare.sh $(PYTHON)

# The stamps: pip runs again only when a lock file or the project's metadata changed.
# Torch comes first and alone: of a version that is pinned exactly pip takes the build for CPUs where it finds one.
.venv/installed: requirements-build.lock requirements.lock requirements-networks.lock pyproject.toml | .venv/pyvenv.cfg
	@echo "installing $$(grep -c == requirements-networks.lock) packages into .venv"
	@$(PIP) -r requirements-build.lock -r requirements.lock
	@$(PIP) --constraint requirements-networks.lock "$$(grep ^torch== requirements-networks.lock)"
	@$(PIP) -r requirements-networks.lock
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/installed-dev: requirements-dev.lock .venv/installed
	@echo "installing the tools of development"
	@$(PIP) -r requirements-dev.lock
	@touch $@

# Without them the other tests still run, and those of the clients fail.
.venvs/clients/installed: requirements-clients.lock tests/clients/javascript/package-lock.json | .venv/pyvenv.cfg
	@if bash tools/prepare_clients.sh; then touch $@; fi
