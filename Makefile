# Makefile: `make` builds build/moonweld and build/moonweld.so. `make demo` and `make test` do all the set-up that they
# need, missing packages included. V=1 shows commands, SAN=1 builds with sanitizers into build/san.

CC     ?= cc
PREFIX ?= /usr/local
BUILD  := build$(if $(SAN),/san)
Q      := $(if $(V),,@)
SYSTEM := $(shell uname -s)
CPU    := $(shell uname -m)
JOBS   ?= $(shell nproc)
PARALLEL = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(JOBS)) # for a make within make

# ---- what we stand on -----------------------------------------------------------------------------------------------
LUA      := $(firstword $(foreach p,lua5.4 lua-5.4 lua54 lua,$(shell pkg-config --exists $(p) 2>/dev/null && echo $(p))))
SECCOMP  := $(if $(filter Linux,$(SYSTEM)),libseccomp)
PACKAGES := $(LUA) nettle openblas libpcre2-8 libutf8proc libcjson $(SECCOMP)
PC_FLAGS := $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null)
LUA_LIBS := $(if $(LUA),$(shell pkg-config --libs $(LUA) 2>/dev/null))
PC_LIBS  := $(shell pkg-config --libs nettle openblas libpcre2-8 libutf8proc libcjson $(SECCOMP) 2>/dev/null)

