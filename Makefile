# Cleartide: every command starts here. Needs python3 (3.11 or newer) and make.

SHELL := /bin/sh
.DEFAULT_GOAL := help
unexport PYTHONDONTWRITEBYTECODE

PYTHON := .venv/bin/python
LOCAL := $(PYTHON) -m deploy.local
COMPOSE := docker compose -f deploy/compose.yaml
BOOTSTRAP := @python3 -I deploy/local/bootstrap.py
COMPILE := .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-package cleartide-common
RUNTIME_INPUTS := requirements/runtime.in requirements/embedded.in requirements/build.in
LOCKS := requirements.lock requirements-dev.lock requirements-peers.lock requirements-feeds.lock requirements-tools.lock requirements-streams.lock requirements-readers.lock
WORKERS ?= 3

.PHONY: help up down ps logs alerts trader guest start stop restart rebuild ops store demo tools timescale test test-fast lint bench recount recount-earnings recount-vaults chaos model forms crowd fuzz-api api-examples client picture sign-in schemas \
	lock lock-check clean

help: ## this list
	@awk -F ': ## ' '/^[a-z -]+: ## / {gsub(/ /, "|", $$1); printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: ## start everything and stay (Ctrl-C stops); DETACH=1, LOGS=1, FEED=live, SANDBOX=0, STANDBY=matching, CLEARTIDE_RISK_POOLS=2, STACK=compose
ifeq ($(STACK),compose)
	@$(COMPOSE) up --detach --build --wait
else
	$(BOOTSTRAP) runtime
	@$(LOCAL) up $(if $(DETACH),--detach) $(if $(LOGS),--logs) $(if $(JSON),--json)
endif

down: ## stop everything
ifeq ($(STACK),compose)
	@$(COMPOSE) down
else
	$(BOOTSTRAP) runtime
	@$(LOCAL) down
endif

ps: ## list servers and services with state, pid and port
	$(BOOTSTRAP) runtime
	@$(LOCAL) ps

logs: ## show and follow logs; SERVICE=risk for one
	$(BOOTSTRAP) runtime
	@$(LOCAL) logs $(SERVICE)

sign-in: ## a link by which this machine's operator signs in without a wallet; good once, for ten minutes
	$(BOOTSTRAP) runtime
	@$(LOCAL) sign-in

alerts: ## follow risk alerts, as a third party would; ARGS="--after 0" from the beginning
	$(BOOTSTRAP) runtime
	@url=$$($(LOCAL) url nats_viewer) && CLEARTIDE_URL="$$url" $(PYTHON) -m cleartide.cli alerts $(ARGS)

trader: ## deposit, order, report a trade, as a third party would; DO="deposit alice 1000", DO=--help
	$(BOOTSTRAP) runtime
	@url=$$($(LOCAL) url nats_trader) && CLEARTIDE_URL="$$url" $(PYTHON) -m cleartide.cli $(or $(DO),--help)

guest: ## admit a service of your own, or print what it is started with; NAME=turnover
	$(BOOTSTRAP) runtime
	@$(LOCAL) guest $(or $(NAME),$(error say which: make guest NAME=turnover))

start stop restart: ## one service of a running stack; SERVICE=risk
	$(BOOTSTRAP) runtime
	@$(LOCAL) $@ $(or $(SERVICE),$(error say which: make $@ SERVICE=risk))

rebuild: ## fold a service's input again from the beginning and prove the tables equal; SERVICE=risk
	$(BOOTSTRAP) runtime
	@$(LOCAL) rebuild $(or $(SERVICE),$(error say which: make rebuild SERVICE=risk))

ops: ## the operator's tools on the running stack; DO="dead --after 0", DO=status, DO=--help
	$(BOOTSTRAP) runtime
	@$(LOCAL) operate $(or $(DO),--help)

store: ## market data in the running stack: the command `cleartide`; DO="db stats", DO="ticker", DO=--help
	$(BOOTSTRAP) runtime
	@$(LOCAL) operate cleartide $(or $(DO),--help)

demo: ## try the running sandbox; DO="crash --market BTC --drop 12%", DO=--help
	$(BOOTSTRAP) runtime
	@$(PYTHON) -m cleartide demo $(or $(DO),--help)

tools: ## add what charts, Excel files, raw frames and further venues need: matplotlib, xlsxwriter, zstandard, ccxt
	$(BOOTSTRAP) dev
	@$(PYTHON) -c 'import importlib.util as i, sys; sys.exit(not all(map(i.find_spec, ("ccxt", "matplotlib", "xlsxwriter", "zstandard"))))' || \
		.venv/bin/uv pip install --quiet --python $(PYTHON) --no-deps -r requirements-tools.lock

timescale: ## a PostgreSQL with TimescaleDB for the tests that want one, from the packages of this machine's apt mirror
	$(BOOTSTRAP) dev
	@$(PYTHON) -m tests.support.timescale

test: ## every test, on real servers; ARGS= for pytest
	$(BOOTSTRAP) dev
	@$(MAKE) --no-print-directory tools
	@.venv/bin/pytest -n $(WORKERS) --dist worksteal --durations=10 $(ARGS)

test-fast: ## the tests that start no servers
	$(BOOTSTRAP) dev
	@.venv/bin/pytest -n $(WORKERS) --dist worksteal libs services $(ARGS)

lint: ## style, format and types
	$(BOOTSTRAP) dev
	@.venv/bin/ruff check
	@.venv/bin/ruff format --check
	@.venv/bin/mypy

