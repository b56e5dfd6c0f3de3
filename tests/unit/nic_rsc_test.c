/* SPDX-License-Identifier: BSD-2-Clause */
/* Receive side coalescing (7.11): what becomes one large receive, what ends it, and what drivers see. */
#include "tests/unit/nic_card.h"

#define RSCCNT(lo)     ((lo) >> 17 & 15)
#define NEXTP(hi)      ((hi) >> 4 & 0xFFFF)
#define MAXDESC(n)     ((n) << 2)
#define VECTOR	       3
#define INTERVAL_50_US (25 << 3)

static struct ring ring;
static uint8_t frame[9000];
static size_t length;
static int version;
static uint32_t sequence;

/* The next packet of the flow, with @size bytes that tell of their place in it. */
static void make(uint8_t flags, size_t size)
{
	length = ip_frame(frame, version, 6, size);
	uint8_t *tcp = frame + length - size - 20;

	for (int i = 0; i < 4; i++)
		tcp[4 + i] = (uint8_t)(sequence >> (24 - 8 * i));
	tcp[13] = flags;
	for (size_t i = 0; i < size; i++)
		tcp[20 + i] = (uint8_t)((sequence + i) * 7);
	ip_seal(frame + 14, length - 14);
	sequence += size;
}

static void coalesce(uint32_t buffers, uint32_t maxdesc)
{
	/* Kept until vector 3 may interrupt. */
	reg_write(GPIE, GPIE_MSIX);
	reg_write(IVAR(0), IVAR_VALID | VECTOR);
	reg_write(EITR(VECTOR), INTERVAL_50_US);
	reg_write(EIMS_EX(0), 1 << VECTOR);
	reg_write(EIAC, 1 << VECTOR);
	reg_write(RSCCTL(0), RSCCTL_RSCEN | MAXDESC(maxdesc));
	ring = rx_ring(0, 64, ADVANCED);
	rx_post(&ring, buffers);
	version = 4;
	sequence = 0xFFFFFF00; /* it carries soon */
	/* A first packet that is none of TCP: its interrupt starts the interval. */
	assert_int_equal(arrive(60, 1), NIC_TAKEN);
	card_poll(LOTS);
	assert_int_equal(card.interrupts[VECTOR], 1);
}

static void arrives(uint8_t flags, size_t size)
{
	make(flags, size);
	assert_int_equal(nic_receive(card.nic, frame, length, 0), NIC_TAKEN);
}

#define ACK 0x10
#define PSH 0x08

static void time_is_up(void)
{
	card.now += 60000;
	card_poll(LOTS);
}

/* Bytes @from to @to of the flow, at @offset of the @i-th buffer. */
static void check_payload(uint32_t i, size_t offset, uint32_t from, uint32_t to)
{
	const uint8_t *data = memory(rx_buffer(&ring, i)) + offset;

	for (; from != to; from++)
		assert_int_equal(*data++, (uint8_t)(from * 7));
}

static void packets_of_a_flow_become_one(void **state)
{
	const uint32_t first = 0xFFFFFF00;

	(void)state;
	coalesce(20, 1);
	arrives(ACK, 200);
	arrives(ACK, 300);
	make(ACK, 100);
	frame[14 + 20 + 8] = 0x77; /* acknowledges more */
	frame[14 + 20 + 14] = 0x55;
	ip_seal(frame + 14, length - 14);
	assert_int_equal(nic_receive(card.nic, frame, length, 0), NIC_TAKEN);
	card_poll(LOTS);
	assert_int_equal(rx_status(&ring, 1), 0); /* more may come */
	time_is_up();

	assert_int_equal(rx_status(&ring, 1) & (RXD_DD | RXD_EOP | RXD_L4E | RXD_IPE),
			 RXD_DD | RXD_EOP);
	assert_int_equal(rx_status(&ring, 1) & (RXD_L4CS | RXD_IPCS), RXD_L4CS | RXD_IPCS);
	assert_int_equal(RSCCNT(ring.desc[1].lo), 3);
	assert_int_equal(rx_length(&ring, 1), 54 + 600);
	assert_int_equal(card.interrupts[VECTOR], 2);
	check_payload(1, 54, first, first + 600);
	const uint8_t *ip = memory(rx_buffer(&ring, 1)) + 14;
	assert_int_equal(ip[2] << 8 | ip[3], 640);
	assert_int_equal(slow_sum(ip, 20, 0), 0xFFFF);
	assert_memory_equal(ip + 24, "\xFF\xFF\xFF\x00", 4); /* the first one's */
	assert_int_equal(ip[28], 0x77);			     /* the last one's */
	assert_int_equal(ip[34], 0x55);
	assert_int_equal(reg_read(GPRC), 4);
}