# ---- flags ----------------------------------------------------------------------------------------------------------
comma    := ,
WARN     := -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion
# Contraction and fast-math would make results depend on the compiler and the instruction set.
EXACT    := -ffp-contract=off -fno-math-errno -fno-trapping-math
HARDEN   := $(if $(SAN),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2) -fstack-protector-strong
SANITIZE := $(if $(SAN),-fsanitize=address$(comma)undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
OPTIMISE ?= -O2
KERNELS  ?= -O3
override CFLAGS += -std=c11 -D_GNU_SOURCE $(OPTIMISE) -g $(WARN) $(EXACT) -fPIC -fvisibility=hidden -fopenmp $(HARDEN) $(SANITIZE) \
                   -Isrc -Iinclude $(if $(SECCOMP),-DMW_SECCOMP) $(if $(SAN),-DMW_SANITIZED) $(PC_FLAGS)
AS_NEEDED := $(if $(filter Linux,$(SYSTEM)),-Wl$(comma)--as-needed)
override LDFLAGS += $(AS_NEEDED) $(SANITIZE) -fopenmp
# OpenMP's threads outlive the Lua state that closes the module, so what is loaded is never unloaded.
SHARED := -shared -Wl,-z,nodelete

# One object an instruction set, from one body of kernels; other processors have the portable one.
X86 := $(filter x86_64 amd64,$(CPU))
$(BUILD)/obj/num/kernels_base.o:   override CFLAGS += $(KERNELS) $(if $(X86),-march=x86-64)
$(BUILD)/obj/num/kernels_avx2.o:   override CFLAGS += $(KERNELS) -march=x86-64-v3
$(BUILD)/obj/num/kernels_avx512.o: override CFLAGS += $(KERNELS) -march=x86-64-v4 -mprefer-vector-width=512

# ---- files ----------------------------------------------------------------------------------------------------------
LIB_SOURCES := $(wildcard $(foreach d,base format num expr model text output recipe exec learn train report merge module,src/$(d)/*.c))
ifeq ($(X86),)
LIB_SOURCES := $(filter-out src/num/kernels_avx%.c,$(LIB_SOURCES))
endif
CLI_SOURCES := $(wildcard src/cli/*.c)
LUA_FILES   := $(sort $(wildcard lua/moonweld/*.lua lua/moonweld/*/*.lua) $(wildcard recipes/*.lua))
LIB_OBJECTS := $(LIB_SOURCES:src/%.c=$(BUILD)/obj/%.o) $(BUILD)/obj/embedded.o
CLI_OBJECTS := $(CLI_SOURCES:src/%.c=$(BUILD)/obj/%.o)
UNIT_TESTS  := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(wildcard tests/unit/test_*.c))
FUZZ_TARGETS := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
UNIT_SHARED := $(patsubst tests/%.c,$(BUILD)/tests/%.o,$(filter-out $(wildcard tests/unit/test_*.c),$(wildcard tests/unit/*.c)))

.PHONY: all units demo demo-dam test check fuzz bench bench-learn big install clean deps docs
.DELETE_ON_ERROR:
all: $(BUILD)/moonweld $(BUILD)/moonweld.so

$(BUILD)/moonweld: $(CLI_OBJECTS) $(LIB_OBJECTS)
	@echo "  link    $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LUA_LIBS) $(PC_LIBS) -lm

# The module takes Lua from the interpreter that loads it, and shows it luaopen_moonweld alone.
$(BUILD)/moonweld.so: $(BUILD)/obj/module/module.o $(BUILD)/libmoonweld.a
	@echo "  link    $@"
	$(Q)$(CC) $(LDFLAGS) $(SHARED) -Wl,--exclude-libs,libmoonweld.a -o $@ $^ $(PC_LIBS) -lm

# ---- the library for C ----------------------------------------------------------------------------------------------
VERSION := $(shell sed -n 's/^.define MW_VERSION "\(.*\)"/\1/p' include/moonweld.h)
SONAME  := libmoonweld.so.$(firstword $(subst ., ,$(VERSION)))

$(BUILD)/libmoonweld.a: $(LIB_OBJECTS)
	@rm -f $@
	$(Q)ar rcs $@ $^

$(BUILD)/libmoonweld.so: $(LIB_OBJECTS)
	@echo "  link    $@"
	$(Q)$(CC) $(LDFLAGS) $(SHARED) -Wl,-soname,$(SONAME) -o $@ $^ $(LUA_LIBS) $(PC_LIBS) -lm

$(BUILD)/obj/%.o: src/%.c $(BUILD)/flags | $(BUILD)/dependencies
	@mkdir -p $(@D)
	@echo "  cc      $<"
	$(Q)$(CC) $(CFLAGS) -MMD -MP -c -o $@ $<

# Another compiler or other flags make other objects: what they were made with is a dependency too.
MADE_WITH := $(CC) $(CFLAGS)
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(MADE_WITH)' | cmp -s - $@ || echo '$(MADE_WITH)' > $@

# ---- the Lua files, carried inside the program ----------------------------------------------------------------------
$(BUILD)/embed: src/tools/embed.c
	@mkdir -p $(@D)
	$(Q)$(CC) -std=c11 -D_GNU_SOURCE -O1 $(WARN) -Isrc -Iinclude -o $@ $<

# The list of files is a dependency too: a recipe that is removed must leave the program.
$(BUILD)/embedded.list: FORCE
	@mkdir -p $(@D)
	@echo "$(LUA_FILES)" | cmp -s - $@ || echo "$(LUA_FILES)" > $@
.PHONY: FORCE
FORCE:

$(BUILD)/embedded.c: $(BUILD)/embed $(BUILD)/embedded.list $(LUA_FILES)
	@echo "  embed   $(words $(LUA_FILES)) Lua files"
	$(Q)$(BUILD)/embed $@ $(foreach f,$(LUA_FILES),$(f:.lua=)=$(f))

$(BUILD)/obj/embedded.o: $(BUILD)/embedded.c $(BUILD)/flags | $(BUILD)/dependencies
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -c -o $@ $<

# ---- dependencies ---------------------------------------------------------------------------------------------------
$(BUILD)/dependencies: .ci/deps
	@mkdir -p $(@D)
	$(Q).ci/deps --check build
	@touch $@

deps:
	$(Q).ci/deps

# What documents say of the elementwise operations, written from their table.
docs:
	$(Q)lua5.4 src/tools/docs.lua

# ---- tests ----------------------------------------------------------------------------------------------------------
units: $(UNIT_TESTS) $(FUZZ_TARGETS)

# Every source of tests is compiled once, and linked with what its folder shares.
$(BUILD)/tests/%.o: tests/%.c $(BUILD)/flags | $(BUILD)/dependencies
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -Itests/unit -MMD -MP -c -o $@ $<

define link_test
	@mkdir -p $(@D)
	@echo "  link    $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(LUA_LIBS) $(PC_LIBS) -lm
endef
$(UNIT_TESTS): $(BUILD)/unit/%: $(BUILD)/tests/unit/%.o $(UNIT_SHARED) $(LIB_OBJECTS)
	$(link_test)
# A fuzz target with the driver that replays and mutates its seeds; `make fuzz` puts libFuzzer in the driver's place.
$(FUZZ_TARGETS): $(BUILD)/fuzz/%: $(BUILD)/tests/fuzz/%.o $(BUILD)/tests/fuzz/driver.o $(LIB_OBJECTS)
	$(link_test)
$(BUILD)/bench/%: $(BUILD)/tests/bench/%.o $(UNIT_SHARED) $(LIB_OBJECTS)
	$(link_test)

$(BUILD)/libfuzzer/%: tests/fuzz/%.c tests/fuzz/fuzz.h $(LIB_OBJECTS)
	@mkdir -p $(@D)
	@echo "  fuzz    $@"
	$(Q)$(CC) $(CFLAGS) -Itests/fuzz $(LDFLAGS) -fsanitize=fuzzer -o $@ $(filter-out %.h,$^) $(LUA_LIBS) $(PC_LIBS) -lm

fuzz: units
	$(Q).ci/deps clang
	$(Q)tests/fuzz/run.sh long

# What is installed changes what this file knows, so the second half of these runs in a make of its own.
demo:
	$(Q).ci/deps
	$(Q)$(MAKE) --no-print-directory $(PARALLEL) all
	$(Q)tests/demo.sh $(BUILD)/moonweld

demo-dam:
	$(Q).ci/deps
	$(Q)$(MAKE) --no-print-directory $(PARALLEL) all
	$(Q)tests/demo_dam.sh $(BUILD)/moonweld

# Also what cannot be built or run ends with a sum.
test:
	$(Q)(.ci/deps && $(MAKE) --no-print-directory $(PARALLEL) all units) || { echo "0 passed, 1 failed"; exit 1; }
	$(Q)JOBS=$(JOBS) tests/run.sh $(BUILD)

# What takes longer than a test may: both compilers without a warning, one digest of both, races, and the sanitizers.
check: all
	$(Q)tests/run.sh $(BUILD) lint floors
	$(Q)CLANG=$${CLANG-clang} tests/run.sh $(BUILD) golden races
	$(Q)$(MAKE) --no-print-directory $(PARALLEL) SAN=1 all units
	$(Q)tests/run.sh build/san unit cli rules fuzz
	$(Q)tests/run.sh $(BUILD) faults-all

bench: all
	$(Q)tests/bench/bench.sh $(BUILD)/moonweld
	$(Q)$(MAKE) --no-print-directory bench-learn

big: all
	$(Q)tests/big/run.sh $(BUILD)/moonweld

bench-learn: $(BUILD)/bench/learn
	$(Q)tests/bench/learn.sh $(BUILD)/bench/learn

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/lua/5.4
	install -m 755 $(BUILD)/moonweld $(DESTDIR)$(PREFIX)/bin/moonweld
	install -m 755 $(BUILD)/moonweld.so $(DESTDIR)$(PREFIX)/lib/lua/5.4/moonweld.so

clean:
	rm -rf $(BUILD)

-include $(LIB_OBJECTS:.o=.d) $(CLI_OBJECTS:.o=.d) $(wildcard $(BUILD)/tests/*/*.d)
