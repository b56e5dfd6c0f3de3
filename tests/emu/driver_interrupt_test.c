/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupts of the 82599 driver, and waiting for them. Time is the test's: what sleeps here lets the
 * cards work, and a second is over at once.
 */
#include "driver.h"

#include <poll.h>
#include <stdio.h>
#include <time.h>

#include <sys/eventfd.h>

#include <ixy/interrupt.h>

#define card0 (&emu_cards[0])

int __real_poll(struct pollfd *fds, nfds_t count, int ms);
int __wrap_poll(struct pollfd *fds, nfds_t count, int ms);

static uint64_t slept_us, sleeps;
static void (*while_asleep)(void); /* called before each millisecond */

int __wrap_poll(struct pollfd *fds, nfds_t count, int ms)
{
	int ready = __real_poll(fds, count, 0);

	sleeps += ms != 0;
	for (uint64_t end = slept_us + (uint64_t)ms * 1000; !ready && slept_us < end;) {
		if (while_asleep)
			while_asleep();
		emu_sleep(10);
		slept_us += 10;
		ready = __real_poll(fds, count, 0);
	}
	return ready;
}

static bool readable(int fd)
{
	return __real_poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, 0) > 0;
}

static bool signalled(const struct ixy_interrupts *in, uint16_t queue)
{
	return readable(ixy_rx_eventfd(in, queue));
}

static uint64_t sent_interrupts(void)
{
	return nic_account(card0->nic)->interrupts;
}

/* By MSI-X and by MSI: the same behaviour. */
static const struct ixy_interrupt_config kinds[] = { { .msi = false }, { .msi = true } };

static struct ixy_device *open_with(struct ixy_interrupts *in, const struct ixy_config *config,
				    const struct ixy_interrupt_config *kind)
{
	struct ixy_device *dev = open_card(0, config);

	if (ixy_interrupts_on(in, dev, kind))
		fail_msg("%s", driver_log);
	assert_int_equal(in->msix, !kind || !kind->msi);
	return dev;
}

static uint32_t receive_and_free(struct ixy_device *dev, uint16_t queue)
{
	struct pkt_buf *bufs[64];
	uint32_t n = ixy_rx_batch(dev, queue, bufs, 64);

	pkt_buf_free_batch(bufs, n);
	return n;
}

/* ---- One queue: in front of sleep, and after it ---- */

static void packet_after_arming_interrupts_once(const struct ixy_interrupt_config *kind)
{
	struct ixy_interrupts in;
	struct ixy_device *dev = open_with(&in, NULL, kind);
	uint64_t before = sent_interrupts();

	wire_to(0, 60, 0);
	assert_false(signalled(&in, 0)); /* on, but not armed */
	receive_one(dev, 0, 60, 0, 0);
	if (ixy_rx_arm(&in, 0))
		fail_msg("an empty ring");
	emu_sleep(1000);
	bool needless = signalled(&in, 0);
	assert_false(ixy_rx_arm(&in, 0));
	emu_sleep(1000);
	assert_false(signalled(&in, 0));

	wire_to(0, 60, 1);
	emu_sleep(1000);
	assert_true(signalled(&in, 0));
	for (uint32_t i = 2; i < 100; i++) {
		wire_to(0, 60, i);
		emu_sleep(100);
	}
	assert_int_equal(sent_interrupts() - before, 1 + needless); /* and polling goes on */
	assert_int_equal(receive_and_free(dev, 0) + receive_and_free(dev, 0), 99);
	ixy_close(dev);
}

static void packet_before_arming_is_seen(const struct ixy_interrupt_config *kind)
{
	struct ixy_interrupts in;
	struct ixy_device *dev = open_with(&in, NULL, kind);

	wire_to(0, 60, 0);
	assert_true(ixy_rx_arm(&in, 0));
	receive_one(dev, 0, 60, 0, 0);
	assert_false(ixy_rx_waiting(dev, 0));
	ixy_close(dev);
}

/* Its signal is taken by the next arming: then only the ring tells of it. */
static void packet_whose_signal_is_taken_is_seen(const struct ixy_interrupt_config *kind)
{
	struct ixy_interrupts in;
	struct ixy_device *dev = open_with(&in, NULL, kind);

	assert_false(ixy_rx_arm(&in, 0));
	wire_to(0, 60, 0);
	emu_sleep(100);
	assert_true(signalled(&in, 0));
	assert_true(ixy_rx_arm(&in, 0));
	assert_false(signalled(&in, 0));
	receive_one(dev, 0, 60, 0, 0);
	ixy_close(dev);
}

