# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
#
# Every task of the project. `make` alone lists them. A task sets up what it needs: Debian packages by name, a virtual
# environment in .build/, and what is expensive in the user's cache, keyed by what it is made of.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

SYSTEM_PYTHON ?= /usr/bin/python3
VENV := .build/venv
PYTHON := $(VENV)/bin/python
LAB ?= lab
export PYTHONDONTWRITEBYTECODE := 1

.PHONY: help
help: ## List every task
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## Install the Debian packages and the virtual environment that everything else uses
	@packaging/setup $(SYSTEM_PYTHON) $(VENV)

.PHONY: demo
demo: setup ## The main job on three lab hosts: plan, apply, sync, compare, faults
	$(PYTHON) -m tests.demo

.PHONY: demo-status
demo-status: setup ## Who is in sync, who is behind, and why, in the demo's fleet
	$(PYTHON) -m tests.demo status

.PHONY: demo-down
demo-down: setup ## Remove the demo's hosts
	$(PYTHON) -m tests.lab down --name demo

.PHONY: lint
lint: export PATH := $(abspath $(VENV))/bin:$(PATH)
lint: setup collections ## Formatting, linters, types, import rules, licences, the collection, YAML, shell, fragments
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports --no-cache
	$(VENV)/bin/reuse lint --quiet || $(VENV)/bin/reuse lint
	ANSIBLE_COLLECTIONS_PATH=$(abspath .build/collections) ansible-lint -q
	yamllint --strict .
	git grep -lIEz '^#! ?/.*\b(ba)?sh\b' | xargs -0 shellcheck
	antsibull-changelog lint

.PHONY: test
test: lint ## What CI runs: linters, then every test but the long ones
	$(PYTHON) -m pytest -m "not long" tests

.PHONY: test-full
test-full: lint ## Everything, the long tests too; run it before a release
	$(PYTHON) -m pytest tests

.PHONY: molecule
molecule: setup ## The scenarios of extensions/molecule, one for each role, on two lab hosts
	$(PYTHON) -m tests.molecule

.PHONY: coverage
coverage: setup ## The tests of `make test` with their coverage: all of core and engine, 95 % over all
	$(PYTHON) -m pytest -m "not long" tests --cov --cov-report=
	$(PYTHON) -m coverage report --fail-under=95
	$(PYTHON) -m coverage report --fail-under=100 --include='*/zfs_sync/core/*,*/zfs_sync/engine/*'

.PHONY: bench
bench: setup ## Measure ours beside a baseline: a table of ratios, and .build/bench/*.json
	$(PYTHON) -m tests.bench

.PHONY: collection
collection: setup ## Build the agent's single file, the wheel, and the collection's tarball into .build/dist
	$(PYTHON) packaging/build_collection.py .build/dist

.PHONY: collections
collections: setup ## Build the collection's tarball and install it into .build/collections, as the tests have it
	$(PYTHON) packaging/build_collection.py .build/dist --install .build/collections

.PHONY: wheelhouse
wheelhouse: setup ## Gather the wheels that the witness needs, for hosts without a package index
	packaging/wheelhouse $(VENV) .build/wheelhouse

.PHONY: schemas
schemas: setup ## Write schemas/ and docs/errors/ from the code
	$(PYTHON) packaging/export_schemas.py schemas
	$(PYTHON) -m zfs_sync.core.error_pages docs/errors

.PHONY: docs
docs: schemas ## Write the pages of docs/ that are made from the code
	$(PYTHON) packaging/reference.py docs/reference

.PHONY: locks
locks: setup ## Renew the hash-pinned requirements from pyproject.toml
	packaging/lock $(VENV)

.PHONY: lab-up
lab-up: setup ## Boot three lab hosts: nas1, nas2, vault
	$(PYTHON) -m tests.lab up --name $(LAB) nas1 nas2 vault

.PHONY: lab-down
lab-down: setup ## Remove the lab hosts
	$(PYTHON) -m tests.lab down --name $(LAB)

.PHONY: lab-status
lab-status: setup ## Show the lab hosts
	$(PYTHON) -m tests.lab status --name $(LAB)

.PHONY: lab-ssh
lab-ssh: setup ## A shell on a lab host: make lab-ssh HOST=nas1
	$(PYTHON) -m tests.lab ssh --name $(LAB) $(or $(HOST),nas1)

.PHONY: clean
clean: ## Remove what was built in this clone (not the cache)
	@test ! -x $(PYTHON) || $(PYTHON) -m tests.lab down --all
	rm -rf .build
