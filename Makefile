# Every command that people use, and that CI uses. The first run sets up; later ones find it done.
#
# Nothing outside this folder is written: every tool is told here where its caches, its data and its home are.

PYTHON ?= python3.11
CACHE := $(CURDIR)/.cache

export PYTHON
export TMPDIR := $(CACHE)/tmp
export PIP_CACHE_DIR := $(CACHE)/pip
export UV_CACHE_DIR := $(CACHE)/uv
export npm_config_cache := $(CACHE)/npm
# pip asks rustc for its version, and rustup, where rustc is rustup's, writes settings into the home.
export RUSTUP_HOME := $(CACHE)/rustup
export npm_config_update_notifier := false
export PYTHONPYCACHEPREFIX := $(CACHE)/pycache
unexport PYTHONDONTWRITEBYTECODE
unexport PYTHONPATH
unexport VIRTUAL_ENV

# The package managers read their user's settings; what runs after them gets an empty home in the cache.
RUN := HOME=$(CACHE)/home XDG_CACHE_HOME=$(CACHE)/home/.cache XDG_CONFIG_HOME=$(CACHE)/home/.config
BIN := .venv/bin
# Where npm has no forge for the system, one on the PATH will do.
FORGE := $(RUN) PATH="$(CURDIR)/node_modules/.bin:$$PATH" forge
BUILD_CONTRACTS := FOUNDRY_PROFILE=contracts $(FORGE) build --quiet
STAMPS := .cache/stamps
SOLC := .cache/solcx/solc-v0.8.37

.DELETE_ON_ERROR:
.PHONY: help setup demo test test-python simulate test-contracts test-long coverage symbolic mutate lint format \
	abi gas bench bench-peers bench-sending state-machine week lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMPS)/python $(STAMPS)/node $(SOLC) ## Python and Node packages, the compiler

demo: setup ## the main job, end to end, on recorded prices: chain-kit demo
	@$(RUN) $(BIN)/chain-kit demo

test: test-python test-contracts ## every test

# Two at a time; what measures runs alone afterwards.
test-python: setup
ifdef PYTEST_ARGS
	$(RUN) $(BIN)/pytest $(PYTEST_ARGS)
else
	$(RUN) $(BIN)/pytest -q -n 2 --dist loadscope --ignore tests/benchmarks
	$(RUN) $(BIN)/pytest -q tests/benchmarks
endif

# For example: make simulate SIMULATE_ARGS='--seeds 300 1000', or the number of one seed to see what it does.
simulate: setup ## ten thousand runs of the index against faults of its chain, its nodes and its machine
	$(RUN) $(BIN)/python -m tests.simulator $(or $(SIMULATE_ARGS),--seeds 0 10000)

# On two cores that do nothing else; with WEEK_ARGS='--poll-ms 900' where they do.
# Set STATE_MACHINE_SEEDS for more, or fewer: a seed is ten schedules. One alone: python -m tests.state_machine SEED
state-machine: setup ## five thousand schedules of the outbox against faults, reorgs, thefts and kills
	STATE_MACHINE_SEEDS=$${STATE_MACHINE_SEEDS:-500} $(RUN) $(BIN)/pytest -q -n 2 tests/state_machine

week: setup ## a week of the keepers in minutes, with faults all the way: tests/week/week.json, docs/week.svg
	$(RUN) $(BIN)/python -m tests.week --write $(WEEK_ARGS)

test-contracts: setup
	$(FORGE) test $(FORGE_ARGS)

# Proofs, and campaigns of hours where `make test` takes minutes. Set DIFFERENTIAL_CASES for more, or fewer.
test-long: setup symbolic ## symbolic, and every campaign at length
	FOUNDRY_PROFILE=long $(FORGE) test --match-path 'tests/contracts/{fuzz,invariant}/**' $(FORGE_ARGS)
	DIFFERENTIAL_CASES=$${DIFFERENTIAL_CASES:-50000} $(RUN) $(BIN)/pytest -q tests/differential

# Its code is made for measuring: too large for a chain, and by the IR pipeline in the tests too, which lets them read
# the clock late. A test that fails there only fails nothing here, as long as the figures have been written.
coverage: setup ## lines and branches of the contracts that unit tests reach; fails below the floors
	@rm -f .cache/coverage.lcov
	-FOUNDRY_PROFILE=coverage $(FORGE) coverage --ir-minimum --allow-failure --report lcov \
		--report-file .cache/coverage.lcov > .cache/coverage.log 2>&1
	@test -s .cache/coverage.lcov || { tail -n 40 .cache/coverage.log; exit 1; }
	$(RUN) $(BIN)/python tools/coverage.py .cache/coverage.lcov

