# SPDX-License-Identifier: MIT
# preprof: one Makefile, no recursion. `make help` lists the targets.
#
# Sources and tests are found by wildcard; there is nothing to register:
#   shim/*.c           libpreprof.so (never sanitized) and, without the files
#                      that interpose, the shim objects that tests link
#   tools/*_main.c     one program each, build/MODE/preprof-NAME
#   tools/*.c          libprofile.a
#   server/*.c         build/MODE/preprof-server
#   examples/*.c, .cc  one program each
#   tests/unit/*.c     one cmocka program each
#   tests/torture/*.c  one TAP program each, many threads
#   tests/fuzz/*.c     one fuzz target each, corpus in tests/fuzz/corpus/NAME
#   tests/programs/*   victims and helpers of the .t scripts (lib*.c: a .so)
#   tests/oracle/*.c   what compares the stack walker with libdw and libunwind
#   tests/cross/*      what tests the walker for another architecture
#   tests/helpers/*.c  helpers of the .t scripts that need libprofile.a
#   tests/*/*.t        TAP scripts, run by prove

MODE   ?= release
PREFIX ?= /usr/local
B      := build/$(MODE)
V      ?= 0
Q      := $(if $(filter 1,$(V)),,@)
say     = $(if $(filter 1,$(V)),,@printf '  %-6s %s\n' '$(1)' '$(2)')
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:
MAKEFLAGS += --no-builtin-rules

VERSION := $(shell sed -n 's/^\#define PREPROF_VERSION "\(.*\)"/\1/p' \
	     shim/preprof.h)

# ---- packages: probe=package -------------------------------------------------
# A probe is a command, /a/file or +pkgconfig. Commas part alternatives: one of
# the probes has to find something, else the first package that exists helps.
BUILD_DEPS := gcc=gcc g++=g++ ar=binutils pkg-config=pkg-config \
  /usr/include/string.h=libc6-dev +libuv=libuv1-dev \
  +libllhttp,/usr/share/llhttp/llhttp.c=libllhttp-dev,node-llhttp \
  +libdw=libdw-dev +libelf=libelf-dev \
  /usr/include/libiberty/demangle.h=libiberty-dev \
  +libprotobuf-c=libprotobuf-c-dev protoc-c=protobuf-c-compiler \
  +libdeflate=libdeflate-dev +jansson=libjansson-dev \
  +libunwind-generic=libunwind-dev
TEST_DEPS := +cmocka=libcmocka-dev prove=perl go=golang-go \
  valgrind=valgrind curl=curl /usr/bin/python3=python3 sqlite3=sqlite3 git=git \
  xsltproc=xsltproc jq=jq redis-server=redis-server \
  redis-benchmark=redis-tools cmake=cmake clang=clang eu-addr2line=elfutils \
  llvm-addr2line=llvm dot=graphviz objdump=binutils ps=procps gdb=gdb \
  nginx=nginx-light google-pprof=google-perftools \
  jeprof=libjemalloc-dev mandoc=mandoc
MATRIX_DEPS := aarch64-linux-gnu-gcc=gcc-aarch64-linux-gnu \
  qemu-aarch64=qemu-user debootstrap=debootstrap chromium=chromium heaptrack=heaptrack \
  /usr/lib/x86_64-linux-gnu/libjemalloc.so.2=libjemalloc2 \
  /usr/lib/x86_64-linux-gnu/libtcmalloc_minimal.so.4=libtcmalloc-minimal4 \
  /usr/lib/x86_64-linux-gnu/libtcmalloc.so.4=libgoogle-perftools4 \
  /usr/lib/x86_64-linux-gnu/libmimalloc.so.2.0=libmimalloc2.0 \
  /usr/lib/llvm-14/lib/clang/14.0.6/lib/linux/libclang_rt.fuzzer-x86_64.a=libclang-rt-14-dev \
  /usr/lib/python3.11/test/test_json=libpython3.11-testsuite ruby=ruby \
  php8.2=php8.2-cli node=nodejs /usr/lib/jvm=default-jre-headless \
  R=r-base-core lua5.4=lua5.4 luajit=luajit guile=guile-3.0 \
  tclsh8.6=tcl8.6 /usr/lib/tcl8.6/tclConfig.sh=tcl8.6-dev \
  erl=erlang-base zsh=zsh zstd=zstd zip=zip unzip=unzip \
  gpg=gpg rsync=rsync bc=bc units=units m4=m4 bison=bison flex=flex \
  patch=patch meson=meson file=file gs=ghostscript \
  convert-im6.q16=imagemagick ffmpeg=ffmpeg doxygen=doxygen pandoc=pandoc \
  groff=groff man=man-db vim=vim emacs=emacs-nox tmux=tmux strace=strace \
  busybox=busybox-static gawk=gawk mawk=mawk memcached=memcached wrk=wrk \
  /usr/lib/postgresql/15/bin/pgbench=postgresql-15 wget=wget \
  apache2=apache2-bin

