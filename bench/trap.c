/* SPDX-License-Identifier: BSD-2-Clause */
/* See trap.h. */
#define _GNU_SOURCE
#include "trap.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#define PAGE	  0x1000u
#define TRAP_FLAG (1 << 8) /* RFLAGS.TF */
#define WRITE_BIT (1 << 1) /* of the page fault's error code */
#define CLOSED	  PROT_NONE
#define OPEN	  (PROT_READ | PROT_WRITE)

static struct card *card;
static uint8_t *bar0;	 /* as the driver sees it */
static uint8_t *scratch; /* the same memory, always open */
static uint64_t accesses;

/* A driver may have several threads that access registers. One at a time is single-stepped. */
static pthread_mutex_t stepping = PTHREAD_MUTEX_INITIALIZER;
static struct {
	bool active, write;
	uint32_t offset, before;
} step;

static bool counting;
static struct trap_counts counts;
static greg_t last_rip;

static uint32_t *word(uint32_t offset)
{
	return (uint32_t *)(scratch + offset / 4 * 4);
}

/* An access to a closed page: open the page for one instruction. */
static void on_access(int signal, siginfo_t *info, void *context)
{
	greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;
	uintptr_t offset = (uintptr_t)info->si_addr - (uintptr_t)bar0;

	if (!bar0 || offset >= NIC_BAR0_SIZE) { /* a bug: crash */
		struct sigaction standard = { .sa_handler = SIG_DFL };
		sigaction(signal, &standard, NULL);
		return;
	}
	pthread_mutex_lock(&stepping);
	step.active = true;
	step.write = regs[REG_ERR] & WRITE_BIT;
	step.offset = (uint32_t)offset;
	if (!nic_is_doorbell(step.offset)) {
		accesses++;
		if (!step.write)
			*word(step.offset) =
				(uint32_t)nic_read(card->nic, 0, step.offset / 4 * 4, 4);
	}
	mprotect(bar0 + step.offset / PAGE * PAGE, PAGE, OPEN);
	regs[REG_EFL] |= TRAP_FLAG;
}

static void finish_access(void)
{
	mprotect(bar0 + step.offset / PAGE * PAGE, PAGE, CLOSED);
	if (nic_is_doorbell(step.offset)) {
		counts.doorbells += step.write;
		counts.other_accesses += !step.write;
	} else {
		counts.other_accesses++;
		if (step.write)
			nic_write(card->nic, 0, step.offset / 4 * 4, 4, *word(step.offset));
		card_work(card);
	}
	step.active = false;
	pthread_mutex_unlock(&stepping);
}

/* After each instruction while the trap flag is set, and at the two int3 of trap_count(). */
static void on_step(int signal, siginfo_t *info, void *context)
{
	greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;

	(void)signal;
	if (step.active)
		finish_access();
	if (info->si_code != TRAP_TRACE) {
		counting = !counting;
	} else if (counting && regs[REG_RIP] != last_rip) {
		counts.instructions++;
		last_rip = regs[REG_RIP];
	}
	regs[REG_EFL] = counting ? regs[REG_EFL] | TRAP_FLAG : regs[REG_EFL] & ~TRAP_FLAG;
}

static void install(void)
{
	struct sigaction access = { .sa_sigaction = on_access,
				    .sa_flags = SA_SIGINFO | SA_NODEFER };
	struct sigaction trace = { .sa_sigaction = on_step, .sa_flags = SA_SIGINFO };

	sigaction(SIGSEGV, &access, NULL);
	sigaction(SIGTRAP, &trace, NULL);
}

uint8_t *trap_registers(struct card *c)
{
	int fd = nic_doorbell_fd(c->nic);
	uint8_t *view = mmap(NULL, NIC_BAR0_SIZE, OPEN, MAP_SHARED, fd, 0);

	card = c;
	scratch = mmap(NULL, NIC_BAR0_SIZE, OPEN, MAP_SHARED, fd, 0);
	if (view == MAP_FAILED || scratch == MAP_FAILED)
		return NULL;
	for (uint32_t page = 0; page < NIC_BAR0_SIZE; page += PAGE)
		if (!nic_is_doorbell(page))
			mprotect(view + page, PAGE, CLOSED);
	bar0 = view;
	install();
	return view;
}

static void protect_doorbells(int protection)
{
	for (const struct nic_doorbells *d = nic_doorbells; d < nic_doorbells + NIC_DOORBELLS; d++)
		mprotect(bar0 + d->offset, d->size, protection);
}

static struct trap_counts run(void (*function)(void *argument), void *argument)
{
	memset(&counts, 0, sizeof(counts));
	__asm__ volatile("int3" ::: "memory");
	function(argument);
	__asm__ volatile("int3" ::: "memory");
	return counts;
}

static void nothing(void *argument)
{
	(void)argument;
}

struct trap_counts trap_count(uint8_t *registers, void (*function)(void *argument), void *argument)
{
	bar0 = registers;
	install();
	protect_doorbells(CLOSED);
	struct trap_counts ours = run(nothing, argument), result = run(function, argument);
	protect_doorbells(OPEN);
	result.instructions -= ours.instructions;
	return result;
}

uint64_t trap_accesses(void)
{
	return accesses;
}
