# make            build
# make run        build and serve (ARGS="--listen 0.0.0.0:8080 ...")
# make demo       four clients, two instances, in the terminal
# make test       unit and end-to-end tests
# make check      all that must hold before a commit: format, includes, gcc and clang, sanitizers, fuzzers
# make fuzz       feed every decoder of foreign bytes what nobody thought of (SECONDS=20 each)
# make fresh      what the README says, on a bare Debian in a chroot (RELEASE='bookworm trixie' AS='root sudo'); as root
# make chaos      kill recognisers at random while clients speak (KILLS=1000 SEED=1)
# make soak       sessions come and go, and nothing may grow (MINUTES=10)
# make realtimestt  eight clients and two pooled RealtimeSTT, then one that all share (installs it first, 120 MB to 2.7 GB)
# make bench      measure, and print the tables of docs/benchmarks.md
# Each installs the Debian packages it lacks first.

BUILD ?= build
ARGS ?=

.PHONY: all run demo test check fuzz fresh chaos soak realtimestt bench format clean

# Hosts and decoders that root starts run as another user, who must be able to execute what was built.
all: $(BUILD)/build.ninja
	@umask 022 && ninja -C $(BUILD) --quiet

$(BUILD)/build.ninja:
	@tools/install-packages build
	@umask 022 && meson setup $(BUILD) >$(BUILD).log 2>&1 || { cat $(BUILD).log; rm -rf $(BUILD) $(BUILD).log; exit 1; }
	@rm -f $(BUILD).log

run: all
	@tools/first-models $(BUILD)
	@$(BUILD)/stenopool serve $(ARGS)

demo: all
	@tools/install-packages test
	@tools/demo

test: all
	@tools/install-packages test
	@tools/run-tests $(BUILD)

check:
	@tools/install-packages build test check
	@tools/check

fuzz:
	@tools/install-packages build check
	@tools/fuzz --seconds $(or $(SECONDS),20)

fresh:
	@tools/fresh

chaos: all
	@tools/install-packages test
	@STENOPOOL_BUILD=$(abspath $(BUILD)) KILLS=$(KILLS) SEED=$(SEED) tools/chaos

soak: all
	@tools/install-packages test
	@STENOPOOL_BUILD=$(abspath $(BUILD)) MINUTES=$(MINUTES) tools/soak

realtimestt: all
	@tools/install-packages test
	@STENOPOOL_BUILD=$(abspath $(BUILD)) tools/realtimestt

bench:
	@tools/install-packages build test bench
	@tools/bench

format:
	@tools/install-packages check
	@git ls-files '*.c' '*.h' | xargs clang-format -i

clean:
	rm -rf build build-*