/* ixy_rx_batch() returns 0 in front of a damaged frame: the next packet must not wait behind it. */
static void damaged_frame_is_not_an_empty_ring(const struct ixy_interrupt_config *kind)
{
	struct ixy_interrupts in;
	struct ixy_device *dev = open_with(&in, NULL, kind);

	wire_to(0, 60, 0);
	wire_to(0, 60, 1);
	rx_descriptor(0, 0, 0)[1] |= 1 << 29; /* RXE */
	assert_true(ixy_rx_arm(&in, 0));
	assert_int_equal(receive_and_free(dev, 0), 0);
	assert_true(ixy_rx_arm(&in, 0));
	receive_one(dev, 0, 60, 0, 1);
	ixy_close(dev);
}

/* ---- Nothing is stranded, wherever the packets fall ---- */

static uint64_t random_state;

static uint32_t random_below(uint32_t limit)
{
	random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(random_state >> 33) % limit;
}

static uint32_t wired, between; /* packets; those that came between two register accesses */

/* A card with a mind of its own: packets come between any two accesses of the driver. */
static void wire_between(struct emu_card *card)
{
	static const uint8_t frame[60] = { 2 };

	for (uint32_t n = random_below(8); n > 5; n--, wired++, between++)
		assert_int_equal(emu_receive(card, frame, sizeof(frame)), NIC_TAKEN);
}

static void nothing_is_stranded(const struct ixy_interrupt_config *kind)
{
	struct ixy_interrupts in;
	struct ixy_device *dev = open_with(&in, NULL, kind);
	uint32_t received = 0, slept = 0, woken = 0, rounds = 20000;

	random_state = 1;
	wired = between = 0;
	while (received < wired || rounds) {
		/* Poll for some time; the more rounds, the later the arming. */
		for (uint32_t polls = random_below(4); polls; polls--) {
			received += receive_and_free(dev, 0);
			emu_sleep(random_below(3));
			if (rounds && random_below(4) == 0 && ++wired)
				wire_to(0, 60, wired);
		}
		card0->accessing = rounds ? wire_between : NULL;
		bool waits = ixy_rx_arm(&in, 0);
		card0->accessing = NULL;
		rounds -= !!rounds;
		if (waits) {
			received += receive_and_free(dev, 0);
			continue;
		}

		/* Asleep. What came before, or comes now, must wake us up within the longest throttle. */
		slept++;
		if (rounds && random_below(2) && ++wired)
			wire_to(0, 60, wired);
		for (uint32_t us = 0; us <= 130 && !signalled(&in, 0); us++)
			emu_sleep(1);
		if (signalled(&in, 0))
			woken++;
		else if (ixy_rx_waiting(dev, 0))
			fail_msg("a packet is stranded; %u slept, %u between", slept, between);
	}
	assert_int_equal(received, wired);
	assert_int_equal(nic_account(card0->nic)->rx_frames, wired);
	/* It was about these: */
	assert_true(slept > 1000 && woken > 1000 && between > 1000);
	ixy_close(dev);
}

/* ---- Several queues ---- */

static void each_queue_has_its_vector(void **state)
{
	const struct ixy_config config = {
		.rx_queues = 63, .rx_ring = 64, .tx_ring = 64, .buffers = 256
	};
	struct ixy_interrupts in;
	struct ixy_device *dev = open_with(&in, &config, NULL);

	(void)state;
	for (uint16_t q = 0; q < 63; q++)
		assert_false(ixy_rx_arm(&in, q));
	for (uint16_t q = 0; q < 63; q++) {
		steer(q);
		wire_to(0, 60, q);
		emu_sleep(10);
		for (uint16_t other = 0; other < 63; other++)
			assert_int_equal(signalled(&in, other), other <= q);
		receive_one(dev, q, 60, 0, q);
	}
	ixy_close(dev);
}

static void queues_share_msi(void **state)
{
	const struct ixy_config config = {
		.rx_queues = 16, .rx_ring = 64, .tx_ring = 64, .buffers = 256
	};
	struct ixy_interrupts in;
	struct ixy_device *dev = open_with(&in, &config, &kinds[1]);

	(void)state;
	for (uint16_t q = 0; q < 16; q++) {
		for (uint16_t other = 0; other < 16; other++)
			assert_false(ixy_rx_arm(&in, other));
		emu_sleep(1000);
		assert_false(signalled(&in, 0));
		steer(q);
		wire_to(0, 60, q);
		emu_sleep(1000);
		assert_true(signalled(&in, 0));
		receive_one(dev, q, 60, 0, q);
	}
	ixy_close(dev);
}

