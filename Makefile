# The task menu: `make help`.
# Node 24 comes from the npm registry where the machine's own is older; what is fetched or built stands in CACHE by
# version, outside the checkout, so that a second clone starts warm.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
export FRAISEQL_CACHE ?= $(HOME)/.cache/fraiseql-auth

NODE_VERSION := 24.21.0
NODE_DIR := $(FRAISEQL_CACHE)/node-$(NODE_VERSION)
export PATH := $(FRAISEQL_CACHE)/node/bin:$(PATH)
MODULES := node_modules/.installed

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z][a-z0-9-]*:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: node
node: ## bring Node 24 into the cache, unless the machine has it
	@scripts/node $(NODE_VERSION) $(FRAISEQL_CACHE)

$(MODULES): package.json package-lock.json
	@$(MAKE) --no-print-directory node
	npm ci --no-audit --no-fund --loglevel=error
	@touch $@

.PHONY: build
build: $(MODULES) ## bundle the program into dist/main.js
	npm run --silent build

.PHONY: generate
generate: $(MODULES) ## write what is generated: CRDs, RBAC, the chart's copies, the reference pages
	npm run --silent generate

.PHONY: check
check: $(MODULES) ## types, lint, format, boundaries, unused code, generated files
	scripts/check

.PHONY: test-unit
test-unit: $(MODULES) ## the tests that need nothing but this process
	npm run --silent test:unit

.PHONY: test-integration
test-integration: build cluster-install ## the tests against real servers on loopback
	scripts/chromium
	npm run --silent test:integration

.PHONY: test-e2e
test-e2e: image ## the tests in a whole cluster
	scripts/test-e2e

.PHONY: test
test: $(MODULES) ## all suites
	scripts/test

.PHONY: cluster-install
cluster-install: $(MODULES) ## bring what the test cluster is made of
	test/cluster/install

.PHONY: cluster
cluster: cluster-install image ## a shell with a cluster around it, KUBECONFIG set
	test/cluster/run test/cluster/shell

.PHONY: image
image: cluster-install ## build the image, and the one of the fixtures for the tests
	test/cluster/image
	test/cluster/fixtures-image

.PHONY: demo
demo: ## everything set up before your eyes: a cluster, the operator, a FraiseQLAuth, and a login
	@scripts/demo

.PHONY: dev
dev: build ## the auth server on loopback, with a database and an identity provider of its own
	@scripts/postgres
	node scripts/dev.ts

.PHONY: bench
bench: build cluster-install ## figures: apply to Ready, asleep and awake, sizes, memory
	scripts/bench

.PHONY: bench-auth
bench-auth: build ## refresh and verify beside a floor, on loopback; build/bench/auth.json
	@scripts/postgres
	node test/bench/auth/main.ts

.PHONY: refreshes
refreshes: build ## a million refreshes while replicas, database and network fail: no false logout (COUNT=…)
	@scripts/postgres
	node test/bench/refreshes/main.ts

.PHONY: bench-operator
bench-operator: build cluster-install ## the operator's throughput beside a floor, memory, restart, latencies
	scripts/bench-operator

.PHONY: faults
faults: cluster-install ## killed at every write, and every fault on the way: a count of cases that end in the same state
	scripts/faults

.PHONY: soak
soak: build cluster-install ## 30 minutes of edits, deletions, cut watches and killed operators; MINUTES= and RESOURCES= for less
	scripts/soak --minutes $(or $(MINUTES),30) --resources $(or $(RESOURCES),200)
