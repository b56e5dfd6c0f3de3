# Shortcuts for CMake. All output goes to build/, or to BUILD=...; `make help` lists the targets.

BUILD := build
JOBS  := $(shell nproc 2>/dev/null || echo 2)
MAKEFLAGS += --no-print-directory

all: configure ## build libraries and programs
	@cmake --build "$(BUILD)" -j $(JOBS)

configure:
	@[ -e "$(BUILD)/CMakeCache.txt" ] || cmake --preset release -B "$(BUILD)"

demo: ## forward packets between two software cards; needs only gcc, make and cmake
	@scripts/demo "$(BUILD)" $(JOBS)

test: ## install what the tests need, then run all of them, also under the sanitizers
	@scripts/install-test-deps
	@scripts/test-all "$(BUILD)" $(JOBS)

check: ## run the fast tests that the installed packages allow
	@cmake --preset release -B "$(BUILD)" >/dev/null # finds packages installed since the last time
	@cmake --build "$(BUILD)" -j $(JOBS)
	@scripts/run-tests "$(BUILD)" -j $(JOBS) -L fast

SECONDS := 300
TARGET  := $(notdir $(wildcard tests/fuzz/corpus/*))

fuzz: ## fuzz all code that parses untrusted input, SECONDS=300 for each TARGET="capture ..."
	@cmake --preset fuzz -B "$(BUILD)/fuzz" >/dev/null
	@cmake --build "$(BUILD)/fuzz" -j $(JOBS)
	@printf '%s\n' $(TARGET) | xargs -P $(JOBS) -n 1 tests/fuzz/run "$(BUILD)/fuzz" $(SECONDS)

bench: ## compare the driver with DPDK's on a software card; QUICK=1: in two minutes instead of five
	@scripts/install-bench-deps "$(BUILD)"
	@cmake --preset release -B "$(BUILD)" >/dev/null
	@cmake --build "$(BUILD)" -j $(JOBS) --target bench
	@bench/run "$(BUILD)"

bench-vhost: ## compare the vhost-user front end with DPDK's on DPDK's vhost, in eight minutes; QUICK=1: in two
	@scripts/install-bench-deps "$(BUILD)"
	@cmake --preset release -B "$(BUILD)" >/dev/null
	@cmake --build "$(BUILD)" -j $(JOBS) --target bench-vhost
	@bench/vhost/run "$(BUILD)"

bench-latency: all ## measure the latency of packets through the software card and ixy-fwd
	@bench/latency "$(BUILD)"

loc: configure ## count the code of the smallest complete forwarder: under 1000 lines
	@cmake --build "$(BUILD)" --target loc

install: all ## install as cmake --install does; PREFIX and DESTDIR are honoured
	@cmake --install "$(BUILD)" $(if $(PREFIX),--prefix "$(PREFIX)")

format: ## clang-format all C files with version 14, which the format test uses
	@git ls-files -z '*.c' '*.h' | xargs -0 $(or $(shell command -v clang-format-14),clang-format) -i

clean: ## remove build/
	@rm -rf "$(BUILD)"

help:
	@sed -n 's/^\([a-z-]*\):.*## /\1: /p' Makefile

.PHONY: all configure demo test check fuzz bench bench-vhost bench-latency loc install format clean help
