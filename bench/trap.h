/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Watching a driver run, instruction by instruction, whatever it was compiled from: registers with
 * side effects for a driver that thinks it has a card's BAR 0 mapped, and counts of instructions
 * and doorbells. x86-64 only; one card per process.
 */
#pragma once
#include <stdint.h>

#include "card.h"

/**
 * trap_registers() - BAR 0 as memory for a driver that accesses it directly
 *
 * The pages with the queue registers are the card's own. Others are closed: the access is caught
 * (SIGSEGV), the instruction stepped over (trap flag, SIGTRAP), and the card asked or told. 32-bit
 * accesses only.
 *
 * Return: the address of register 0, or NULL.
 */
uint8_t *trap_registers(struct card *card);

struct trap_counts {
	uint64_t instructions, doorbells, other_accesses;
};

/**
 * trap_count() - step through @function
 * @bar0: where the driver has the registers
 *
 * A string instruction counts once, however often it repeats. Doorbells are writes to the pages of
 * the queue registers.
 */
struct trap_counts trap_count(uint8_t *bar0, void (*function)(void *argument), void *argument);

/** trap_accesses() - register accesses caught so far. */
uint64_t trap_accesses(void);