# ---- flags -------------------------------------------------------------------
OPT_release := -O2
OPT_debug   := -Og -Werror
OPT_asan    := -O1 -Werror -fsanitize=address -fno-omit-frame-pointer
OPT_ubsan   := -O1 -Werror -fsanitize=undefined -fno-sanitize-recover=all
OPT_tsan    := -O1 -Werror -fsanitize=thread
ifeq ($(origin OPT_$(MODE)),undefined)
$(error MODE=$(MODE): not one of release debug asan ubsan tsan)
endif
SANITIZED := $(filter asan ubsan tsan,$(MODE))

CFLAGS   ?=
CXXFLAGS ?=
LDFLAGS  ?=
WARN     := -Wall -Wextra -Wshadow -Wundef -Wvla -Wcast-qual
CWARN    := $(WARN) -Wstrict-prototypes -Wmissing-prototypes
BASE     := -std=gnu11 -g -MMD -MP -D_GNU_SOURCE
BASEXX   := -std=c++17 -g -MMD -MP -D_GNU_SOURCE $(WARN)

# The shim: no builtins (hazards A3), exact frame pointers where a walk starts
# (walk.h), initial-exec TLS (hazards B1), nothing exported but what is marked.
# Hooks begin with a cache line: a sampled malloc then takes one, not three.
SHIM_CFLAGS := $(BASE) $(CWARN) -Wconversion -fPIC -fno-builtin \
  -fvisibility=hidden -fno-semantic-interposition -ftls-model=initial-exec \
  -fno-omit-frame-pointer -foptimize-sibling-calls \
  -falign-functions=64 -fasynchronous-unwind-tables -fno-stack-protector -Ishim
SHIM_OPT := $(if $(filter debug,$(MODE)),-O1 -Werror,-O2)
SHIM_LDFLAGS := -shared -Wl,-z,defs -Wl,-z,now -Wl,-z,relro \
  -Wl,--version-script=shim/libpreprof.map -Wl,-soname,libpreprof.so \
  -Wl,--as-needed -static-libgcc -Wl,--exclude-libs,ALL

pc = $(shell pkg-config $(1) 2>/dev/null)
# Which headers of another folder a folder may see (design: shim <- tools <-
# server): build/only/FOLDER holds links to just these.
ONLY_tools    := shim/segment.h shim/preprof.h
ONLY_server   := shim/preprof.h tools/render.h
ONLY_examples := shim/preprof.h

TOOLS_CFLAGS = $(BASE) $(CWARN) $(OPT_$(MODE)) -Ibuild/only/tools -Ibuild/gen \
  $(call pc,--cflags libdw libdeflate jansson libprotobuf-c libunwind-generic)
TOOLS_LIBS = $(call pc,--libs libdw libelf libdeflate jansson libprotobuf-c \
  libunwind-generic) -l:libiberty.a -lm -pthread
SERVER_CFLAGS = $(BASE) $(CWARN) $(OPT_$(MODE)) -Ibuild/only/server -Ibuild/gen \
  $(call pc,--cflags libuv jansson) $(LLHTTP_CFLAGS)
SERVER_LIBS = $(call pc,--libs libuv jansson) $(LLHTTP_LIBS)
TEST_CFLAGS = $(BASE) $(WARN) $(OPT_$(MODE)) -fno-builtin -Ishim -Itools \
  -Iserver -Itests -Ibuild/gen \
  $(call pc,--cflags libuv libdw jansson libdeflate libprotobuf-c) \
  $(LLHTTP_CFLAGS)
# Programs under the shim are plain programs in every mode.
PLAIN_CFLAGS = -g -O2 -MMD -MP -D_GNU_SOURCE -Wall -Wextra -fno-builtin \
  -Ibuild/only/examples