/* Arming a queue takes the signal of another one that was armed before it. */
static void queue_whose_signal_is_taken_by_another_is_seen(void **state)
{
	const struct ixy_config config = { .rx_queues = 4 };
	struct ixy_interrupts in;
	struct ixy_device *dev = open_with(&in, &config, &kinds[1]);

	(void)state;
	for (uint16_t q = 0; q < 4; q++)
		assert_false(ixy_rx_arm(&in, q));
	emu_sleep(1000);
	steer(1);
	wire_to(0, 60, 0);
	emu_sleep(1000);
	assert_true(signalled(&in, 0));
	assert_true(ixy_rx_arm(&in, 3));
	assert_false(signalled(&in, 0));
	receive_one(dev, 1, 60, 0, 0);
	assert_false(ixy_rx_arm(&in, 3));
	ixy_close(dev);
}

/* ---- Throttling ---- */

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t); /* the card's clock */
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* How long after the last one does an interrupt come, for packets all the time? */
static uint32_t interval_under_load(struct ixy_interrupts *in)
{
	uint64_t came[2];

	for (int i = 0; i < 2; i++) {
		ixy_rx_arm(in, 0);
		for (uint32_t n = 0; n < 5000 && !signalled(in, 0); n++) {
			wire_to(0, 60, n);
			receive_and_free(in->dev, 0);
		}
		came[i] = now_us();
	}
	return (uint32_t)(came[1] - came[0]);
}

static void throttle_is_kept(const struct ixy_interrupt_config *kind)
{
	static const uint32_t us[] = { 2, 100, 333, 1022 };

	for (int i = 0; i < 4; i++) {
		struct ixy_interrupt_config config = { us[i], kind->msi };
		struct ixy_interrupts in;
		struct ixy_device *dev = open_with(&in, NULL, &config);
		uint32_t measured = interval_under_load(&in);

		/* The card's unit is nearly 2 us; what the driver does takes time, too. */
		if (measured + 5 < us[i] || measured > us[i] * 21 / 20 + 5)
			fail_msg("%u us instead of %u", measured, us[i]);
		ixy_close(dev);
	}
}

static void adaptive_throttle_follows_the_rate(const struct ixy_interrupt_config *kind)
{
	struct ixy_interrupts in;
	struct ixy_device *dev = open_with(&in, NULL, kind);
	struct ixy_vector *v = &in.vectors[in.msix];
	uint32_t vector = in.msix, offset = EITR(vector);

	assert_int_equal(v->interval_us, 8);
	assert_int_equal(EITR_INTERVAL(emu_register(card0, offset)), 4);
	for (int i = 0; i < 20; i++)
		interval_under_load(&in);
	assert_int_equal(v->interval_us, 128);
	assert_int_equal(EITR_INTERVAL(emu_register(card0, offset)), 64);

	/* A few packets, far apart: soon each interrupts without delay. */
	for (uint32_t i = 0; i < 3; i++) {
		while (ixy_rx_arm(&in, 0))
			receive_and_free(dev, 0);
		emu_sleep(10000);
		while (ixy_rx_arm(&in, 0))
			receive_and_free(dev, 0);
		wire_to(0, 60, i);
		emu_sleep(3);
		assert_true(signalled(&in, 0));
	}
	while (ixy_rx_arm(&in, 0))
		receive_and_free(dev, 0);
	assert_int_equal(v->interval_us, 8);
	ixy_close(dev);
}

/* ---- Waiting ---- */

static void wire_one(void)
{
	while_asleep = NULL;
	wire_to(1, 60, 7);
}

static void one_thread_waits_for_two_cards(void **state)
{
	struct ixy_interrupts in[2];
	struct ixy_wait wait[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct ixy_device *dev = open_card(i, NULL);
		assert_int_equal(ixy_interrupts_on(&in[i], dev, NULL), 0);
		wait[i] = (struct ixy_wait){ &in[i], 0, 0, true };
	}
	while (ixy_wait(wait, 2, 1)) /* the link came up */
		;
	slept_us = 0;
	assert_int_equal(ixy_wait(wait, 2, 1000), 0);
	assert_int_equal(slept_us, 1000000);

	slept_us = 0;
	while_asleep = wire_one;
	assert_int_equal(ixy_wait(wait, 2, 1000), IXY_PACKETS);
	assert_true(slept_us < 1000);
	assert_int_equal(ixy_wait(wait, 2, 1000), IXY_PACKETS); /* it is still there */
	assert_true(slept_us < 1000);
	receive_one(in[1].dev, 0, 60, 1, 7);
	assert_int_equal(ixy_wait(wait, 2, 1), 0);

	assert_int_equal(ixy_wait(wait, 0, 0), -EINVAL);
	assert_int_equal(ixy_wait(wait, IXY_WAIT_MAX + 1, 0), -EINVAL);
	ixy_close(in[0].dev);
	ixy_close(in[1].dev);
}

static uint64_t resume_at;

static void resume(void)
{
	card0->stalled = slept_us < resume_at;
}

