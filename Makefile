# The few things to know by name. Everything else is `uv run sightline --help`.
.DEFAULT_GOAL := help
SHELL := bash
# deploy/bootstrap.sh puts what the machine lacks there.
export PATH := $(PATH):$(CURDIR)/.sightline/tools/bin
# What runs here is what uv.lock says, without asking again each time.
RUN := uv run --frozen --no-sync

.PHONY: help bootstrap browser environment demo test check compiled unit format schemas bench faults audit up down

help:
	@echo 'make demo    set everything up and open a page to shop on, on real Kafka, Redis and Triton, until Ctrl-C'
	@echo 'make test    everything CI checks: make check, then all tests with coverage'
	@echo 'make check   style, types and layers only'
	@echo 'make unit    the tests that need no service, in parallel, without coverage'
	@echo 'make format  fix what ruff can fix, and format'
	@echo 'make schemas write docs/schemas, docs/asyncapi.yaml and docs/openapi.json again, after a change to an event or a route'
	@echo 'make bench   everything that is measured, and a page of it'
	@echo 'make faults  break every part under load, and check that no event was lost or counted twice'
	@echo 'make audit   known weaknesses of the locked dependencies; asks PyPI'
	@echo 'make up      start the stack on this machine      make down    end it'

bootstrap:
	@bash deploy/bootstrap.sh

# What the tests of the page are driven with.
browser:
	@bash deploy/bootstrap.sh browser

# uv and the Python environment alone: no Java, no Maven, no service.
environment:
	@bash deploy/bootstrap.sh environment

# Where nobody looks at a page, as in CI, it measures once and ends.
demo: bootstrap compiled
	$(RUN) sightline demo $(if $(CI),--once)

# Two files at a time, in their order, each half with services of its own: they wait more than they compute.
test: browser
	$(MAKE) --jobs=2 check compiled
	$(RUN) pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder --durations=60 --durations-min=4 \
		--cov --cov-report=term-missing:skip-covered --cov-fail-under=90

check: bootstrap
	$(RUN) ruff check
	$(RUN) ruff format --check
	$(RUN) mypy
	$(RUN) mypy --explicit-package-bases tests
	$(RUN) lint-imports

# Else each process of the tests, and each of the first workers, compiles for itself, all at the same time.
compiled: bootstrap
	$(RUN) python -c 'from inference.warm_up import warm_up_lists; warm_up_lists()'

# A file at a time: what some of them set up for all of their tests takes half a minute.
unit: environment
	$(RUN) pytest -m "not stack" --quiet --numprocesses auto --dist loadfile --no-loadscope-reorder

format: environment
	$(RUN) ruff check --fix
	$(RUN) ruff format

schemas: environment
	$(RUN) python -m streams.wire.schemas
	$(RUN) python -m web.openapi

bench: bootstrap
	$(RUN) sightline bench all

faults: bootstrap
	$(RUN) sightline bench faults

audit: bootstrap
	uv export --frozen --all-extras --no-emit-workspace --quiet | uvx pip-audit --strict --disable-pip --require-hashes \
		--vulnerability-service pypi --requirement /dev/stdin

up: bootstrap
	$(RUN) sightline up

down: bootstrap
	$(RUN) sightline down
