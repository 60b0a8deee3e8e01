# Everything a contributor or a user does, one word each. `make` alone lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help

PREFIX ?= /usr/local
PORT ?= 3000
PROJECT ?= Fixtures/example
FUZZ_SECONDS ?= 60
# Builds are by product: a plain `swift build` makes everything a second time, as the plugin's tools.
# Linked statically, so that the executables start without looking for Swift's libraries.
RELEASE_FLAGS := -c release --static-swift-stdlib
RELEASE ?= .build/release
# Below PREFIX/share, where each shell looks by itself.
COMPLETIONS := bash-completion/completions zsh/site-functions fish/vendor_completions.d
SOURCES := Package.swift Sources Tests

.PHONY: help
help: ## List what make can do
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

.PHONY: setup
setup:
	@scripts/setup build

.PHONY: build
build: setup ## Build the executables in release
	swift build $(RELEASE_FLAGS) --product spacer-serve
	swift build $(RELEASE_FLAGS) --product spacer

.PHONY: run
run: build ## Build, compile Fixtures/example and serve it on port 3000 (PROJECT=…, PORT=…)
	@mkdir -p .build/run
	$(RELEASE)/spacer build $(PROJECT) -o .build/run/app.spx
	exec $(RELEASE)/spacer run .build/run/app.spx --port $(PORT)

.PHONY: test
test: ## Set up, lint, build and run every test
	@scripts/setup test
	@$(MAKE) --no-print-directory lint
	SPACER_WARNINGS_AS_ERRORS=1 swift build --product spacerPackageTests
	SPACER_WARNINGS_AS_ERRORS=1 swift test --skip-build --disable-xctest

.PHONY: fuzz
fuzz: ## Run every fuzzer for a minute each (FUZZ_SECONDS=…)
	@scripts/setup test
	SPACER_WARNINGS_AS_ERRORS=1 swift build --product spacerPackageTests
	SPACER_WARNINGS_AS_ERRORS=1 SPACER_FUZZ_SECONDS=$(FUZZ_SECONDS) \
	  swift test --skip-build --disable-xctest --no-parallel --filter 'Fuzz|fuzz|Verdict'

.PHONY: bench
bench: build ## Measure against nginx with Lua and Hummingbird's router and print the tables
	@scripts/setup bench
	Benchmarks/run
	swift build -c release --package-path Benchmarks --product RouteBench
	Benchmarks/.build/release/RouteBench $(wildcard ../shared/cases/routes/github.tsv)

.PHONY: format
format: ## Rewrite the sources in the project's format
	swift format --in-place --recursive --parallel $(SOURCES)

.PHONY: lint
lint: ## Check the format without changing anything
	swift format lint --strict --recursive --parallel $(SOURCES)

.PHONY: install
install: build ## Copy the executables and the shells' completions below PREFIX (PREFIX=/usr/local)
	@$(MAKE) --no-print-directory install-files

# Without building: what the tests call, with RELEASE as the folder of their own build.
.PHONY: install-files
install-files:
	install -d $(DESTDIR)$(PREFIX)/bin $(COMPLETIONS:%=$(DESTDIR)$(PREFIX)/share/%)
	install -m 755 $(RELEASE)/spacer $(RELEASE)/spacer-serve $(DESTDIR)$(PREFIX)/bin
	$(RELEASE)/spacer completions bash >$(DESTDIR)$(PREFIX)/share/bash-completion/completions/spacer
	$(RELEASE)/spacer completions zsh >$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_spacer
	$(RELEASE)/spacer completions fish >$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/spacer.fish

.PHONY: clean
clean: ## Remove everything that was built
	rm -rf .build .build-plugin Fixtures/*/.spacer Benchmarks/.build