static void a_push_is_the_last_one(void **state)
{
	(void)state;
	coalesce(20, 1);
	arrives(ACK, 100);
	arrives(ACK | PSH, 100);
	arrives(ACK, 100);
	card_poll(LOTS);
	assert_int_equal(RSCCNT(ring.desc[1].lo), 2);
	assert_int_equal(memory(rx_buffer(&ring, 1))[14 + 20 + 13], ACK | PSH);
	assert_int_equal(rx_status(&ring, 2), 0);
}

static void ipv6_is_coalesced(void **state)
{
	(void)state;
	coalesce(20, 1);
	version = 6;
	arrives(ACK, 200);
	arrives(ACK, 300);
	time_is_up();
	assert_int_equal(RSCCNT(ring.desc[1].lo), 2);
	assert_int_equal(rx_length(&ring, 1), 74 + 500);
	const uint8_t *ip = memory(rx_buffer(&ring, 1)) + 14;
	assert_int_equal(ip[4] << 8 | ip[5], 520);
	check_payload(1, 74, 0xFFFFFF00, 0xFFFFFF00 + 500);
}

/* 20 bytes of header and the time stamp option; the newest one counts. */
static void time_stamps_are_the_last(void **state)
{
	(void)state;
	coalesce(20, 1);
	for (uint8_t i = 1; i < 4; i++) {
		length = ip_frame(frame, 4, 6, 12 + 100);
		uint8_t *tcp = frame + 34;
		memcpy(tcp + 20, (uint8_t[]){ 1, 1, 8, 10, 0, 0, 0, i, 0, 0, 0, 9 }, 12);
		tcp[7] = (uint8_t)(100 * (i - 1));
		tcp[12] = 0x80;
		tcp[13] = ACK;
		ip_seal(frame + 14, length - 14);
		assert_int_equal(nic_receive(card.nic, frame, length, 0), NIC_TAKEN);
	}
	time_is_up();
	assert_int_equal(RSCCNT(ring.desc[1].lo), 3);
	assert_int_equal(rx_length(&ring, 1), 34 + 32 + 300);
	assert_int_equal(memory(rx_buffer(&ring, 1))[34 + 27], 3);
}

/* Each of these comes after a packet of the flow: neither is coalesced with it. */
static void others_end_a_large_receive(void **state)
{
	static const struct {
		uint8_t offset, value; /* of the IP packet, so that it is another */
		bool candidate;
	} other[] = {
		{ 1, 0x03, false },			 /* congestion experienced */
		{ 1, 0x08, true },			 /* type of service */
		{ 15, 0x44, true },			 /* source address */
		{ 19, 0x44, true },			 /* destination */
		{ 21, 0x44, true },			 /* ports */
		{ 23, 0x44, true },  { 27, 0x44, true }, /* sequence */
		{ 33, 0x11, false },			 /* FIN */
		{ 33, 0x12, false },			 /* SYN */
		{ 33, 0x14, false },			 /* RST */
		{ 33, 0x30, false },			 /* URG */
		{ 33, 0x50, false },			 /* ECE */
		{ 33, 0x90, false },			 /* CWR */
		{ 33, 0x00, false },			 /* no ACK */
		{ 32, 0x60, false },			 /* an option */
	};
	uint32_t at = 1;

	(void)state;
	coalesce(63, 1);
	for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++) {
		arrives(ACK, 100);
		make(ACK, 100);
		frame[14 + other[i].offset] = other[i].value;
		ip_seal(frame + 14, length - 14);
		assert_int_equal(nic_receive(card.nic, frame, length, 0), NIC_TAKEN);
		time_is_up();
		for (uint32_t k = 0; k < 2; k++, at++) {
			assert_int_equal(RSCCNT(ring.desc[at].lo), !k || other[i].candidate);
			assert_int_equal(rx_length(&ring, at), 154);
			assert_true(rx_status(&ring, at) & RXD_EOP);
		}
	}
}

