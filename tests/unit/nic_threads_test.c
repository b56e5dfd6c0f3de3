/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A driver in another thread: with DD comes the packet, with the tail come the descriptors, however
 * the two threads run. The thread sanitizer watches.
 */
#include "tests/unit/nic_card.h"

#include <pthread.h>
#include <sched.h>

#define FRAMES 4000 /* each is handed over twice, which takes long on a busy machine */
#define SIZE   64

static struct ring rx, tx;

/* Through the card's own mapping: sanitizers do not know that two mappings are the same memory. */
static void set_tail(uint32_t offset, uint32_t value)
{
	__atomic_store_n((uint32_t *)(card.nic->bar0 + offset), value, __ATOMIC_RELEASE);
}

static uint64_t get(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static void put(struct nic_desc *desc, uint64_t lo, uint64_t hi)
{
	__atomic_store_n(&desc->lo, lo, __ATOMIC_RELAXED);
	__atomic_store_n(&desc->hi, hi, __ATOMIC_RELAXED);
}

/* Send each packet from the buffer it came in, and reuse the buffer when it is gone. */
static void *forward(void *errors)
{
	for (uint32_t n = 0; n < FRAMES; n++) {
		struct nic_desc *in = &rx.desc[n % SIZE], *out = &tx.desc[n % SIZE];
		uint64_t iova = WINDOW_B + n % (SIZE / 2) * BUFFER_SIZE, hi;
		uint8_t *frame = memory(iova);

		while (!((hi = get(&in->hi)) & RXD_DD))
			sched_yield();
		*(uint32_t *)errors += (hi >> 32 & 0xFFFF) != 60 + n % 200;
		for (uint32_t i = 14; i < 60 + n % 200; i++)
			*(uint32_t *)errors += frame[i] != (uint8_t)(n * 31 + i + (i >> 8));
		frame[20]++;
		put(out, iova, TX_DATA(60 + n % 200) | TXD_EOP | TXD_RS);
		set_tail(TDT(0), (n + 1) % SIZE);
		while (get(&out->hi) >> 32 != TXD_DD >> 32)
			sched_yield();
		put(&rx.desc[(n + SIZE / 2) % SIZE], iova, 0);
		set_tail(RDT(0), (n + SIZE / 2 + 1) % SIZE);
	}
	return NULL;
}

static void driver_in_another_thread_loses_nothing(void **state)
{
	uint8_t frame[300], expected[300];
	uint32_t errors = 0, received = 0, sent = 0;
	pthread_t driver;

	(void)state;
	rx = rx_ring(0, SIZE, ADVANCED);
	tx = tx_ring(0, SIZE);
	for (uint32_t i = 0; i < SIZE / 2; i++)
		put(&rx.desc[i], WINDOW_B + i * BUFFER_SIZE, 0);
	set_tail(RDT(0), SIZE / 2);
	assert_int_equal(pthread_create(&driver, NULL, forward, &errors), 0);
	while (sent < FRAMES) {
		for (uint32_t i = 0; i < 16 && received < FRAMES; i++) {
			frame_to(frame, card_mac, 60 + received % 200, received);
			if (nic_receive(card.nic, frame, 60 + received % 200, NIC_TRY) == NIC_BUSY)
				break;
			received++;
		}
		if (!card_poll(64))
			sched_yield();
		for (; sent < card.sent_count; sent++) {
			const struct sent *s = &card.sent[sent % SENT_MAX];

			frame_to(expected, card_mac, 60 + sent % 200, sent);
			expected[20]++;
			assert_int_equal(s->length, 60 + sent % 200);
			assert_memory_equal(s->bytes, expected, s->length);
		}
	}
	assert_int_equal(pthread_join(driver, NULL), 0);
	assert_int_equal(errors, 0);
	card_poll(64);
	assert_int_equal(nic_account(card.nic)->rx_frames, FRAMES);
	assert_int_equal(nic_account(card.nic)->tx_frames, FRAMES);
	assert_int_equal(nic_account(card.nic)->rx_missed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		card_test(driver_in_another_thread_loses_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
