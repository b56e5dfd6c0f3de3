/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Single-stepping an unmodified driver: registers with side effects for a driver that
 * expects a mapped BAR 0, and counts of instructions and doorbells. x86-64 only; one card per
 * process.
 */
#pragma once
#include <stdint.h>

#include "card.h"

/**
 * trap_registers() - BAR 0 as memory for a driver that accesses it directly
 *
 * The pages with the queue registers are the card's own. The others are inaccessible: an access is
 * caught (SIGSEGV), its instruction single-stepped (trap flag, SIGTRAP), and the register read or
 * written on the card. 32-bit accesses only.
 *
 * Return: the address of BAR 0, or NULL.
 */
uint8_t *trap_registers(struct card *card);

struct trap_counts {
	uint64_t instructions, doorbells, other_accesses;
};

/**
 * trap_count() - step through @function
 * @bar0: the driver's mapping of the registers
 *
 * A string instruction counts once, however often it repeats. Doorbells are writes to the pages of
 * the queue registers.
 */
struct trap_counts trap_count(uint8_t *bar0, void (*function)(void *argument), void *argument);

/** trap_accesses() - trapped register accesses so far. */
uint64_t trap_accesses(void);
