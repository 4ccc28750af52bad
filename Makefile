# Makefile: `make` builds build/moonweld and build/moonweld.so. `make demo` and `make test` do all the set-up that they
# need, missing packages included. V=1 shows commands, SAN=1 builds with sanitizers into build/san, MPI=1 a program for
# many machines into build/mpi (MPI=mpich: with that one), SECCOMP= where there is no libseccomp.

CC     ?= cc
PREFIX ?= /usr/local
PLAIN  := build$(if $(SAN),/san)
BUILD  := $(PLAIN)$(if $(MPI),/$(MPI:1=mpi))
# A build with MPI has all objects but one from the plain build.
PARTS  := $(if $(MPI),$(PLAIN),$(BUILD))
Q      := $(if $(V),,@)
CPU    := $(firstword $(subst -, ,$(shell $(CC) -dumpmachine 2> /dev/null)))
JOBS   ?= $(shell nproc)
# For another processor than this machine's, tools of the build are made by a compiler for this one.
HOST_CC ?= $(if $(filter $(CPU),$(shell uname -m)),$(CC),cc)
PARALLEL = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(JOBS)) # for a make within make

# ---- what we stand on -----------------------------------------------------------------------------------------------
LUA      := $(firstword $(foreach p,lua5.4 lua-5.4 lua54 lua,$(shell pkg-config --exists $(p) 2>/dev/null && echo $(p))))
SECCOMP  ?= libseccomp
PACKAGES := $(LUA) nettle openblas libpcre2-8 libutf8proc libcjson yaml-0.1 $(SECCOMP)
# Of xxHash the header is enough.
PC_FLAGS := $(shell pkg-config --cflags $(PACKAGES) libxxhash 2>/dev/null)
LUA_LIBS := $(if $(LUA),$(shell pkg-config --libs $(LUA) 2>/dev/null))
# MPI, of whichever kind there is; only its door knows of it.
MPI_NAME := $(if $(MPI),$(firstword $(foreach p,$(if $(MPI:1=),$(MPI),ompi-c ompi mpich),$(shell pkg-config --exists $(p) 2>/dev/null && echo $(p)))))
# OpenBLAS is loaded when something computes with it (src/num/openblas.h): only its header is needed here.
PC_LIBS  := $(shell pkg-config --libs nettle libpcre2-8 libutf8proc libcjson yaml-0.1 $(SECCOMP) $(MPI_NAME) 2>/dev/null) -ldl

# ---- flags ----------------------------------------------------------------------------------------------------------
comma    := ,
WARN     := -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wformat-security
# Contraction and fast-math would make results depend on the compiler and the instruction set.
EXACT    := -ffp-contract=off -fno-math-errno -fno-trapping-math
HARDEN   := $(if $(SAN)$(COVERAGE),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2) -fstack-protector-strong
SANITIZE := $(if $(SAN),-fsanitize=address$(comma)undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
OPTIMISE ?= -O2
KERNELS  ?= -O3
override CFLAGS += -std=c11 -D_GNU_SOURCE $(OPTIMISE) -g $(WARN) $(EXACT) -fPIC -fvisibility=hidden -fopenmp $(HARDEN) $(SANITIZE) \
                   -Isrc -Iinclude $(if $(SECCOMP),-DMW_SECCOMP) $(if $(SAN),-DMW_SANITIZED) $(PC_FLAGS)
override LDFLAGS += -Wl,--as-needed $(SANITIZE) -fopenmp
# Which lines and branches tests execute; the kernels, which are made of macros, are counted once each.
ifdef COVERAGE
override CFLAGS  += --coverage -fprofile-update=atomic
override LDFLAGS += --coverage
endif
# OpenMP's threads outlive the Lua state that closes the module, so what is loaded is never unloaded.
SHARED := -shared -Wl,-z,nodelete

# One object an instruction set, from one body of kernels; other processors have the portable one.
X86 := $(filter x86_64 amd64,$(CPU))
$(PARTS)/obj/num/kernels_base.o:   override CFLAGS += $(KERNELS) $(if $(X86),-march=x86-64)
$(PARTS)/obj/num/kernels_avx2.o:   override CFLAGS += $(KERNELS) -march=x86-64-v3
$(PARTS)/obj/num/kernels_avx512.o: override CFLAGS += $(KERNELS) -march=x86-64-v4 -mprefer-vector-width=512
$(BUILD)/obj/cluster/cluster.o:    override CFLAGS += $(if $(MPI),-DMW_MPI $(shell pkg-config --cflags $(MPI_NAME) 2>/dev/null))
$(PARTS)/obj/base/checksum_avx2.o: override CFLAGS += -mavx2

# ---- files ----------------------------------------------------------------------------------------------------------
LIB_SOURCES := $(wildcard $(foreach d,base format num expr mergekit model text vocabulary output recipe exec cluster learn train report merge pages module,src/$(d)/*.c))
ifeq ($(X86),)
LIB_SOURCES := $(filter-out src/num/kernels_avx%.c src/base/checksum_avx2.c,$(LIB_SOURCES))
endif
CLI_SOURCES := $(wildcard src/cli/*.c)
LUA_FILES   := $(sort $(wildcard lua/moonweld/*.lua lua/moonweld/*/*.lua) $(wildcard recipes/*.lua))
LIB_OBJECTS := $(patsubst src/%.c,$(PARTS)/obj/%.o,$(filter-out src/cluster/cluster.c,$(LIB_SOURCES))) $(BUILD)/obj/cluster/cluster.o $(PARTS)/obj/embedded.o $(if $(COVERAGE),$(BUILD)/tests/coverage/let_through.o)
CLI_OBJECTS := $(CLI_SOURCES:src/%.c=$(PARTS)/obj/%.o)
UNIT_TESTS  := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(wildcard tests/unit/test_*.c))
FUZZ_TARGETS := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
UNIT_SHARED := $(patsubst tests/%.c,$(BUILD)/tests/%.o,$(filter-out $(wildcard tests/unit/test_*.c),$(wildcard tests/unit/*.c)))

.PHONY: all units demo demo-dam test check torture coverage fuzz bench bench-kernels bench-learn bench-matrix bench-methods bench-cluster big install install-module uninstall clean deps docs deb doc
.DELETE_ON_ERROR:
all: $(BUILD)/moonweld $(BUILD)/moonweld.so

$(BUILD)/moonweld: $(CLI_OBJECTS) $(LIB_OBJECTS)
	@echo "  link    $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LUA_LIBS) $(PC_LIBS) -lm

# The module takes Lua from the interpreter that loads it, and shows it luaopen_moonweld alone.
$(BUILD)/moonweld.so: $(PARTS)/obj/module/module.o $(BUILD)/libmoonweld.a
	@echo "  link    $@"
	$(Q)$(CC) $(LDFLAGS) $(SHARED) -Wl,--exclude-libs,libmoonweld.a -o $@ $^ $(PC_LIBS) -lm

# ---- the library for C ----------------------------------------------------------------------------------------------
VERSION := $(shell sed -n 's/^.define MW_VERSION "\(.*\)"/\1/p' include/moonweld.h)
SONAME  := libmoonweld.so.$(firstword $(subst ., ,$(VERSION)))

$(BUILD)/libmoonweld.a: $(LIB_OBJECTS)
	@rm -f $@
	$(Q)ar rcs $@ $^

# What moonweld.h declares is visible already; the map hides the locks of OpenMP's critical sections, too.
$(BUILD)/libmoonweld.so: $(LIB_OBJECTS)
	@echo "  link    $@"
	@echo '{ global: mw_*; luaopen_moonweld; local: *; };' > $(BUILD)/libmoonweld.map
	$(Q)$(CC) $(LDFLAGS) $(SHARED) -Wl,-soname,$(SONAME) -Wl,--version-script=$(BUILD)/libmoonweld.map -o $@ $^ $(LUA_LIBS) $(PC_LIBS) -lm

# The first build says how far it is; later ones compile little.
FIRST := $(if $(wildcard $(PARTS)/moonweld),,yes)
how_far = $(if $(FIRST),$(eval COMPILED += .) [$(words $(COMPILED))/$(words $(LIB_SOURCES) $(CLI_SOURCES))])

define compile
	@mkdir -p $(@D)
	@echo "  cc      $<$(how_far)"
	$(Q)$(CC) $(CFLAGS) -MMD -MP -c -o $@ $<
endef
$(PARTS)/obj/%.o: src/%.c $(PARTS)/flags | $(BUILD)/dependencies
	$(compile)
$(BUILD)/obj/cluster/cluster.o: src/cluster/cluster.c $(PARTS)/flags | $(BUILD)/dependencies
	$(compile)

# FORCE where a file does not hold these words: it is made anew, and `make -q` tells the truth about all others.
differs = $(shell echo '$(2)' | cmp -s - $(1) || echo FORCE)

# Another compiler or other flags make other objects: what they were made with is a dependency too.
MADE_WITH := $(CC) $(CFLAGS)
$(PARTS)/flags: $(call differs,$(PARTS)/flags,$(MADE_WITH))
	@mkdir -p $(@D)
	@echo '$(MADE_WITH)' > $@

# ---- the Lua files, carried inside the program ----------------------------------------------------------------------
$(PARTS)/embed: src/tools/embed.c | $(BUILD)/dependencies
	@mkdir -p $(@D)
	$(Q)$(HOST_CC) -std=c11 -D_GNU_SOURCE -O1 $(WARN) -Isrc -Iinclude $(PC_FLAGS) -o $@ $< $(LUA_LIBS)

# The list of files is a dependency too: a recipe that is removed must leave the program.
$(PARTS)/embedded.list: $(call differs,$(PARTS)/embedded.list,$(LUA_FILES))
	@mkdir -p $(@D)
	@echo '$(LUA_FILES)' > $@
.PHONY: FORCE
FORCE:

$(PARTS)/embedded.c: $(PARTS)/embed $(PARTS)/embedded.list recipes/README.md $(LUA_FILES)
	@echo "  embed   $(words $(LUA_FILES)) Lua files"
	$(Q)$(PARTS)/embed $@ recipes/README.md $(foreach f,$(LUA_FILES),$(f:.lua=)=$(f))

$(PARTS)/obj/embedded.o: $(PARTS)/embedded.c $(PARTS)/flags | $(BUILD)/dependencies
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -c -o $@ $<

# ---- dependencies ---------------------------------------------------------------------------------------------------
$(BUILD)/dependencies: .ci/deps
	@mkdir -p $(@D)
	$(Q).ci/deps --check $(if $(MPI),mpi,build)
	@touch $@

deps:
	$(Q).ci/deps
	$(Q)$(if $(MPI),.ci/deps mpi)

# What documents say of the elementwise operations, written from their table.
docs:
	$(Q)lua5.4 src/tools/docs.lua

# ---- tests ----------------------------------------------------------------------------------------------------------
units: $(UNIT_TESTS) $(FUZZ_TARGETS)

# Every source of tests is compiled once, and linked with what its folder shares.
$(BUILD)/tests/%.o: tests/%.c $(PARTS)/flags | $(BUILD)/dependencies
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -Itests/unit -MMD -MP -c -o $@ $<

define link_test
	@mkdir -p $(@D)
	@echo "  link    $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $(filter %.o %.a,$^) $(LUA_LIBS) $(PC_LIBS) -lm
endef
$(UNIT_TESTS): $(BUILD)/unit/%: $(BUILD)/tests/unit/%.o $(UNIT_SHARED) $(BUILD)/libmoonweld.a
	$(link_test)
# A fuzz target with the driver that replays and mutates its seeds; `make fuzz` puts libFuzzer in the driver's place.
$(FUZZ_TARGETS): $(BUILD)/fuzz/%: $(BUILD)/tests/fuzz/%.o $(BUILD)/tests/fuzz/driver.o $(BUILD)/libmoonweld.a
	$(link_test)
$(BUILD)/bench/%: PC_LIBS += $(shell pkg-config --libs openblas 2>/dev/null)
$(BUILD)/bench/%: $(BUILD)/tests/bench/%.o $(UNIT_SHARED) $(BUILD)/libmoonweld.a
	$(link_test)

# Its objects stay, as those of the other targets do.
.SECONDARY: $(BUILD)/tests/fuzz/memory.o
# Of the library only what the target needs is linked: libFuzzer looks at every counter after every run. What is counted says SANITIZE.
$(BUILD)/libfuzzer/%: $(BUILD)/tests/fuzz/%.o $(BUILD)/tests/fuzz/memory.o $(BUILD)/libmoonweld.a
	@mkdir -p $(@D)
	@echo "  fuzz    $@"
	$(Q)$(CC) $(LDFLAGS) -fsanitize=fuzzer -Wl,--wrap=open,--wrap=close,--wrap=fstat,--wrap=pread -o $@ $^ $(LUA_LIBS) $(PC_LIBS) -lm

fuzz: units
	$(Q).ci/deps fuzzer
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
	$(Q)tests/run.sh $(BUILD) lint floors bench
	$(Q)CLANG=$${CLANG-clang} tests/run.sh $(BUILD) golden races apicheck
	$(Q)$(MAKE) --no-print-directory $(PARALLEL) SAN=1 all units
	$(Q)tests/run.sh build/san unit cli rules fuzz
	$(Q)tests/run.sh $(BUILD) faults-all cluster-all

# The long form of everything, which goes on where it was stopped: hours. FUZZ_SECONDS=600 for each fuzz target.
torture: all units
	$(Q).ci/deps fuzzer
	$(Q)tests/torture.sh $(BUILD)

# What the tests execute, of every room and of the parts that safety rests on; SUITES names others than the usual.
COVERED := PLAIN=build/coverage COVERAGE=1 OPTIMISE=-O0 KERNELS=-O1
coverage:
	$(Q)$(MAKE) --no-print-directory $(PARALLEL) $(COVERED) all units
	$(Q)! .ci/deps --check mpi > /dev/null 2>&1 || $(MAKE) --no-print-directory $(PARALLEL) $(COVERED) MPI=1 all
	$(Q)find build/coverage -name '*.gcda' -delete
	$(Q)tests/coverage/run.sh build/coverage $(SUITES)

bench: all
	$(Q)tests/bench/bench.sh $(BUILD)/moonweld
	$(Q)$(MAKE) --no-print-directory bench-kernels bench-learn bench-matrix

big: all
	$(Q)tests/big/run.sh $(BUILD)/moonweld

# Every kernel, in nanoseconds an element, for each instruction set of this machine.
bench-kernels: $(BUILD)/bench/kernels
	$(Q)$(BUILD)/bench/kernels

bench-learn: $(BUILD)/bench/learn
	$(Q)tests/bench/learn.sh $(BUILD)/bench/learn

# A merge by several processes against one by threads.
bench-cluster: all
	$(Q)$(MAKE) --no-print-directory $(PARALLEL) MPI=1 all
	$(Q)tests/bench/cluster.sh build/moonweld build/mpi/moonweld

# Functions of whole matrices against sgemm in the same run.
bench-matrix: $(BUILD)/bench/matrix
	$(Q)env -u OPENBLAS_CORETYPE -u OPENBLAS_NUM_THREADS $(BUILD)/bench/matrix

# Every shipped method on the same four domains; METHODS=PATTERN chooses some.
bench-methods: all
	$(Q)tests/bench/methods.sh $(BUILD)/moonweld '$(or $(METHODS),.)'

# ---- installing -----------------------------------------------------------------------------------------------------
LIBDIR  ?= $(PREFIX)/lib
# Where Lua looks for modules written in C; luarocks has a place of its own.
LUA_LIB ?= $(LIBDIR)/lua/5.4
SHARE   := $(PREFIX)/share

# MODE FILE PLACE of all that is installed; install and uninstall read this one list.
MODULE_FILES  := 755:$(BUILD)/moonweld.so:$(LUA_LIB)/moonweld.so
PROGRAM_FILES := 755:$(BUILD)/moonweld:$(PREFIX)/bin/moonweld 644:$(BUILD)/moonweld.1:$(SHARE)/man/man1/moonweld.1 \
  644:$(BUILD)/completion.bash:$(SHARE)/bash-completion/completions/moonweld \
  644:$(BUILD)/completion.zsh:$(SHARE)/zsh/site-functions/_moonweld \
  644:$(BUILD)/completion.fish:$(SHARE)/fish/vendor_completions.d/moonweld.fish
LIBRARY_FILES := 644:include/moonweld.h:$(PREFIX)/include/moonweld.h 644:$(BUILD)/libmoonweld.a:$(LIBDIR)/libmoonweld.a \
  755:$(BUILD)/libmoonweld.so:$(LIBDIR)/libmoonweld.so.$(VERSION) 644:$(BUILD)/moonweld.pc:$(LIBDIR)/pkgconfig/moonweld.pc
READ_FILES    := 644:LICENSE:$(SHARE)/moonweld/LICENSE 644:README.md:$(SHARE)/moonweld/README.md \
  644:lua/moonweld/types.lua:$(SHARE)/moonweld/types/moonweld.lua 644:$(BUILD)/luarc.json:$(SHARE)/moonweld/luarc.json \
  644:lua/moonweld/recipe.luacheckrc:$(SHARE)/moonweld/recipe.luacheckrc \
  $(foreach f,recipes/README.md $(wildcard recipes/*.lua recipes/*/*.lua),644:$(f):$(SHARE)/moonweld/$(f))
ALL_FILES     := $(PROGRAM_FILES) $(MODULE_FILES) $(LIBRARY_FILES) $(READ_FILES)
LINKS         := $(LIBDIR)/$(SONAME) $(LIBDIR)/libmoonweld.so

# Each of the files given, as its words $$1 mode, $$2 file, $$3 place.
each = set -e; $(foreach f,$(1),set -- $(subst :, ,$(f)); $(2);)

install: all $(BUILD)/libmoonweld.so $(BUILD)/moonweld.1 $(BUILD)/moonweld.pc $(BUILD)/luarc.json $(foreach s,bash zsh fish,$(BUILD)/completion.$(s))
	$(Q)$(call each,$(ALL_FILES),install -D -m $$1 $$2 "$(DESTDIR)$$3")
	$(Q)for link in $(LINKS); do ln -sf libmoonweld.so.$(VERSION) "$(DESTDIR)$$link"; done

install-module: $(BUILD)/moonweld.so
	$(Q)$(call each,$(MODULE_FILES),install -D -m $$1 $$2 "$(DESTDIR)$$3")

# What is ours alone goes with its folders; folders that others use stay.
uninstall:
	$(Q)$(call each,$(ALL_FILES),rm -f "$(DESTDIR)$$3")
	$(Q)for link in $(LINKS); do rm -f "$(DESTDIR)$$link"; done
	$(Q)for f in /recipes/pipelines /recipes /types ""; do rmdir "$(DESTDIR)$(SHARE)/moonweld$$f" 2> /dev/null || true; done

$(BUILD)/manual: src/tools/manual.c $(filter-out %/main.o %/power.o,$(CLI_OBJECTS)) $(BUILD)/libmoonweld.a
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LUA_LIBS) $(PC_LIBS) -lm