bench: ## benchmarks; ONLY=engine for one, with QUICK=1 only tried
	$(BOOTSTRAP) dev
	@$(PYTHON) -m benchmarks $(ONLY)

recount: ## analytics against a naive recount of raw events; CORRECTIONS=100000 SEED=7
	$(BOOTSTRAP) dev
	@$(PYTHON) -m services.analytics.tests.recount $(or $(CORRECTIONS),10000) $(if $(SEED),--seed $(SEED))

recount-earnings: ## earnings against a naive recount in SQL of raw events; CORRECTIONS=100000 SEED=7
	$(BOOTSTRAP) dev
	@$(PYTHON) -m tests.agreement.recount $(or $(CORRECTIONS),10000) $(if $(SEED),--seed $(SEED))

recount-vaults: ## vaults against a naive recompute in SQL from raw events; EVENTS=100000 SEED=7
	$(BOOTSTRAP) dev
	@$(PYTHON) -m services.vaults.tests.recount $(or $(EVENTS),10000) $(if $(SEED),--seed $(SEED))

chaos: ## kill services and servers under load, then count what was lost; KILLS=100
	$(BOOTSTRAP) dev
	@$(PYTHON) -m tests.chaos $(if $(KILLS),--kills $(KILLS))

model: ## compare matching with the reference model; STEPS=1000000 SEED=7
	$(BOOTSTRAP) dev
	@$(PYTHON) -m services.matching.tests.model $(if $(STEPS),--steps $(STEPS)) $(if $(SEED),--seed $(SEED))

forms: ## the engine compiled and interpreted over the same random commands; COMMANDS=10000000 SEED=7
	$(BOOTSTRAP) dev
	@$(PYTHON) -m services.matching.engine.tests.forms $(or $(COMMANDS),1000000) $(SEED)

crowd: ## 1,000 requests at once with one Idempotency-Key, over three gateways; REQUESTS=1000
	$(BOOTSTRAP) dev
	@$(PYTHON) -m services.gateway.tests.crowd --requests $(or $(REQUESTS),1000)

fuzz-api: ## requests by the API's own document at a venue that runs, right and wrong; answered as it says, none by a 5xx; CASES=20000
	$(BOOTSTRAP) dev
	@$(PYTHON) -m services.gateway.tests.fuzz --cases $(or $(CASES),20000)

picture: ## film the dashboard while a market falls, a quarter of an hour in all; writes docs/dashboard.gif
	$(BOOTSTRAP) dev
	@$(MAKE) --no-print-directory tools
	@$(PYTHON) -m services.gateway.tests.picture docs/dashboard.gif $(if $(FRAMES),--frames $(FRAMES))

client: ## write the Python client's operations from the API's document
	$(BOOTSTRAP) dev
	@$(PYTHON) -m services.gateway.tests.client_maker

api-examples: ## record the examples of the API's document from a venue that runs
	$(BOOTSTRAP) dev
	@$(PYTHON) -m services.gateway.tests.record

schemas: ## write schemas/ from the contracts
	$(BOOTSTRAP) dev
	@$(PYTHON) -m cleartide.contracts.schemas write

lock: ## write the lock files from requirements/*.in; UPGRADE=1 for newest versions
	$(BOOTSTRAP) dev
	@$(COMPILE) $(if $(UPGRADE),--upgrade) $(RUNTIME_INPUTS) -o requirements.lock
	@$(COMPILE) -c requirements.lock $(RUNTIME_INPUTS) requirements/dev.in -o requirements-dev.lock
	@$(COMPILE) $(if $(UPGRADE),--upgrade) requirements/peers.in -o requirements-peers.lock
	@$(COMPILE) $(if $(UPGRADE),--upgrade) requirements/feeds.in -o requirements-feeds.lock
	@$(COMPILE) -c requirements-dev.lock requirements/tools.in -o requirements-tools.lock
	@$(COMPILE) $(if $(UPGRADE),--upgrade) requirements/streams.in -o requirements-streams.lock
	@$(COMPILE) $(if $(UPGRADE),--upgrade) requirements/readers.in -o requirements-readers.lock

lock-check: ## fail if a lock file is not what its inputs say, or names a host or a path
	$(BOOTSTRAP) dev
	@set -e; new=$$(mktemp -d); trap 'rm -rf "$$new"' EXIT; cp $(LOCKS) "$$new"; \
	$(COMPILE) $(RUNTIME_INPUTS) -o "$$new/requirements.lock"; \
	$(COMPILE) -c requirements.lock $(RUNTIME_INPUTS) requirements/dev.in -o "$$new/requirements-dev.lock"; \
	$(COMPILE) requirements/peers.in -o "$$new/requirements-peers.lock"; \
	$(COMPILE) requirements/feeds.in -o "$$new/requirements-feeds.lock"; \
	$(COMPILE) -c requirements-dev.lock requirements/tools.in -o "$$new/requirements-tools.lock"; \
	$(COMPILE) requirements/streams.in -o "$$new/requirements-streams.lock"; \
	$(COMPILE) requirements/readers.in -o "$$new/requirements-readers.lock"; \
	for lock in $(LOCKS); do diff $$lock "$$new/$$lock"; done; \
	if grep -nE '://|file:|^-' $(LOCKS); then \
	echo 'a lock file names a host or a path'; exit 1; fi; \
	echo 'the lock files are what their inputs say'

clean: ## remove the embedded stack's data, logs and passwords; FORCE=1 does not ask
	$(BOOTSTRAP) runtime
	@$(LOCAL) clean $(if $(FORCE),--force)