static void wrong_sums_and_empty_packets_are_not_coalesced(void **state)
{
	(void)state;
	coalesce(20, 1);
	arrives(ACK, 100);
	make(ACK, 100);
	frame[60]++;
	assert_int_equal(nic_receive(card.nic, frame, length, 0), NIC_TAKEN);
	make(ACK, 0); /* padded to 60 bytes */
	assert_int_equal(nic_receive(card.nic, frame, 60, 0), NIC_TAKEN);
	card_poll(LOTS);
	assert_int_equal(RSCCNT(ring.desc[1].lo), 1);
	assert_int_equal(RSCCNT(ring.desc[2].lo), 0);
	assert_true(rx_status(&ring, 2) & RXD_L4E);
	assert_int_equal(RSCCNT(ring.desc[3].lo), 0);
	assert_int_equal(rx_length(&ring, 3), 60);
}

static void buffers_are_chained(void **state)
{
	(void)state;
	coalesce(20, 1); /* at most 4 descriptors */
	for (int i = 0; i < 7; i++)
		arrives(ACK, 1400);
	time_is_up();
	/* 54 + 5 * 1400 bytes fit into four buffers; six packets do not. */
	const uint32_t packets[4] = { 2, 1, 2, 0 };
	for (uint32_t i = 0; i < 4; i++) {
		assert_int_equal(RSCCNT(ring.desc[1 + i].lo), packets[i]);
		assert_int_equal(rx_length(&ring, 1 + i), i < 3 ? 2048 : 54 + 5 * 1400 - 3 * 2048);
		assert_int_equal(!!(rx_status(&ring, 1 + i) & RXD_EOP), i == 3);
		if (i < 3)
			assert_int_equal(NEXTP(rx_status(&ring, 1 + i)), 2 + i);
	}
	check_payload(1, 54, 0xFFFFFF00, 0xFFFFFF00 + 1994);
	check_payload(2, 0, 0xFFFFFF00 + 1994, 0xFFFFFF00 + 1994 + 2048);
	check_payload(4, 0, 0xFFFFFF00 + 1994 + 4096, 0xFFFFFF00 + 7000);
	assert_int_equal(RSCCNT(ring.desc[5].lo), 2); /* the other two */
	assert_int_equal(rx_length(&ring, 6), 54 + 2800 - 2048);
}

static void fourteen_packets_are_the_most_of_a_buffer(void **state)
{
	(void)state;
	coalesce(20, 3);
	for (int i = 0; i < 16; i++)
		arrives(ACK, 10);
	time_is_up();
	assert_int_equal(RSCCNT(ring.desc[1].lo), 14);
	assert_int_equal(RSCCNT(ring.desc[2].lo), 2);
}