symbolic: setup $(STAMPS)/symbolic ## what is proven for all inputs, by halmos
	$(call HALMOS_OF,symbolic)
	$(call HALMOS_OF,symbolic-lmsr)

HALMOS_OF = FOUNDRY_PROFILE=$(1) $(RUN) PATH="$(CURDIR)/node_modules/.bin:$$PATH" .cache/symbolic/venv/bin/halmos \
	--forge-build-out .cache/forge/$(1) --solver-timeout-assertion 120s --no-status $(HALMOS_ARGS)

# For example: make mutate MUTATE_ARGS='contracts/hub/EpochHub.sol --sample 20 --seed 7'
mutate: setup $(STAMPS)/mutation ## changes of the contracts that no test notices
	$(RUN) $(BIN)/python tools/mutate.py $(or $(MUTATE_ARGS),$(wildcard contracts/libraries/*.sol))

lint: setup ## style, formatting and types
	$(RUN) $(BIN)/ruff check .
	$(RUN) $(BIN)/ruff format --check .
	$(RUN) $(BIN)/mypy
	$(FORGE) fmt --check
	$(BUILD_CONTRACTS)

format: setup ## rewrites what `make lint` would refuse, where that can be done by rule
	$(RUN) $(BIN)/ruff check --fix-only --quiet .
	$(RUN) $(BIN)/ruff format .
	$(FORGE) fmt

abi: setup ## chain_kit/abi, from the compiler's output
	$(BUILD_CONTRACTS)
	$(RUN) $(BIN)/python tools/write_abi.py

gas: setup ## the committed gas figures, measured again
	$(RUN) $(BIN)/python -m tests.benchmarks.gas
	$(RUN) $(BIN)/python -m tests.benchmarks.peers

bench: setup ## how fast the index is: the floor, a peer, live latency, the curve; writes figures and charts
	$(RUN) $(BIN)/python -m tests.benchmarks.index_speed

bench-peers: setup ## Ponder on the same chain; takes it and Node 22 from npm into .cache/bench
	$(RUN) $(BIN)/python -m tests.benchmarks.index_ponder

bench-sending: setup ## web3.py, ape and the outbox under the same faults; the outbox beside bare transactions
	$(RUN) $(BIN)/python -m tests.benchmarks.sending_peers
	$(RUN) $(BIN)/python -m tests.benchmarks.sending_throughput

lock: setup ## the lock files, from pyproject.toml and package.json
	uv=$$($(BIN)/uv --version | cut -d' ' -f2) && \
	printf 'setuptools==%s\nuv==%s\n' \
		"$$(sed -n 's/^requires = \["setuptools==\(.*\)"\]/\1/p' pyproject.toml)" "$$uv" | \
	$(BIN)/uv pip compile $(COMPILE) --no-annotate -o tools/bootstrap.lock -
	$(BIN)/uv pip compile $(COMPILE) --all-extras -o requirements.lock pyproject.toml
	echo 'halmos==$(HALMOS)' | $(BIN)/uv pip compile $(COMPILE) --no-annotate -o tools/symbolic.lock -
	echo 'slither-analyzer==$(SLITHER)' | $(BIN)/uv pip compile $(COMPILE) --no-annotate -o tools/mutation.lock -
	npm install --package-lock-only

HALMOS := 0.3.3
SLITHER := 0.11.6

COMPILE := --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--custom-compile-command "make lock"

clean: ## everything that any of these made
	rm -rf .venv .cache node_modules .build .hypothesis .mypy_cache .pytest_cache .ruff_cache *.egg-info
	find chain_kit indexer tests tools -name __pycache__ -prune -exec rm -rf {} +

$(CACHE)/tmp:
	@mkdir -p $@ $(CACHE)/home $(STAMPS)

$(STAMPS)/python: requirements.lock tools/bootstrap.lock tools/setup-python.sh pyproject.toml | $(CACHE)/tmp
	@echo "setup: Python packages"
	@tools/setup-python.sh
	@touch $@

$(STAMPS)/node: package-lock.json .npmrc | $(CACHE)/tmp
	@echo "setup: Node packages"
	@npm ci --silent
	@touch $@

# Each in an environment of its own: they want other versions of what the project pins.
$(STAMPS)/symbolic $(STAMPS)/mutation: $(STAMPS)/%: tools/%.lock tools/setup-tool.sh $(STAMPS)/python
	@echo "setup: Python packages of $*"
	@tools/setup-tool.sh $*
	@touch $@

$(SOLC): tools/solc.cjs
	@mkdir -p $(@D)
	@ln -sfn ../../tools/solc.cjs $@
