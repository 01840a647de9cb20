# Each target runs one script; the scripts work without make too.
# V=1 shows the commands. DLSPARE_CACHE moves the cache.

Q := $(if $(filter 1,$(V)),,@)
jobs = $(if $(JOBS),--jobs $(JOBS))

.PHONY: help demo experiments experiment check check-arches check-debug check-fixes check-fleet check-kernels check-neighbours check-observe check-referee check-suites check-system tools install page deb kernel-deb fuzz kernel kernel-tree kernel-series boots cost clean distclean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## */\1|/p' $(MAKEFILE_LIST) | \
	while IFS='|' read -r target text; do printf '%-14s %s\n' "$$target" "$$text"; done

demo: ## a ping to a depleted VM, without and with a spare reservation: on Debian's kernel, then on the patched one
	$(Q)experiments/demo $(JOBS)

experiments: ## run all experiments: each figure and table of experiments/; 41 minutes
	$(Q)config/setup
	$(Q)kernel-patches/build $(jobs)
	$(Q)experiments/run

experiment: ## run one of them (NAME=ping)
	$(Q)config/setup
	$(Q)kernel-patches/build $(jobs)
	$(Q)experiments/run $(or $(NAME),$(error NAME=... is missing; see experiments/run --help))

page: ## write out/experiments.html: each claim of experiments/ with its figures, on one page (OUT=FILE)
	$(Q)experiments/page $(OUT)

check: ## run all tests
	$(Q)config/setup
	$(Q)tests/run

check-arches: ## compile what the series touches for arm64, powerpc, riscv, s390 and x86; 7 minutes
	$(Q)config/setup --arches
	$(Q)kernel-patches/arches $(jobs)

check-debug: ## stress a kernel that looks for its own mistakes (VARIANT=debug|core|rt|kcsan|volume, OPS=N, SEEDS=N); 200,000 operations in emulated time take 15 (volume) to 80 minutes (core)
	$(Q)config/setup
	$(Q)$(if $(OPS),OPS=$(OPS)) $(if $(SEEDS),SEEDS=$(SEEDS)) tests/debug $(if $(VARIANT),--variant $(VARIANT))

check-fixes: ## show each fix of mainline by a program that fails on the unpatched 7.3 and not on one with the fixes
	$(Q)config/setup
	$(Q)tests/fixes

check-fleet: ## have Ansible install, configure and roll back two hosts, in an emulator; about 40 minutes (DEBS=DIR of the kernel's)
	$(Q)config/setup
	$(Q)tests/fleet $(DEBS)

check-kernels: ## try the mechanism on 6.12 and 7.3, plain and with PREEMPT_RT (KERNELS="7.3-plain ...", OPS=N, SEEDS=N); hours
	$(Q)config/setup
	$(Q)$(if $(OPS),OPS=$(OPS)) $(if $(SEEDS),SEEDS=$(SEEDS)) tests/kernels $(KERNELS)

check-neighbours: ## 200,000 jobs of others beside borrowers, requeues, cookies, packets; about 16 minutes (COUNT=N)
	$(Q)config/setup
	$(Q)tests/neighbours $(COUNT)

check-observe: ## look at VMs by dlspare observe on unpatched kernels, Debian's own too (KERNELS="built|bookworm|trixie|trixie-backports ...")
	$(Q)config/setup
	$(Q)tests/observe $(KERNELS)

check-referee: ## put each fault of tests/referee/faults into a kernel, and see that the referee finds it; 10 minutes
	$(Q)config/setup
	$(Q)tests/referee/run

check-suites: ## run suites of others on an unpatched and on the patched kernel (SUITES="NAME..."); about 90 minutes
	$(Q)config/setup --suites
	$(Q)tests/suites/run $(SUITES)

check-system: ## install and use the packages on Debian 12 and 13 under systemd, and run experiments there, in an emulator; about 30 minutes (DEBS=DIR of the kernel's)
	$(Q)config/setup
	$(Q)tests/system $(DEBS)

tools: ## build dlspare, dlspared and the libvirt hook into out/tools
	$(Q)$(MAKE) -C cgroup-tools

install: ## install them (DESTDIR=, prefix=/usr)
	$(Q)$(MAKE) -C cgroup-tools install

deb: ## make the Debian package of the tools, into out/deb
	$(Q)config/setup --tools
	$(Q)config/deb

kernel-deb: ## make the Debian package of the patched kernel (CONFIG=cloud-amd64|amd64|testbed)
	$(Q)config/setup
	$(Q)kernel-patches/deb $(jobs) $(if $(CONFIG),--config $(CONFIG))

fuzz: ## give each parser a million inputs (RUNS=N)
	$(Q)config/setup
	$(Q)RUNS=$(or $(RUNS),1000000) tests/fuzz/run

kernel: ## build the testbed's kernel (JOBS=N, KERNEL=7.3, VARIANT=vanilla|debug|core|rt|kcsan|volume)
	$(Q)kernel-patches/build $(jobs) $(if $(VARIANT),--variant $(VARIANT))

kernel-tree: ## make a git tree of the kernel with the series as commits (TREE=DIR, KERNEL=7.3)
	$(Q)kernel-patches/tree $(TREE)

kernel-series: ## bring the tree's commits back and export them to mail (TREE=DIR, KERNEL=7.3, OUT=DIR, CHECK=1)
	$(Q)kernel-patches/series $(jobs) $(if $(TREE),--tree $(TREE)) $(if $(OUT),--out $(OUT)) $(if $(CHECK),--check-build)

boots: ## boot 200 inner guests, to prove the testbed
	$(Q)tests/testbed/boots 200

cost: ## count what the patches cost while no pool exists
	$(Q)tests/cost

clean: ## remove build products from this tree (what .gitignore names)
	$(Q)git clean -fdXq

distclean: clean ## remove the cache too (refused while its tree has unexported work)
	$(Q)kernel-patches/build --clean
