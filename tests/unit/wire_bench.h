/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The wires without a card: the bench stands for up to three cards. Each keeps what its wire delivers, and
 * a test sends through them.
 */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire.h"

#define KEPT 1024

struct nic {
	bool up;
	bool light;    /* on the cable */
	bool backlog;  /* nic_set_backlog() */
	uint32_t room; /* free descriptors */
	uint32_t count, missed;
	uint32_t lengths[KEPT];
	uint8_t *frames[KEPT];
};

struct bench {
	struct wires wires;
	struct nic nics[3];
};

extern struct bench bench;

/* Give the next card the wire that the command line would call @text. Return: 0, or what wires_add() returns. */
int bench_plug(const char *text);

/* A test's teardown: no wires, no frames. */
int bench_unplug(void **state);

/* Plug one wire, or two, and start them. */
void bench_start(const char *first, const char *second);

void bench_forget(struct nic *nic);

struct wire_account *bench_account(uint32_t port);

uint32_t bench_poll(uint32_t port, uint64_t now);

/* The card of @port sends what the card of port 0 was given as its frame @i, byte @touch changed; -1: none. */
void bench_forward(uint32_t port, uint32_t i, int touch);

#define TEST(name) cmocka_unit_test_teardown(name, bench_unplug)
