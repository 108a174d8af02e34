# make run    builds parsecd and shows it at work
# make test   runs every check and test; installs what it needs
# make check  the quick ones
# make bench  measures parsecd beside an echo, the bare back end and the reference; bench-short in two minutes
# make abuse  tells whether clients that misbehave cost others anything
# make sim    drives the core through worlds with faults for a minute; soak SECONDS=... for as long as told
# make determinism  has two builds run the same worlds: RUNS=... of them, and LONG=... long ones
# make loom   explores the interleavings of the threads that hand things over; part of make test
# make deps   only installs

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

tools := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/parsecd-tools
export PATH := $(tools)/bin:$(PATH)

cargo := scripts/cargo

.PHONY: deps run test check style lint policy proof loom build instructions bench bench-short abuse sim soak determinism

run:
	scripts/deps
	scripts/run

test: deps style policy lint proof loom instructions build
	$(cargo) test --workspace --locked
	scripts/run target/debug </dev/null

check: style lint
	$(cargo) test --workspace --locked --lib

deps:
	scripts/deps "$(tools)"

style:
	$(cargo) fmt --all --check
	$(cargo) fmt --check --manifest-path core/no-std-proof/Cargo.toml

# Licences, banned crates and sources of all dependencies.
policy:
	$(cargo) deny --locked check --hide-inclusion-graph licenses bans sources

lint:
	$(cargo) clippy --workspace --all-targets --locked -- -D warnings

proof:
	scripts/no-std-proof

# What passes between threads, in every interleaving up to a bound. In a directory of its own, for everything is
# built with loom's primitives.
loom:
	RUSTFLAGS="--cfg loom" $(cargo) test --release --locked -p parsecd-handoff --test loom --target-dir target/loom

# Tests start the daemon, its hosts and the command line client as programs.
build:
	$(cargo) build --workspace --bins --locked

# What a request costs in core and wire has not grown.
instructions:
	scripts/instructions

bench:
	$(cargo) build --release --locked -p parsecd -p parsecd-host -p parsecd-bench
	$(cargo) run --release --locked -p parsecd-bench --bin compare

bench-short:
	$(cargo) build --release --locked -p parsecd -p parsecd-host -p parsecd-bench
	$(cargo) run --release --locked -p parsecd-bench --bin compare -- --short

abuse:
	$(cargo) build --release --locked -p parsecd -p parsecd-host -p parsecd-bench
	$(cargo) run --release --locked -p parsecd-bench --bin abuse

SECONDS ?= 3600
SEED ?= $(shell date +%s)000000
RUNS ?= 2000
LONG ?= 20
budgets := --budget-max 20000
long_budgets := --budget-min 20000
checked = $$($(cargo) metadata --format-version 1 --no-deps | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')/checked

sim:
	$(cargo) run --release --locked -p parsecd-sim -- --seconds 60

# Long worlds and short ones, none of which was run before, and every crash of every story of three requests.
soak:
	$(cargo) run --release --locked -p parsecd-sim -- --crash-table
	$(cargo) run --release --locked -p parsecd-sim -- --seconds $(SECONDS) --seed $(SEED)

# Release and release with debug assertions and overflow checks, in processes of their own.
determinism:
	$(cargo) build --release --locked -p parsecd-sim
	$(cargo) build --profile checked --locked -p parsecd-sim
	$(cargo) run --release --locked -p parsecd-sim -- --runs $(RUNS) $(budgets) --against $(checked)/parsecd-sim
	$(cargo) run --release --locked -p parsecd-sim -- --runs $(LONG) $(long_budgets) --against $(checked)/parsecd-sim

# Each step builds in the same directory, and the first failure should be the cheapest.
.NOTPARALLEL:
