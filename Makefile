# HomeServer. `make run` and `make test` are all most people need; `make help` lists the rest.
SHELL := /bin/bash
.DEFAULT_GOAL := help
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
LDFLAGS := -s -w -X main.version=$(VERSION)
GO      := go
# SQLite was C, translated: its own memory, which it guards by its own locks, is outside Go's heap, where
# the detector does not look. So its code is not checked for its use of unsafe pointers (a fifth of
# the tests' time) nor made to report each access (a sixth of the rest). The driver, which touches what we
# hand it, does report.
RACE    := -gcflags=modernc.org/...=-d=checkptr=0 -gcflags=modernc.org/libc=-race=false -gcflags=modernc.org/sqlite/lib=-race=false
# The program that test/ and web/e2e drive, as test/server names its flavours.
DRIVEN  := $(CURDIR)/bin/test
GOLANGCI_VERSION := v2.15.0
TOOLS   := $(CURDIR)/bin/tools
PLATFORMS := linux/amd64 linux/arm64 darwin/arm64 windows/amd64

.PHONY: help run dev web build test test-go test-web check lint bench cross clean tools-test

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-12s %s\n", $$1, $$2}'

run: web ## build everything and serve on http://localhost:8000
	$(GO) run -ldflags '$(LDFLAGS)' ./cmd/homeserver serve

dev: web ## serve with debug logs, and rebuild the pages as they change (two processes, one Ctrl+C)
	@trap 'kill 0' EXIT; (cd web && npm run watch) & DEBUG=true $(GO) run -tags dev ./cmd/homeserver serve

web: ## build the pages into web/static/dist
	$(GO) generate ./web

build: web ## build bin/homeserver
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/homeserver ./cmd/homeserver

test: tools-test web ## every test: SQLite, PostgreSQL, race detector, crash and fault tests, a real browser
	cd web && npm test
	$(GO) build -ldflags '-s -w' -o $(DRIVEN)/homeserver ./cmd/homeserver
	$(GO) build -ldflags '-s -w' -tags failpoint -o $(DRIVEN)/homeserver-failpoint ./cmd/homeserver
	HOMESERVER_BINARIES=$(DRIVEN) $(GO) test -race $(RACE) -timeout 15m ./...
	cd web && HOMESERVER_BINARY=$(DRIVEN)/homeserver npm run e2e

tools-test: ## install what the tests need (PostgreSQL, Chromium), on Debian by apt
	scripts/install-test-tools

check: web lint ## formatting, vet, lint, import law, tidy modules, types and style of the pages
	cd web && npm run check && npm run budget
	scripts/govulncheck

lint: $(TOOLS)/golangci-lint-$(GOLANGCI_VERSION)
	@unformatted=$$(gofmt -l cmd internal test bench web/*.go); [ -z "$$unformatted" ] || { echo "not gofmt'ed: $$unformatted"; exit 1; }
	$(GO) vet ./...
	$(GO) test ./internal/arch
	$(GO) mod tidy -diff
	$(TOOLS)/golangci-lint-$(GOLANGCI_VERSION) run ./...

$(TOOLS)/golangci-lint-$(GOLANGCI_VERSION):
	@mkdir -p $(TOOLS)
	GOFLAGS= GOBIN=$(TOOLS) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	@mv $(TOOLS)/golangci-lint $@

bench: build ## speed and memory, as ratios against nginx and bare loops on the same machine
	$(GO) run ./bench

cross: web ## build for every platform into bin/
	@for p in $(PLATFORMS); do \
	  out=bin/homeserver-$${p%/*}-$${p#*/}; [ $${p%/*} = windows ] && out=$$out.exe; \
	  echo "$$out"; CGO_ENABLED=0 GOOS=$${p%/*} GOARCH=$${p#*/} $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $$out ./cmd/homeserver || exit 1; \
	done

clean: ## remove what was built (never data)
	rm -rf bin web/static/dist web/node_modules