static void sent_buffers_come_back_while_asleep(void **state)
{
	struct ixy_interrupts in;
	struct ixy_device *dev = open_with(&in, NULL, NULL);
	const struct ixy_wait wait = { &in, 0, 0, false };
	struct mempool *pool;
	struct pkt_buf *buf;

	(void)state;
	assert_int_equal(mempool_create(&pool, 32, 2048), 0);
	card0->stalled = true; /* it is in no hurry */
	for (uint32_t i = 0; i < 32; i++) {
		buf = packet(pool, 60, 0, i);
		assert_int_equal(ixy_tx_batch(dev, 0, &buf, 1), 1);
	}
	slept_us = sleeps = 0;
	resume_at = 20000;
	while_asleep = resume;
	assert_int_equal(ixy_wait(&wait, 1, 1000), 0);
	while_asleep = NULL;
	assert_int_equal(mempool_free_count(pool), 32);
	assert_int_equal(slept_us, 1000000);
	assert_true(sleeps <= 7); /* 1, 2, 4, 8, 16 ms; then the rest */

	/* A link that is down keeps them, and keeps no thread awake. */
	nic_set_wire(card0->nic, false);
	emu_sleep(1000);
	buf = packet(pool, 60, 0, 0);
	assert_int_equal(ixy_tx_batch(dev, 0, &buf, 1), 1);
	sleeps = 0;
	assert_int_equal(ixy_wait(&wait, 1, 10000), 0);
	assert_true(sleeps < 20);
	mempool_destroy(pool);
	ixy_close(dev);
}

/* ---- Errors ---- */

static void refused(struct ixy_device *dev, const struct ixy_interrupt_config *config, int err,
		    const char *words)
{
	struct ixy_interrupts in;

	driver_log[0] = 0;
	assert_int_equal(ixy_interrupts_on(&in, dev, config), -err);
	if (!strstr(driver_log, words))
		fail_msg("no word of \"%s\": %s", words, driver_log);
}

static void what_cannot_be_is_refused(void **state)
{
	const struct ixy_config queues64 = {
		.rx_queues = 64, .rx_ring = 64, .tx_ring = 64, .buffers = 256
	};
	struct ixy_device *dev = open_card(0, &queues64);

	(void)state;
	refused(dev, NULL, ENOSPC, "65 vectors");
	refused(dev, NULL, ENOSPC, "MSI-X table");
	refused(dev, &kinds[1], ENOSPC, "up to 16 receive queues");
	refused(dev, &(struct ixy_interrupt_config){ .throttle_us = 1023 }, EINVAL,
		"from 2 to 1022");
	refused(dev, &(struct ixy_interrupt_config){ .throttle_us = 1 }, EINVAL, "from 2 to 1022");
	ixy_close(dev);

	dev = open_card(0, &(struct ixy_config){ .rx_queues = 4 });
	card0->vectors = 4;
	refused(dev, NULL, ENOSPC, "the system cannot provide 5 vectors");
	card0->vectors = 0;
	struct ixy_interrupts in;
	assert_int_equal(ixy_interrupts_on(&in, dev, NULL), 0);
	refused(dev, NULL, EALREADY, "is armed");
	ixy_interrupts_off(&in);
	assert_int_equal(ixy_interrupts_on(&in, dev, &kinds[1]), 0);
	ixy_interrupts_off(&in);
	wire_to(0, 60, 0);
	ixy_close(dev);
}

#define by_both(name)                                                                              \
	static void name##_msix(void **state)                                                      \
	{                                                                                          \
		(void)state;                                                                       \
		name(&kinds[0]);                                                                   \
	}                                                                                          \
	static void name##_msi(void **state)                                                       \
	{                                                                                          \
		(void)state;                                                                       \
		name(&kinds[1]);                                                                   \
	}
by_both(packet_after_arming_interrupts_once);
by_both(packet_before_arming_is_seen);
by_both(packet_whose_signal_is_taken_is_seen);
by_both(damaged_frame_is_not_an_empty_ring);
by_both(nothing_is_stranded);
by_both(throttle_is_kept);
by_both(adaptive_throttle_follows_the_rate);
#define driver_tests(f) driver_test(f##_msix), driver_test(f##_msi)

int main(void)
{
	const struct CMUnitTest tests[] = {
		driver_tests(packet_after_arming_interrupts_once),
		driver_tests(packet_before_arming_is_seen),
		driver_tests(packet_whose_signal_is_taken_is_seen),
		driver_tests(damaged_frame_is_not_an_empty_ring),
		driver_tests(nothing_is_stranded),
		driver_test(each_queue_has_its_vector),
		driver_test(queues_share_msi),
		driver_test(queue_whose_signal_is_taken_by_another_is_seen),
		driver_tests(throttle_is_kept),
		driver_tests(adaptive_throttle_follows_the_rate),
		driver_test(one_thread_waits_for_two_cards),
		driver_test(sent_buffers_come_back_while_asleep),
		driver_test(what_cannot_be_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
