/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A card as after power-on, with nothing around it but a counter of its interrupts: for tests of
 * registers. Include this first: it brings cmocka.
 */
#ifndef BARE_CARD_H
#define BARE_CARD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "nic_internal.h"

static struct nic *nic;
static uint64_t now;
static uint32_t interrupts[NIC_MSIX_COUNT];
static uint8_t memory[0x10000]; /* at I/O virtual address 0x1000000 */

static const uint8_t mac[6] = { 0x02, 0x11, 0x22, 0x33, 0x44, 0x55 };

#define MEMORY 0x1000000ull
#define MS     1000000u

static bool window(void *ctx, uint64_t iova, struct nic_window *window)
{
	(void)ctx;
	if (iova < MEMORY || iova - MEMORY >= sizeof(memory))
		return false;
	*window = (struct nic_window){ MEMORY, sizeof(memory), memory, true };
	return true;
}

static void interrupt(void *ctx, uint32_t vector)
{
	(void)ctx;
	assert_true(vector < NIC_MSIX_COUNT);
	interrupts[vector]++;
}

static void transmit(void *ctx, const uint8_t *frame, size_t length)
{
	(void)ctx;
	(void)frame;
	(void)length;
}

static int set_up(void **state)
{
	const struct nic_host host = { NULL, window, interrupt, transmit };

	(void)state;
	now = 5000 * (uint64_t)MS;
	memset(interrupts, 0, sizeof(interrupts));
	assert_int_equal(nic_create(&nic, &host, mac), 0);
	nic_poll(nic, now, 1);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	nic_destroy(nic);
	return 0;
}

static inline uint32_t get(uint32_t offset)
{
	return (uint32_t)nic_read(nic, 0, offset, 4);
}

static inline void set(uint32_t offset, uint32_t value)
{
	nic_write(nic, 0, offset, 4, value);
}

static inline void wait(uint64_t ns)
{
	now += ns;
	nic_poll(nic, now, 1);
}

static inline uint32_t config(uint32_t offset, size_t size)
{
	uint32_t value = 0;

	assert_int_equal(nic_config_read(nic, offset, &value, size), 0);
	return value;
}

static inline void set_config(uint32_t offset, size_t size, uint32_t value)
{
	assert_int_equal(nic_config_write(nic, offset, &value, size), 0);
}

static inline void bus_master(void)
{
	set_config(0x04, 2, 0x6);
}

#define test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

#endif