# llhttp: the distribution's library where there is one, else Debian's source
# package compiled in strict mode (hazards I2).
ifneq ($(call pc,--modversion libllhttp),)
LLHTTP_CFLAGS = $(call pc,--cflags libllhttp)
LLHTTP_LIBS   = $(call pc,--libs libllhttp)
LLHTTP_OBJS   =
else
LLHTTP_SOURCE = /usr/share/llhttp
LLHTTP_CFLAGS = -isystem /usr/share/include/llhttp -DLLHTTP_STRICT_MODE=1
LLHTTP_LIBS   =
LLHTTP_OBJS   = $(patsubst %,$(B)/llhttp/%.o,api http llhttp)
endif

# ---- what there is to build --------------------------------------------------
obj = $(patsubst %.c,$(B)/%.o,$(1))

SHIM_SRCS     := $(wildcard shim/*.c)
WALKER        := $(patsubst shim/%.c,%,$(wildcard shim/arch_*.c)) cfi expression \
                 fde fiber frame guess memo os rules spine walk walk_escape
SHIM_ONLY     := $(wildcard shim/interpose*.c shim/init.c)
SHIM_PARTS    := $(filter-out $(SHIM_ONLY),$(SHIM_SRCS))
TOOL_MAINS    := $(wildcard tools/*_main.c)
TOOL_SRCS     := $(filter-out $(TOOL_MAINS),$(wildcard tools/*.c))
TOOL_PROGRAMS := $(patsubst tools/%_main.c,$(B)/preprof-%,$(TOOL_MAINS))
SERVER_SRCS   := $(filter-out server/main.c,$(wildcard server/*.c))
EXAMPLES      := $(patsubst %,$(B)/%,$(basename $(wildcard examples/*.c*)))
UNITS         := $(patsubst %.c,$(B)/%,$(wildcard tests/unit/test_*.c))
TORTURES      := $(patsubst %.c,$(B)/%,$(wildcard tests/torture/*.c))
FUZZERS       := $(patsubst %.c,$(B)/%,$(wildcard tests/fuzz/fuzz_*.c))
VICTIM_LIBS   := $(patsubst %,$(B)/%.so,\
                   $(basename $(wildcard tests/programs/lib*.c*)))
VICTIMS       := $(patsubst %.c,$(B)/%,\
                   $(filter-out tests/programs/lib%,$(wildcard tests/programs/*.c))) \
                 $(patsubst %.cc,$(B)/%,\
                   $(filter-out tests/programs/lib%,$(wildcard tests/programs/*.cc))) \
                 $(VICTIM_LIBS)
HELPERS       := $(patsubst %.c,$(B)/%,$(wildcard tests/helpers/*.c))
ORACLES       := $(B)/tests/oracle/rows $(B)/tests/oracle/libtraces.so
BENCHES       := $(patsubst %.c,$(B)/%,$(wildcard tests/bench/*.c))
SHIM          := $(B)/libpreprof.so
SERVER        := $(if $(wildcard server/main.c),$(B)/preprof-server)
PROGRAMS      := $(SHIM) $(TOOL_PROGRAMS) $(SERVER)

# Which tests run in which mode. The preload itself runs under no sanitizer
# (they own malloc); its parts do, as unit and torture tests.
#                unit  torture  fuzz  cli  preload  server  oracle
TESTS_release := unit  torture  fuzz  cli  preload  server  oracle
TESTS_debug   := unit  torture  fuzz  cli  preload  server  oracle
TESTS_asan    := unit           fuzz  cli           server
TESTS_ubsan   := unit  torture  fuzz  cli
TESTS_tsan    := unit  torture

.PHONY: all run test check bench bench-walks bench-parts bench-peers chart \
        fuzz oracle aarch64 install uninstall format-check clean help \
        deps deps-test deps-matrix chroot-test matrix soak
all: $(PROGRAMS) $(EXAMPLES) ## build everything (MODE=release|debug|asan|ubsan|tsan, V=1)

# ---- rules -------------------------------------------------------------------
build/only/tools build/only/server build/only/examples: build/only/%: Makefile
	@mkdir -p $@ && ln -sf $(patsubst %,../../../%,$(ONLY_$*)) $@ && touch $@

$(B)/shim/%.o: shim/%.c
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(SHIM_CFLAGS) $(SHIM_OPT) $(CFLAGS) -c $< -o $@

# The same parts for unit tests: sanitized as the mode says.
$(B)/parts/%.o: shim/%.c
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(SHIM_CFLAGS) $(SHIM_OPT) $(OPT_$(MODE)) $(CFLAGS) -c $< -o $@

build/gen/profile.pb-c.c: tools/profile.proto
	$(call say,PROTO,$@)
	@mkdir -p $(@D)
	$(Q)protoc-c --proto_path=tools --c_out=$(@D) $<

$(B)/gen/%.o: build/gen/%.c
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(BASE) $(OPT_$(MODE)) $(CFLAGS) -w -c $< -o $@

$(B)/tools/%.o: tools/%.c build/gen/profile.pb-c.c | build/only/tools
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(TOOLS_CFLAGS) $(CFLAGS) -c $< -o $@

$(B)/server/%.o: server/%.c | build/only/server
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(SERVER_CFLAGS) $(CFLAGS) -c $< -o $@

$(B)/llhttp/%.o: $(LLHTTP_SOURCE)/%.c
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -g -O2 $(filter -fsanitize%,$(OPT_$(MODE))) $(LLHTTP_CFLAGS) \
	  $(CFLAGS) -w -c $< -o $@

$(SHIM): $(call obj,$(SHIM_SRCS)) shim/libpreprof.map
	$(call say,LINK,$@)
	$(Q)$(CC) $(SHIM_LDFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^)

$(B)/libshimparts.a: $(patsubst shim/%.c,$(B)/parts/%.o,$(SHIM_PARTS))
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(B)/libprofile.a: $(call obj,$(TOOL_SRCS)) $(B)/gen/profile.pb-c.o
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(B)/libserver.a: $(call obj,$(SERVER_SRCS)) $(LLHTTP_OBJS)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(TOOL_PROGRAMS): $(B)/preprof-%: $(B)/tools/%_main.o $(B)/libprofile.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(OPT_$(MODE)) $(LDFLAGS) -o $@ $^ $(TOOLS_LIBS)

$(B)/preprof-server: $(B)/server/main.o $(B)/libserver.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(OPT_$(MODE)) $(LDFLAGS) -o $@ $^ $(SERVER_LIBS)

$(B)/examples/%: examples/%.c | build/only/examples
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(PLAIN_CFLAGS) $(CFLAGS) -o $@ $< -pthread
$(B)/examples/%: examples/%.cc | build/only/examples
	$(call say,CXX,$@)
	@mkdir -p $(@D)
	$(Q)$(CXX) $(PLAIN_CFLAGS) $(CXXFLAGS) -o $@ $< -pthread

$(B)/tests/unit/%: tests/unit/%.c $(B)/libprofile.a $(B)/libshimparts.a \
                   $(B)/libserver.a
	$(call say,TEST,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(TEST_CFLAGS) $(CFLAGS) -o $@ $< $(filter %.a,$^) -lcmocka -lm \
	  $(TOOLS_LIBS) $(SERVER_LIBS)

$(B)/tests/torture/%: tests/torture/%.c $(B)/libshimparts.a $(B)/libprofile.a
	$(call say,TEST,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(TEST_CFLAGS) $(CFLAGS) -o $@ $< $(filter %.a,$^) -pthread

$(B)/tests/helpers/%: tests/helpers/%.c $(B)/libprofile.a
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(TEST_CFLAGS) $(CFLAGS) -o $@ $^ $(TOOLS_LIBS)

$(B)/tests/oracle/rows: tests/oracle/rows.c $(B)/libshimparts.a
	$(call say,TEST,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(TEST_CFLAGS) $(CFLAGS) -o $@ $(filter %.c %.a,$^) \
	  $(call pc,--libs libdw libelf)

# A preload, so of objects made like the shim's, whatever the mode.
$(B)/tests/oracle/libtraces.so: tests/oracle/libtraces.c \
    $(patsubst %,$(B)/shim/%.o,$(WALKER))
	$(call say,TEST,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(SHIM_CFLAGS) -O2 -Wno-conversion $(CFLAGS) -shared -o $@ \
	  $(filter %.c %.o,$^)

# A fuzz target is LLVMFuzzerTestOneInput(); replay.c runs the corpus through
# it without an engine. `make fuzz` links libFuzzer instead (run.sh).
FUZZ_ENGINE ?= tests/fuzz/replay.c
$(B)/tests/fuzz/%: tests/fuzz/%.c $(FUZZ_ENGINE) $(B)/libprofile.a \
                   $(B)/libshimparts.a $(B)/libserver.a
	$(call say,TEST,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(TEST_CFLAGS) $(CFLAGS) -o $@ $(filter %.c %.a,$^) \
	  $(TOOLS_LIBS) $(SERVER_LIBS)

# A program's own flags stand in it, on a line "FLAGS: ...".
own_flags = $(shell sed -n 's,.*FLAGS: *\([^*]*\).*,\1,p' $(1))
$(B)/tests/programs/lib%.so: tests/programs/lib%.c | build/only/examples
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(PLAIN_CFLAGS) -fPIC -shared -o $@ $< $(call own_flags,$<)
$(B)/tests/programs/lib%.so: tests/programs/lib%.cc | build/only/examples
	$(call say,CXX,$@)
	@mkdir -p $(@D)
	$(Q)$(CXX) $(PLAIN_CFLAGS) -fPIC -shared -o $@ $< $(call own_flags,$<)
$(B)/tests/programs/%: tests/programs/%.c | build/only/examples
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(PLAIN_CFLAGS) -o $@ $< -pthread $(call own_flags,$<)
$(B)/tests/programs/%: tests/programs/%.cc | build/only/examples
	$(call say,CXX,$@)
	@mkdir -p $(@D)
	$(Q)$(CXX) $(PLAIN_CFLAGS) -o $@ $< -pthread $(call own_flags,$<)
$(B)/tests/bench/%: tests/bench/%.c | build/only/examples
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(PLAIN_CFLAGS) -o $@ $< -pthread -lm

# ---- running -----------------------------------------------------------------
# What `deps` installs decides how to build, and make has looked around already
# when it does: a second make builds.
ifneq ($(SERVER),)
PORT ?= 8080
run: deps ## install what is missing, build, start the sample server
	$(Q)$(MAKE) --no-print-directory $(PROGRAMS)
	@exec $(SERVER) --port $(PORT)
endif

TESTS := $(TESTS_$(MODE))
BUILT_unit    := $(UNITS)
BUILT_torture := $(TORTURES)
BUILT_fuzz    := $(FUZZERS)
BUILT_cli     := $(PROGRAMS) $(EXAMPLES) $(VICTIMS) $(HELPERS)
BUILT_preload := $(PROGRAMS) $(VICTIMS) $(HELPERS)
BUILT_server  := $(PROGRAMS) $(VICTIMS)
BUILT_oracle  := $(ORACLES) $(B)/tests/programs/throws $(B)/tests/programs/holes
RUN_unit      := $(UNITS)
RUN_torture   := $(TORTURES)
RUN_fuzz      := $(FUZZERS) $(wildcard tests/fuzz/*.t)
RUN_cli       := $(wildcard tests/cli/*.t)
RUN_preload   := $(wildcard tests/preload/*.t)
RUN_server    := $(wildcard tests/server/*.t)
RUN_oracle    := $(wildcard tests/oracle/*.t)
PROVE = BUILD=$(B) MODE=$(MODE) prove --timer --failures --comments \
  --exec tests/tap.sh

test: deps-test ## install what is missing, build, run every test of MODE
	$(Q)$(MAKE) --no-print-directory $(foreach t,$(TESTS),$(BUILT_$(t)))
	$(Q)$(PROVE) $(foreach t,$(TESTS),$(RUN_$(t)))

# Without the longest of the tests, 120 000 addresses against addr2line.
check: $(foreach t,unit fuzz cli,$(BUILT_$(t))) ## a subset of the tests in under 30 s
	$(Q)$(PROVE) $(filter-out %/symbols.t,$(foreach t,unit fuzz cli,$(RUN_$(t))))

test-%: $(PROGRAMS) $(VICTIMS) $(EXAMPLES) ## one folder of tests: test-unit test-cli test-preload ...
	$(Q)$(MAKE) --no-print-directory $(BUILT_$*)
	$(Q)$(PROVE) $(RUN_$*)

bench: $(PROGRAMS) $(BENCHES) ## measure: ratios in interleaved runs
	$(Q)BUILD=$(B) tests/bench/run.py
	$(Q)BUILD=$(B) tests/bench/profile.py
	$(Q)BUILD=$(B) tests/bench/lock.py

bench-walks: $(BENCHES) ## how memo and spine find the stacks of the workloads
	$(Q)$(MAKE) --no-print-directory B=build/walks CFLAGS=-DPREPROF_COUNT_WALKS \
	  build/walks/libpreprof.so
	$(Q)BUILD=$(B) tests/bench/walks.py build/walks/libpreprof.so

oracle: $(BUILT_oracle) ## compare the walker with libdw and libunwind at length: docs/walker.md
	@mkdir -p docs
	$(Q)ORACLE=long ORACLE_OUT=$(B)/tests/oracle $(PROVE) $(RUN_oracle)
	$(Q)cat $(B)/tests/oracle/rows.md $(B)/tests/oracle/traces.md >docs/walker.md

# Every test that has a long form says so by reading SOAK; torture tests are run
# twenty times.
soak: deps-test ## the long tests: an hour
	$(Q)$(MAKE) --no-print-directory $(BUILT_preload) $(TORTURES)
	$(Q)SOAK=1 TEST_TIMEOUT=3600 $(PROVE) --verbose \
	  $(shell grep -l 'SOAK' tests/preload/*.t)
	$(Q)for round in $$(seq 20); do $(PROVE) $(TORTURES) || exit 1; done

# MATRIX="NAME..." runs only those rows, and leaves the table alone.
matrix: deps-matrix ## run real programs with and without the shim: docs/compatibility.md
	$(Q)$(MAKE) --no-print-directory $(PROGRAMS) $(VICTIMS) $(HELPERS)
	@mkdir -p docs
	$(Q)BUILD=$(B) tests/matrix/run.py $(or $(MATRIX),--output docs/compatibility.md)

# The shim and the walker's tests for the other architecture, as plain TAP: the
# build machine has no cmocka for it. With pointer authentication where the
# processor has it, and bound at once: glibc's unwind table of its lazy binder
# is wrong there.
A64       := build/aarch64
A64_ROOT  := /usr/aarch64-linux-gnu
A64_RUN   := qemu-aarch64 -cpu max -E LD_BIND_NOW=1 -L $(A64_ROOT)
A64_TESTS := $(patsubst %,$(A64)/tests/%,test_walk test_walk_steps test_spine)
A64_LIBS   = $(addprefix $(A64_ROOT)/lib/,ld-linux-aarch64.so.1 libc.so.6 \
  libm.so.6 libstdc++.so.6 libgcc_s.so.1 libgomp.so.1 libhwasan.so.0 \
  libubsan.so.1)
$(A64)/tests/%: tests/unit/%.c $(A64)/libshimparts.a
	$(call say,TEST,$@)
	@mkdir -p $(@D)
	$(Q)aarch64-linux-gnu-gcc $(BASE) $(WARN) -O2 -fno-builtin \
	  -mbranch-protection=standard -Ishim -Itests -Itests/cross -o $@ $< \
	  $(A64)/libshimparts.a -pthread
$(A64)/tests/rows_say: tests/cross/rows_say.c $(A64)/libshimparts.a
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)aarch64-linux-gnu-gcc $(BASE) $(WARN) -O2 -Ishim -o $@ $< \
	  $(A64)/libshimparts.a -pthread
aarch64: ## build the shim for aarch64, test its walker under qemu (deps-matrix)
	$(Q)$(MAKE) --no-print-directory B=$(A64) CC=aarch64-linux-gnu-gcc \
	  AR=aarch64-linux-gnu-ar CFLAGS=-mbranch-protection=standard \
	  $(A64)/libpreprof.so $(A64)/libshimparts.a
	$(Q)$(MAKE) --no-print-directory $(A64_TESTS) $(A64)/tests/rows_say
	$(Q)prove --exec '$(A64_RUN)' $(A64_TESTS)
	$(Q)prove --comments --exec '' tests/cross/rows_cross.py :: \
	  aarch64-linux-gnu-readelf $(A64_LIBS) -- $(A64_RUN) $(A64)/tests/rows_say

bench-parts: $(PROGRAMS) $(BENCHES) $(B)/tests/programs/libforward.so ## what a malloc/free pair's instructions buy
	$(Q)BUILD=$(B) tests/bench/parts.py

bench-peers: $(PROGRAMS) $(BENCHES) ## other heap profilers on the same programs (deps-matrix)
	$(Q)BUILD=$(B) tests/bench/peers.py
chart: $(PROGRAMS) $(BENCHES) ## draw docs/accuracy.svg: overhead against error (deps-matrix)
	@mkdir -p docs
	$(Q)BUILD=$(B) tests/bench/peers.py --chart docs/accuracy.svg

FUZZ_SECONDS ?= 60
fuzz: ## run every fuzz target under libFuzzer for FUZZ_SECONDS each
	$(Q)FUZZ_SECONDS=$(FUZZ_SECONDS) tests/fuzz/run.sh

# ---- dependencies ------------------------------------------------------------
# Prints the packages of a list whose probe finds nothing.
define find_missing
found() { case $$1 in /*) test -e "$$1";; +*) pkg-config --exists "$${1#+}";; \
  *) command -v "$$1";; esac >/dev/null 2>&1; }; \
for dep in $(1); do \
  for probe in $$(echo "$${dep%%=*}" | tr , ' '); do \
    if found "$$probe"; then continue 2; fi; done; \
  echo "$${dep##*=}"; done
endef
define install_missing
@missing=$$($(call find_missing,$(1))); \
missing=$$(echo $$missing | tr ' ' '\n' | sort -u | tr '\n' ' '); \
if [ -n "$${missing% }" ]; then .ci/install $$missing; fi
endef
deps: ## install the packages that building needs
	$(call install_missing,$(BUILD_DEPS))
deps-test: ## ... and those that the tests need
	$(call install_missing,$(BUILD_DEPS) $(TEST_DEPS))
deps-matrix: ## ... and those of fuzz, matrix and bench-peers
	$(call install_missing,$(BUILD_DEPS) $(TEST_DEPS) $(MATRIX_DEPS))
	$(Q)tests/matrix/sources.sh build/sources perl redis git sqlite3

chroot-test: ## both README commands in a fresh debootstrap chroot (root; SUITE=bookworm)
	$(Q)tests/chroot.sh $(or $(SUITE),bookworm)

# ---- installing --------------------------------------------------------------
LIBDIR := $(PREFIX)/lib/preprof
MANS   := $(wildcard tools/*.[17] server/*.1 shim/*.7)
install: $(PROGRAMS) ## install below $(DESTDIR)$(PREFIX)
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(LIBDIR) \
	  $(DESTDIR)$(PREFIX)/include $(DESTDIR)$(PREFIX)/lib/pkgconfig \
	  $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/man/man7
	install -m 755 tools/preprof $(DESTDIR)$(PREFIX)/bin/preprof
	install -m 755 $(TOOL_PROGRAMS) $(SERVER) $(DESTDIR)$(LIBDIR)/
	install -m 644 $(SHIM) $(DESTDIR)$(LIBDIR)/
	ln -sf ../lib/preprof/preprof-server $(DESTDIR)$(PREFIX)/bin/preprof-server
	install -m 644 shim/preprof.h $(DESTDIR)$(PREFIX)/include/
	sed 's|@PREFIX@|$(PREFIX)|; s|@VERSION@|$(VERSION)|' shim/preprof.pc.in \
	  > $(DESTDIR)$(PREFIX)/lib/pkgconfig/preprof.pc
	chmod 644 $(DESTDIR)$(PREFIX)/lib/pkgconfig/preprof.pc
	for man in $(MANS); do install -m 644 $$man \
	  $(DESTDIR)$(PREFIX)/share/man/man$${man##*.}/; done
uninstall: ## remove what install put there
	rm -f $(DESTDIR)$(PREFIX)/bin/preprof $(DESTDIR)$(PREFIX)/bin/preprof-server \
	  $(DESTDIR)$(PREFIX)/include/preprof.h \
	  $(DESTDIR)$(PREFIX)/lib/pkgconfig/preprof.pc
	for man in $(MANS); do rm -f \
	  $(DESTDIR)$(PREFIX)/share/man/man$${man##*.}/$${man##*/}; done
	rm -rf $(DESTDIR)$(LIBDIR)

# ---- the rest ----------------------------------------------------------------
compile_commands.json: ## for clangd and friends (needs bear)
	bear -- $(MAKE) --always-make MODE=debug all
format-check: ## what clang-format would change
	clang-format --dry-run -Werror $(wildcard */*.[ch] tests/*/*.[ch])
clean: ## remove everything built
	rm -rf build compile_commands.json
help: ## this list
	@sed -n 's/^\([a-z_.-]*%\{0,1\}\):.*## \(.*\)/\1\t\2/p' Makefile | \
	  awk -F'\t' '{printf "  %-22s %s\n", $$1, $$2}'

-include $(shell find $(B) -name '*.d' 2>/dev/null)
