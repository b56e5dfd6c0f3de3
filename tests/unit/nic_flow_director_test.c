/* SPDX-License-Identifier: BSD-2-Clause */
/* Flow director (7.1.2.7): filters in both modes, masks, hashes, commands and counters. */
#include "tests/unit/nic_card.h"

#define BUCKET_KEY    0x3DAD14E2u /* those of Linux's driver */
#define SIGNATURE_KEY 0x174D3614u
#define FLEX	      (6u << 16) /* FDIRCTRL: the EtherType */
#define QUEUE	      5
#define ADD	      (FDIRCMD_CMD_ADD | FDIRCMD_FILTER_UPDATE | 1u << 11 | FDIRCMD_QUEUE_EN)

static struct ring other, mine;
static uint8_t frame[128];
static size_t length;

/* A flow as its packets have it: numbers. */
struct flow {
	uint32_t source, destination;
	uint16_t source_port, destination_port, vlan, flex;
	uint8_t type;
};
static const struct flow udp = { 0x0A010203, 0xC0A80405, 0x1234, 0x5678, 0, 0x0800, 1 };

/* By bits, as the datasheet describes it. */
static uint32_t slow_hash(const struct flow *f, uint32_t key)
{
	const uint32_t words = f->source ^ f->destination ^ (uint32_t)f->flex << 16 ^
			       ((uint32_t)f->source_port << 16 | f->destination_port);
	const uint32_t tag = (uint32_t)f->type << 16 | f->vlan;
	uint32_t hash = 0;

	for (uint32_t n = 0; n < 32; n++)
		for (uint32_t bit = 0; bit < 16 && key >> n & 1; bit++) {
			const uint32_t at = n + bit;
			bool one = at < 16 ? words >> (at + 16) & 1 : words >> (at - 16) & 1;
			if (n && at < 32)
				one ^= tag >> at & 1;
			if (n && at >= 16)
				one ^= tag >> (at - 16) & 1;
			hash ^= (uint32_t)one << bit;
		}
	return hash;
}

static void set_up(uint32_t mode)
{
	other = rx_ring(0, 64, ADVANCED);
	mine = rx_ring(QUEUE, 64, ADVANCED);
	rx_post(&other, 63);
	rx_post(&mine, 63);
	reg_write(FDIRHKEY, BUCKET_KEY);
	reg_write(FDIRSKEY, SIGNATURE_KEY);
	reg_write(FDIRCTRL, 1 | FLEX | mode);
	assert_true(reg_read(FDIRCTRL) & FDIRCTRL_INIT_DONE);
	length = ip_frame(frame, 4, 17, 40);
	memcpy(frame + 26, "\x0A\x01\x02\x03\xC0\xA8\x04\x05\x12\x34\x56\x78", 12);
	ip_seal(frame + 14, length - 14);
}

static void command(const struct flow *f, uint32_t hash, uint32_t value)
{
	reg_write(FDIRIPSA, __builtin_bswap32(f->source)); /* the first byte is the lowest */
	reg_write(FDIRIPDA, __builtin_bswap32(f->destination));
	reg_write(FDIRPORT, (uint32_t)f->destination_port << 16 | f->source_port);
	reg_write(FDIRVLAN, (uint32_t)__builtin_bswap16(f->flex) << 16 | f->vlan);
	reg_write(FDIRHASH, hash);
	reg_write(FDIRCMD, value | (uint32_t)f->type << 5);
	assert_int_equal(FDIRCMD_CMD(reg_read(FDIRCMD)), 0);
}

static void add_perfect(const struct flow *f, uint32_t index, uint32_t value)
{
	command(f, index << 16 | (slow_hash(f, BUCKET_KEY) & 0x1FFF), value);
}

/* Does the packet come to our queue? Also asks for what the card has counted. */
static bool directed(void)
{
	const uint32_t before = reg_peek(RDH(QUEUE));

	assert_int_equal(nic_receive(card.nic, frame, length, 0), NIC_TAKEN);
	card_poll(LOTS);
	const bool mine_now = reg_peek(RDH(QUEUE)) != before;
	assert_int_equal(reg_read(FDIRMATCH), mine_now);
	assert_int_equal(reg_read(FDIRMISS), !mine_now);
	return mine_now;
}

