/* SPDX-License-Identifier: BSD-2-Clause */
/* What happens to a card is reported once, and in order. */
#include "driver.h"

#include <poll.h>

#include <sys/eventfd.h>

#include <ixy/event.h>
#include <ixy/interrupt.h>

#define card0 (&emu_cards[0])

static struct ixy_watch watch;

static struct ixy_device *open_and_watch(void)
{
	struct ixy_device *dev = open_card(0, NULL);
	struct ixy_event event;

	watch = (struct ixy_watch){ 0 };
	assert_false(ixy_next_event(dev, &watch, &event)); /* that the link is up is no news */
	return dev;
}

static void expect(struct ixy_device *dev, enum ixy_event_kind kind, const char *text)
{
	struct ixy_event event;

	assert_true(ixy_next_event(dev, &watch, &event));
	assert_int_equal(event.kind, kind);
	assert_string_equal(event.text, text);
	assert_int_equal(event.mbits, kind == IXY_LINK_UP ? 10000 : 0);
}

static void expect_nothing(struct ixy_device *dev)
{
	struct ixy_event event;

	if (ixy_next_event(dev, &watch, &event))
		fail_msg("%s", event.text);
}

static void plug(bool in)
{
	nic_set_wire(card0->nic, in);
	emu_sleep(5000);
}

static void link_goes_and_comes(void **state)
{
	struct ixy_device *dev = open_and_watch();

	(void)state;
	expect_nothing(dev);
	plug(false);
	expect(dev, IXY_LINK_DOWN, "link down");
	expect_nothing(dev);
	plug(true);
	expect(dev, IXY_LINK_UP, "link up, 10 Gbit/s");
	expect_nothing(dev);

	/* Between two looks: was there anything? */
	plug(false);
	plug(true);
	expect(dev, IXY_LINK_DOWN, "link down");
	expect(dev, IXY_LINK_UP, "link up, 10 Gbit/s");
	plug(false);
	plug(true);
	plug(false);
	expect(dev, IXY_LINK_DOWN, "link down");
	expect_nothing(dev);
	ixy_close(dev);
}

static bool readable(int fd)
{
	return poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, 0) > 0;
}

/* The handling of one lets the next one interrupt. */
static void link_change_wakes_up(void **state)
{
	struct ixy_device *dev = open_and_watch();
	struct ixy_interrupts in;

	(void)state;
	assert_int_equal(ixy_interrupts_on(&in, dev, NULL), 0);
	const struct ixy_wait wait = { &in, 0, -1, true }, packets = { &in, 0, -1, false };

	expect_nothing(dev);
	while (ixy_wait(&wait, 1, 0))
		;
	for (int i = 0; i < 10; i++) {
		plug(i % 2);
		assert_true(readable(in.event_fds[0]));
		assert_int_equal(ixy_wait(&packets, 1, 0), 0); /* not this one's business */
		assert_int_equal(ixy_wait(&wait, 1, 0), IXY_EVENT);
		assert_int_equal(ixy_wait(&wait, 1, 0), 0);
		if (i % 2)
			expect(dev, IXY_LINK_UP, "link up, 10 Gbit/s");
		else
			expect(dev, IXY_LINK_DOWN, "link down");
	}
	ixy_close(dev);
}

/* Causes of EICR that occur here only when they are set by hand. */
static void faults_are_named(void **state)
{
	struct ixy_device *dev = open_and_watch();

	(void)state;
	nic_write(card0->nic, 0, EICS, 4, EICR_TS | EICR_ECC | EICR_PCI | EICR_MNG);
	expect(dev, IXY_TOO_HOT, "too hot");
	expect(dev, IXY_BAD_DMA, "a memory access failed");
	expect(dev, IXY_BAD_MEMORY, "an error in its memory");
	expect_nothing(dev);
	ixy_close(dev);
}

static void ends(uint32_t index, enum ixy_event_kind kind, const char *text)
{
	struct ixy_device *dev = open_and_watch();
	struct ixy_interrupts in;

	assert_int_equal(ixy_interrupts_on(&in, dev, NULL), 0);
	const struct ixy_wait wait = { &in, 0, -1, true };

	expect_nothing(dev);
	while (ixy_wait(&wait, 1, 0))
		;
	assert_int_equal(eventfd_write(card0->irqs[index][0], 1), 0);
	assert_int_equal(ixy_wait(&wait, 1, 0), IXY_EVENT);
	expect(dev, kind, text);
	assert_true(watch.ended);
	expect_nothing(dev);
	assert_int_equal(ixy_wait(&wait, 1, 0), IXY_EVENT); /* until it is closed */
	ixy_close(dev);
}

static void failed_card_is_reported(void **state)
{
	(void)state;
	ends(VFIO_PCI_ERR_IRQ_INDEX, IXY_FAILED, "failed");
}

static void wanted_card_is_reported(void **state)
{
	(void)state;
	ends(VFIO_PCI_REQ_IRQ_INDEX, IXY_WANTED, "wanted back by the system");
}

static void card_that_has_gone_is_reported(void **state)
{
	struct ixy_device *dev = open_and_watch();

	(void)state;
	card0->accesses_left = 0;
	expect(dev, IXY_GONE, "no longer answers");
	expect_nothing(dev);
	ixy_close(dev);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		driver_test(link_goes_and_comes),     driver_test(link_change_wakes_up),
		driver_test(faults_are_named),	      driver_test(failed_card_is_reported),
		driver_test(wanted_card_is_reported), driver_test(card_that_has_gone_is_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