static void a_large_receive_fits_into_an_ip_packet(void **state)
{
	uint32_t packets = 0, bytes = 0;

	(void)state;
	reg_set(HLREG0, HLREG0_JUMBOEN);
	reg_write(MAXFRS, 9000u << 16);
	reg_write(RSCCTL(0), RSCCTL_RSCEN | MAXDESC(3u));
	ring = rx_ring(0, 64, 1u << 25 | 16); /* buffers of 16 KB */
	for (uint32_t i = 0; i < 40; i++)
		rx_post_at(&ring, WINDOW_A + 0x100000 + i * 0x4000);
	version = 4;
	for (int i = 0; i < 20; i++)
		arrives(ACK, 8000);
	card_poll(LOTS);
	for (uint32_t i = 0; rx_status(&ring, i); i++) {
		packets += RSCCNT(ring.desc[i].lo);
		bytes += rx_length(&ring, i);
		if (rx_status(&ring, i) & RXD_EOP) {
			assert_int_equal(bytes, 54 + packets * 8000);
			assert_true(bytes - 14 <= 65535);
			assert_true(packets == 8 || packets == 4);
			packets = bytes = 0;
		}
	}
	assert_int_equal(packets, 0);
}

static void without_descriptors_it_ends(void **state)
{
	(void)state;
	coalesce(2, 3);
	arrives(ACK, 1400);
	make(ACK, 1400);
	assert_int_equal(nic_receive(card.nic, frame, length, NIC_TRY), NIC_BUSY);
	assert_true(rx_status(&ring, 1) & RXD_EOP); /* told, so that the driver gives more */
	assert_int_equal(RSCCNT(ring.desc[1].lo), 1);
}

static void without_an_interval_each_poll_ends_it(void **state)
{
	(void)state;
	coalesce(20, 1);
	reg_write(EITR(VECTOR), 0);
	time_is_up();
	arrives(ACK, 100);
	arrives(ACK, 100);
	card_poll(LOTS);
	assert_int_equal(RSCCNT(ring.desc[1].lo), 2);
}

static void a_stopped_queue_writes_nothing(void **state)
{
	(void)state;
	coalesce(20, 1);
	arrives(ACK, 100);
	reg_write(RXDCTL(0), 0);
	time_is_up();
	assert_int_equal(rx_status(&ring, 1), 0);
}

static void memory_out_of_reach_is_a_damaged_packet(void **state)
{
	(void)state;
	coalesce(1, 1);
	rx_post_at(&ring, rx_buffer(&ring, 0) + BUFFER_SIZE);
	rx_post_at(&ring, UNMAPPED);
	rx_post(&ring, 4);
	arrives(ACK, 1400);
	make(ACK, 1400);
	assert_int_equal(nic_receive(card.nic, frame, length, 0), NIC_MISSED);
	time_is_up();
	assert_true(rx_status(&ring, 2) & RXD_RXE);
	assert_true(rx_status(&ring, 2) & RXD_EOP);
	arrives(ACK, 100); /* goes on */
	time_is_up();
	assert_int_equal(rx_length(&ring, 3), 154);
}

/* RFCTL and legacy descriptors switch it off. */
static void it_can_be_switched_off(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		reg_write(RFCTL, i ? 0 : RFCTL_RSC_DIS);
		reg_write(RSCCTL(0), RSCCTL_RSCEN);
		ring = rx_ring(0, 64, i ? 2 : ADVANCED);
		rx_post(&ring, 8);
		version = 4;
		arrives(ACK, 100);
		arrives(ACK, 100);
		card_poll(LOTS);
		assert_int_equal(rx_status(&ring, 1) & RXD_DD, !i);
		assert_int_equal(reg_peek(RDH(0)), 2);
		reg_write(RXDCTL(0), 0);
		card_poll(LOTS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		card_test(packets_of_a_flow_become_one),
		card_test(a_push_is_the_last_one),
		card_test(ipv6_is_coalesced),
		card_test(time_stamps_are_the_last),
		card_test(others_end_a_large_receive),
		card_test(wrong_sums_and_empty_packets_are_not_coalesced),
		card_test(buffers_are_chained),
		card_test(fourteen_packets_are_the_most_of_a_buffer),
		card_test(a_large_receive_fits_into_an_ip_packet),
		card_test(without_descriptors_it_ends),
		card_test(without_an_interval_each_poll_ends_it),
		card_test(a_stopped_queue_writes_nothing),
		card_test(memory_out_of_reach_is_a_damaged_packet),
		card_test(it_can_be_switched_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