static void perfect_match_compares_all_fields(void **state)
{
	struct flow wrong;

	(void)state;
	set_up(FDIRCTRL_PERFECT);
	assert_int_equal(reg_read(FDIRFREE), 2048);
	assert_false(directed());
	add_perfect(&udp, 7, ADD | QUEUE << 16);
	assert_int_equal(reg_read(FDIRFREE), 2047);
	assert_true(directed());
	assert_true(rx_status(&mine, 0) & RXD_FLM);
	command(&udp, 7 << 16 | (slow_hash(&udp, BUCKET_KEY) & 0x1FFF), FDIRCMD_CMD_REMOVE);
	assert_false(directed());
	assert_int_equal(reg_read(FDIRFREE), 2048);
	assert_int_equal(reg_read(FDIRUSTAT), 1 << 16 | 1);
	assert_int_equal(reg_read(FDIRFSTAT), 0);

	/* One field at a time, in the bucket of the right one. */
	for (int field = 0; field < 7; field++) {
		wrong = udp;
		wrong.source ^= field == 0;
		wrong.destination ^= field == 1 ? 0x80000000 : 0;
		wrong.source_port ^= field == 2;
		wrong.destination_port ^= field == 3 ? 0x8000 : 0;
		wrong.vlan ^= field == 4;
		wrong.flex ^= field == 5 ? 0x0100 : 0;
		wrong.type ^= field == 6 ? 3 : 0;
		command(&wrong, (uint32_t)field << 16 | (slow_hash(&udp, BUCKET_KEY) & 0x1FFF),
			ADD | QUEUE << 16);
		assert_false(directed());
	}
	/* The right fields in another bucket. */
	command(&udp, 9 << 16 | ((slow_hash(&udp, BUCKET_KEY) + 1) & 0x1FFF), ADD | QUEUE << 16);
	assert_false(directed());
}

/* A driver may compute just as many bits as there are buckets, which depends on the size of the table. */
static void the_bucket_is_as_many_bits_as_the_table_needs(void **state)
{
	(void)state;
	for (uint32_t size = 1; size < 4; size++) {
		set_up(FDIRCTRL_PERFECT);
		reg_write(FDIRCTRL, size | FLEX | FDIRCTRL_PERFECT);
		command(&udp, slow_hash(&udp, BUCKET_KEY) & ((1024u << size) - 1),
			ADD | QUEUE << 16);
		assert_true(directed());
		reg_write(RXDCTL(0), 0);
		reg_write(RXDCTL(QUEUE), 0);
		card_poll(LOTS);
	}
}

static void what_is_masked_does_not_count(void **state)
{
	struct flow some = { 0x0A010000, 0, 0, 0x5600, 0, 0, 0 };

	(void)state;
	set_up(FDIRCTRL_PERFECT);
	reg_write(FDIRSIP4M, 0xFFFF0000);
	reg_write(FDIRDIP4M, 0xFFFFFFFF);
	reg_write(FDIRUDPM, 0xFF00FFFF); /* of the destination, bits 15:8 count */
	reg_write(FDIRTCPM, 0xFFFFFFFF);
	reg_write(FDIRM, FDIRM_VLANID | FDIRM_VLANP | FDIRM_L4P | FDIRM_FLEX);
	add_perfect(&some, 1, ADD | QUEUE << 16);
	assert_true(directed());
	memcpy(frame + 28, "\x77\x77\x88\x88\x88\x88\x99\x99\x56\x99", 10);
	assert_true(directed());
	frame[36] = 0x57;
	assert_false(directed());
	frame[36] = 0x56;
	frame[27] = 2;
	assert_false(directed());
}

