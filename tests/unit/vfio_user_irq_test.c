/* SPDX-License-Identifier: BSD-2-Clause */
/* The vfio-user server's interrupts: any start and count, masks, MSI-X before MSI before INTx. */
#include "vfio_user_client.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

static void interrupt_types_are_described(void **state)
{
	static const uint32_t counts[5] = { 1, 1, 64, 1, 1 };
	struct world *world = *state;
	int fd = client_open(world);
	uint32_t info[4];

	for (uint32_t i = 0; i < 6; i++) {
		uint32_t request[4] = { 16, 0, i, 0 };

		assert_int_equal(call(world, fd, IRQ_INFO, request, 16, NULL, 0),
				 i < 5 ? 0 : EINVAL);
		if (i == 5)
			break;
		memcpy(info, answer.data, sizeof(info));
		assert_int_equal(info[2], i);
		assert_int_equal(info[3], counts[i]);
		assert_true(info[1] & 1);		      /* by eventfd */
		assert_int_equal(!!(info[1] & 4), i == INTX); /* masks itself */
	}
	close(fd);
}

static void make_events(int *fds, int count)
{
	for (int i = 0; i < count; i++)
		fds[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
}

static void close_all(const int *fds, int count)
{
	for (int i = 0; i < count; i++)
		close(fds[i]);
}

/* PITFALLS of clients: start always 0, one eventfd for all. */
static void msix_vectors_are_set_with_any_start_and_count(void **state)
{
	struct world *world = *state;
	int fd = client_open(world);
	int events[4];

	make_events(events, 4);
	assert_int_equal(set_irqs(world, fd, EVENTFD | TRIGGER, MSIX, 60, 4, events, 4), 0);
	for (uint32_t i = 0; i < 4; i++) {
		vfu_interrupt(world->server, 60 + i);
		for (uint32_t j = 0; j < 4; j++)
			assert_int_equal(signalled(events[j]), i == j);
	}
	vfu_interrupt(world->server, 0);  /* not armed */
	vfu_interrupt(world->server, 64); /* no such vector */

	/* Two of them back, the others stay */
	assert_int_equal(set_irqs(world, fd, EVENTFD | TRIGGER, MSIX, 61, 2, NULL, 0), 0);
	for (uint32_t i = 0; i < 4; i++) {
		vfu_interrupt(world->server, 60 + i);
		assert_int_equal(signalled(events[i]), i == 0 || i == 3);
	}
	assert_int_equal(set_irqs(world, fd, NONE | TRIGGER, MSIX, 0, 0, NULL, 0), 0);
	vfu_interrupt(world->server, 60);
	assert_int_equal(signalled(events[0]), 0);
	close_all(events, 4);
	close(fd);
}

/* More files in a message than the server says it takes: some clients never ask. */
static void all_vectors_may_be_set_at_once(void **state)
{
	struct world *world = *state;
	int fd = client_open(world);
	int events[64];

	make_events(events, 64);
	assert_int_equal(set_irqs(world, fd, EVENTFD | TRIGGER, MSIX, 0, 64, events, 64), 0);
	for (uint32_t i = 0; i < 64; i++) {
		vfu_interrupt(world->server, i);
		assert_int_equal(signalled(events[i]), 1);
	}
	assert_int_equal(set_irqs(world, fd, EVENTFD | TRIGGER, MSIX, 0, 63, events, 64), EINVAL);
	close_all(events, 64);
	close(fd);
}

static void msi_is_used_while_msix_is_not_armed(void **state)
{
	struct world *world = *state;
	int fd = client_open(world);
	int events[2];

	make_events(events, 2);
	assert_int_equal(set_irqs(world, fd, EVENTFD | TRIGGER, MSI, 0, 1, &events[0], 1), 0);
	vfu_interrupt(world->server, 0);
	assert_int_equal(signalled(events[0]), 1);
	assert_int_equal(set_irqs(world, fd, EVENTFD | TRIGGER, MSIX, 0, 1, &events[1], 1), 0);
	vfu_interrupt(world->server, 0);
	assert_int_equal(signalled(events[0]), 0);
	assert_int_equal(signalled(events[1]), 1);
	close_all(events, 2);
	close(fd);
}

static void card_without_msix_has_msi_only(void **state)
{
	struct world *world = *state;
	uint32_t request[4] = { 16, 0, MSIX, 0 }, info[4];
	int event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	nic_remove_msix(world->nic);
	int fd = client_open(world);

	assert_int_equal(call(world, fd, IRQ_INFO, request, 16, NULL, 0), 0);
	memcpy(info, answer.data, sizeof(info));
	assert_int_equal(info[3], 0);
	assert_int_equal(set_irqs(world, fd, EVENTFD | TRIGGER, MSIX, 0, 1, &event, 1), EINVAL);
	assert_int_equal(set_irqs(world, fd, NONE | TRIGGER, MSIX, 0, 0, NULL, 0), 0);
	assert_int_equal(set_irqs(world, fd, EVENTFD | TRIGGER, MSI, 0, 1, &event, 1), 0);
	vfu_interrupt(world->server, 0);
	assert_int_equal(signalled(event), 1);
	close(event);
	close(fd);
}

static void intx_stays_masked_until_it_is_unmasked(void **state)
{
	struct world *world = *state;
	int fd = client_open(world);
	int event;

	make_events(&event, 1);
	assert_int_equal(set_irqs(world, fd, EVENTFD | TRIGGER, INTX, 0, 1, &event, 1), 0);
	write_region(world, fd, CONFIG, 4, "\x06", 1); /* memory, master */
	write_register(world, fd, EIMS, 3, 4);
	write_register(world, fd, EICS, 1, 4);
	write_register(world, fd, EICS, 2, 4);
	assert_int_equal(signalled(event), 1);
	assert_int_equal(read_region(world, fd, CONFIG, 6, 1), 0);
	assert_int_equal(answer.data[16], 0x18); /* interrupt status, capabilities list */
	assert_int_equal(set_irqs(world, fd, NONE | UNMASK, INTX, 0, 1, NULL, 0), 0);
	assert_int_equal(signalled(event), 1); /* the driver has not seen to it */
	assert_int_equal(read_register(world, fd, EICR, 4), 3);
	assert_int_equal(set_irqs(world, fd, NONE | UNMASK, INTX, 0, 1, NULL, 0), 0);
	assert_int_equal(signalled(event), 0);

	write_region(world, fd, CONFIG, 5, "\x04", 1); /* disabled */
	write_register(world, fd, EICS, 1, 4);
	assert_int_equal(signalled(event), 0);
	write_region(world, fd, CONFIG, 5, "\x00", 1);
	assert_int_equal(signalled(event), 1);
	close(event);
	close(fd);
}

static void masked_interrupts_are_delivered_later(void **state)
{
	struct world *world = *state;
	int fd = client_open(world);
	int events[2], masked, unmasked;
	struct {
		uint32_t set[5];
		uint8_t chosen[2];
	} some = { { 22, BOOL | MASK, MSIX, 0, 2 }, { 0, 1 } };

	make_events(events, 2);
	make_events(&masked, 1);
	make_events(&unmasked, 1);
	assert_int_equal(set_irqs(world, fd, EVENTFD | TRIGGER, MSIX, 0, 2, events, 2), 0);
	assert_int_equal(set_irqs(world, fd, EVENTFD | MASK, MSIX, 1, 1, &masked, 1), 0);
	assert_int_equal(set_irqs(world, fd, EVENTFD | UNMASK, MSIX, 1, 1, &unmasked, 1), 0);
	assert_int_equal(call(world, fd, SET_IRQS, &some, 22, NULL, 0), 0);
	assert_int_equal(signalled(masked), 1);
	vfu_interrupt(world->server, 0);
	vfu_interrupt(world->server, 1);
	vfu_interrupt(world->server, 1);
	assert_int_equal(signalled(events[0]), 1);
	assert_int_equal(signalled(events[1]), 0);
	assert_int_equal(set_irqs(world, fd, NONE | UNMASK, MSIX, 0, 64, NULL, 0), 0);
	assert_int_equal(signalled(unmasked), 1);
	assert_int_equal(signalled(events[0]), 0);
	assert_int_equal(signalled(events[1]), 1);
	close_all(events, 2);
	close(masked);
	close(unmasked);
	close(fd);
}

static void client_can_trigger_interrupts_itself(void **state)
{
	struct world *world = *state;
	int fd = client_open(world);
	int events[3], error;
	struct {
		uint32_t set[5];
		uint8_t chosen[3];
	} some = { { 23, BOOL | TRIGGER, MSIX, 1, 3 }, { 1, 0, 1 } };

	make_events(events, 3);
	make_events(&error, 1);
	assert_int_equal(set_irqs(world, fd, EVENTFD | TRIGGER, MSIX, 1, 3, events, 3), 0);
	assert_int_equal(call(world, fd, SET_IRQS, &some, 23, NULL, 0), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(signalled(events[i]), some.chosen[i]);
	assert_int_equal(set_irqs(world, fd, NONE | TRIGGER, MSIX, 2, 1, NULL, 0), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(signalled(events[i]), i == 1);
	assert_int_equal(set_irqs(world, fd, EVENTFD | TRIGGER, ERR, 0, 1, &error, 1), 0);
	assert_int_equal(set_irqs(world, fd, NONE | TRIGGER, ERR, 0, 1, NULL, 0), 0);
	assert_int_equal(signalled(error), 1);
	close_all(events, 3);
	close(error);
	close(fd);
}

static void server_that_goes_asks_for_the_device_back(void **state)
{
	struct world *world = *state;
	int fd = client_open(world);
	int event;

	make_events(&event, 1);
	assert_int_equal(set_irqs(world, fd, EVENTFD | TRIGGER, REQ, 0, 1, &event, 1), 0);
	vfu_close(world->server);
	world->server = NULL;
	assert_int_equal(signalled(event), 1);
	assert_int_equal(access(world->path, F_OK), -1); /* and removes its socket */
	close(event);
	close(fd);
}

static void senseless_interrupt_settings_are_refused(void **state)
{
	static const uint32_t bad[][4] = {
		/* flags, index, start, count */
		{ NONE | TRIGGER, 5, 0, 1 },
		{ NONE | TRIGGER, UINT32_MAX, 0, 1 },
		{ NONE | TRIGGER, MSIX, 64, 1 },
		{ NONE | TRIGGER, MSIX, 63, 2 },
		{ NONE | TRIGGER, MSIX, UINT32_MAX, 2 },
		{ NONE | TRIGGER, MSIX, 1, UINT32_MAX },
		{ NONE | TRIGGER, MSIX, 1, 0 },
		{ NONE | MASK, MSIX, 0, 0 },
		{ EVENTFD | TRIGGER, MSIX, 0, 0 },
		{ NONE | MASK, ERR, 0, 1 },
		{ NONE | UNMASK, REQ, 0, 1 },
		{ NONE, MSIX, 0, 1 },
		{ TRIGGER, MSIX, 0, 1 },
		{ NONE | BOOL | TRIGGER, MSIX, 0, 1 },
		{ NONE | MASK | UNMASK, MSIX, 0, 1 },
		{ NONE | TRIGGER | 64, MSIX, 0, 1 },
		{ BOOL | TRIGGER, MSIX, 0, 1 }, /* without the bytes */
	};
	struct world *world = *state;
	int fd = client_open(world);
	int events[2], pipes[2];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (set_irqs(world, fd, bad[i][0], bad[i][1], bad[i][2], bad[i][3], NULL, 0) !=
		    EINVAL)
			fail_msg("accepted: number %zu", i);
	}
	make_events(events, 2);
	assert_int_equal(set_irqs(world, fd, EVENTFD | TRIGGER, MSIX, 0, 3, events, 2), EINVAL);
	assert_int_equal(set_irqs(world, fd, EVENTFD | TRIGGER, MSIX, 0, 1, events, 2), EINVAL);
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(set_irqs(world, fd, EVENTFD | TRIGGER, MSIX, 0, 2, pipes, 2), EINVAL);
	assert_int_equal(set_irqs(world, fd, EVENTFD | TRIGGER, MSIX, 0, 1, &fd, 1), EINVAL);
	close_all(events, 2);
	close_all(pipes, 2);
	close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_create, world_destroy)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(interrupt_types_are_described),
		TEST(msix_vectors_are_set_with_any_start_and_count),
		TEST(all_vectors_may_be_set_at_once),
		TEST(msi_is_used_while_msix_is_not_armed),
		TEST(card_without_msix_has_msi_only),
		TEST(intx_stays_masked_until_it_is_unmasked),
		TEST(masked_interrupts_are_delivered_later),
		TEST(client_can_trigger_interrupts_itself),
		TEST(server_that_goes_asks_for_the_device_back),
		TEST(senseless_interrupt_settings_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