$(BUILD)/moonweld.1: $(BUILD)/manual
	$(Q)$(BUILD)/manual > $@

$(BUILD)/completion.%: $(BUILD)/moonweld
	$(Q)$(BUILD)/moonweld completion $* > $@

# A program that links libmoonweld.a needs what is private here.
$(BUILD)/moonweld.pc: FORCE
	$(Q){ echo 'prefix=$(PREFIX)'; echo 'libdir=$(LIBDIR)'; echo 'includedir=$(PREFIX)/include'; \
	  echo; echo 'Name: moonweld'; echo 'Description: merges model checkpoints by recipes in Lua'; \
	  echo 'Version: $(VERSION)'; echo 'Requires.private: $(PACKAGES)'; \
	  echo 'Cflags: -I$${includedir}'; echo 'Libs: -L$${libdir} -lmoonweld'; echo 'Libs.private: -fopenmp -lm'; } > $@

# The settings of the Lua language server for a folder of recipes: copied there as .luarc.json.
$(BUILD)/luarc.json: FORCE
	@mkdir -p $(@D)
	$(Q)printf '{\n  "runtime.version": "Lua 5.4",\n  "workspace.library": ["%s/moonweld/types"]\n}\n' '$(SHARE)' > $@

# A package for the Debian release that this runs on.
deb: all
	$(Q)src/tools/deb.sh $(BUILD) $(VERSION) $(BUILD)/moonweld_$(VERSION)_$$(dpkg --print-architecture).deb

# The vocabulary of recipes and the Lua module as HTML pages, from the editor types: build/doc/index.html.
doc:
	$(Q)command -v ldoc > /dev/null || { echo "make doc needs ldoc (Debian's package lua-ldoc)" >&2; exit 69; }
	$(Q)mkdir -p $(BUILD)/doc
	$(Q)lua5.4 src/tools/ldoc.lua $(BUILD)/doc
	$(Q)cd $(BUILD)/doc && ldoc -q -c config.ld -d . . && echo "$(BUILD)/doc/index.html"

clean:
	rm -rf $(BUILD)

-include $(LIB_OBJECTS:.o=.d) $(CLI_OBJECTS:.o=.d) $(wildcard $(BUILD)/tests/*/*.d)