static void packets_are_dropped_and_reported(void **state)
{
	const uint32_t hash = slow_hash(&udp, BUCKET_KEY) & 0x7FF;

	(void)state;
	set_up(FDIRCTRL_PERFECT | FDIRCTRL_REPORT_STATUS);
	reg_write(RXCSUM, RXCSUM_PCSD);
	add_perfect(&udp, 0x123, ADD | QUEUE << 16);
	assert_true(directed());
	assert_int_equal(mine.desc[0].lo & 0xF, 15);
	assert_int_equal(mine.desc[0].lo >> 32, 0x123u << 16 | hash);

	add_perfect(&udp, 0x123,
		    ADD | FDIRCMD_DROP | 127u << 16); /* the same one, in another way */
	assert_int_equal(reg_read(FDIRFREE), 2047);
	assert_int_equal(nic_receive(card.nic, frame, length, 0), NIC_FILTERED);
	card_poll(LOTS);
	assert_int_equal(reg_read(FDIRMATCH), 1);
	assert_int_equal(reg_read(MPC(0)), 0);
	assert_int_equal(reg_read(GPRC), 2);
}

static void signatures_stand_for_flows(void **state)
{
	const uint32_t bucket = slow_hash(&udp, BUCKET_KEY) & 0x7FFF;
	const uint32_t signature = slow_hash(&udp, SIGNATURE_KEY) & 0x7FFF;

	(void)state;
	set_up(0);
	assert_int_equal(reg_read(FDIRFREE), 8192);
	nic_write(card.nic, 0, FDIRHASH, 8, /* both registers at once, as Linux's ATR */
		  (uint64_t)(ADD | QUEUE << 16 | 1 << 5) << 32 | signature << 16 | bucket);
	assert_true(directed());
	frame[37]++;
	assert_false(directed());
	frame[37]--;
	/* Initialising the table empties it. */
	reg_write(FDIRCTRL, 1 | FLEX);
	assert_false(directed());
	assert_int_equal(reg_read(FDIRFREE), 8192);
}

static void queries_find_and_a_full_table_refuses(void **state)
{
	(void)state;
	set_up(FDIRCTRL_PERFECT);
	for (uint32_t i = 0; i < 2050; i++)
		command(&udp, i << 16 | (i * 3 & 0x1FFF), ADD | QUEUE << 16);
	assert_int_equal(reg_read(FDIRFREE), 0);
	assert_int_equal(reg_read(FDIRLEN) & 0x3F, 1);
	assert_int_equal(reg_read(FDIRUSTAT), 2048);
	assert_int_equal(reg_read(FDIRFSTAT), 2);
	command(&udp, 100u << 16 | 300, FDIRCMD_CMD_QUERY);
	assert_true(reg_read(FDIRCMD) & FDIRCMD_FILTER_VALID);
	assert_int_equal(FDIRCMD_RX_QUEUE(reg_read(FDIRCMD)), QUEUE);
	command(&udp, 101u << 16 | 300, FDIRCMD_CMD_QUERY);
	assert_false(reg_read(FDIRCMD) & FDIRCMD_FILTER_VALID);
	command(&udp, 101u << 16 | 300, FDIRCMD_CMD_REMOVE);
	assert_int_equal(reg_read(FDIRFSTAT), 1 << 8);
	for (uint32_t i = 0; i < 2048; i++)
		command(&udp, i << 16 | (i * 3 & 0x1FFF), FDIRCMD_CMD_REMOVE);
	assert_int_equal(reg_read(FDIRFREE), 2048);
	command(&udp, 1 << 16 | 5, ADD);
	command(&udp, 2 << 16 | 5, ADD);
	assert_int_equal(reg_read(FDIRLEN), 5 << 16 | 2);
	/* Not to be updated: another one of the same name is refused. */
	command(&udp, 1 << 16 | 1, ADD & ~FDIRCMD_FILTER_UPDATE);
	command(&udp, 1 << 16 | 1, ADD & ~FDIRCMD_FILTER_UPDATE);
	assert_true(reg_read(FDIRCMD) & FDIRCMD_COLLISION);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		card_test(perfect_match_compares_all_fields),
		card_test(the_bucket_is_as_many_bits_as_the_table_needs),
		card_test(what_is_masked_does_not_count),
		card_test(packets_are_dropped_and_reported),
		card_test(signatures_stand_for_flows),
		card_test(queries_find_and_a_full_table_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
