/* SPDX-License-Identifier: BSD-2-Clause */
/* Flow control: pause frames that the card sends, and obeys. */
#include "tests/unit/nic_card.h"

#define TIME	1000 /* quanta: 51.2 us */
#define TIME_NS 51200
static const uint8_t pause_address[6] = { 0x01, 0x80, 0xC2, 0, 0, 1 };

/* What a driver writes to have flow control in both directions. */
static void flow_control_on(void)
{
	reg_write(MFLCN, MFLCN_DPF | MFLCN_RFCE);
	reg_write(FCCFG, FCCFG_TFCE);
	reg_write(FCTTV(0), TIME);
	reg_write(FCRTV, TIME / 2);
	reg_write(FCRTL(0), FCRTL_XONE | 0x8000);
	reg_write(FCRTH(0), FCRTH_FCEN | 0x10000);
	card_poll(LOTS);
}

static enum nic_verdict control_arrives(const uint8_t to[6], uint16_t opcode, uint16_t quanta)
{
	uint8_t frame[60] = { 0 };

	memcpy(frame, to, 6);
	memcpy(frame + 6, "\x02\x00\x00\x00\x00\x09\x88\x08", 8);
	store_be16(frame + 14, opcode);
	store_be16(frame + 16, quanta);
	return nic_receive(card.nic, frame, sizeof(frame), 0);
}

/* A frame that the driver hands in now: does it leave within @ns? */
static bool leaves_within(struct ring *ring, uint64_t ns)
{
	const uint32_t before = card.sent_count;
	uint64_t end;

	tx_put(ring, take(64), TX_DATA(60) | TXD_EOP | TXD_RS);
	tx_ring_doorbell(ring);
	for (end = card.now + ns; card.now < end && card.sent_count == before;)
		nic_poll(card.nic, card.now += 100, LOTS);
	return card.sent_count > before;
}

static void a_pause_frame_stops_the_sender_for_its_time(void **state)
{
	struct ring ring = tx_ring(0, 64), rx = rx_ring(0, 64, ADVANCED);

	(void)state;
	rx_post(&rx, 8);
	flow_control_on();
	assert_true(leaves_within(&ring, 1000));
	assert_int_equal(reg_read(TFCS), 1);
	assert_int_equal(control_arrives(pause_address, 1, TIME), NIC_FILTERED);
	assert_int_equal(reg_read(TFCS), 0);
	assert_false(leaves_within(&ring, TIME_NS - 1000));
	uint32_t before = card.sent_count;
	for (int i = 0; i < 30; i++)
		nic_poll(card.nic, card.now += 100, LOTS);
	assert_int_equal(card.sent_count, before + 1);
	assert_int_equal(reg_read(LXOFFRXCNT), 1);
	assert_int_equal(reg_read(LXONRXCNT), 0);
	assert_int_equal(rx_status(&rx, 0), 0); /* it is no packet */
}

static void a_pause_of_no_time_ends_a_pause(void **state)
{
	struct ring ring = tx_ring(0, 64);

	(void)state;
	flow_control_on();
	control_arrives(card_mac, 1, 0xFFFF); /* to the card's own address */
	assert_false(leaves_within(&ring, 10000));
	control_arrives(pause_address, 1, 0);
	assert_true(leaves_within(&ring, 1000));
	assert_int_equal(reg_read(LXONRXCNT), 1);
	assert_int_equal(reg_read(LXOFFRXCNT), 1);
}

static void nothing_pauses_a_card_that_does_not_want_it(void **state)
{
	struct ring ring = tx_ring(0, 64);

	(void)state;
	control_arrives(pause_address, 1, 0xFFFF);
	assert_true(leaves_within(&ring, 1000));
	flow_control_on();
	control_arrives(pause_address, 2, 0xFFFF); /* not PAUSE */
	assert_true(leaves_within(&ring, 1000));
	control_arrives((const uint8_t[]){ 2, 9, 9, 9, 9, 9 }, 1, 0xFFFF);
	assert_true(leaves_within(&ring, 1000));
	assert_int_equal(reg_read(LXOFFRXCNT), 0);
	control_arrives(pause_address, 1, 0xFFFF);
	reg_write(CTRL, CTRL_RST); /* a new driver is not to wait */
	card_poll(LOTS);
	assert_int_equal(reg_read(TFCS), 1);
}

/* MFLCN.DPF and PMCF decide what of it gets to memory. */
static void control_frames_reach_memory_if_the_driver_wants_them(void **state)
{
	struct ring rx = rx_ring(0, 64, ADVANCED);

	(void)state;
	rx_post(&rx, 8);
	flow_control_on();
	reg_set(FCTRL, FCTRL_MPE);
	assert_int_equal(control_arrives(pause_address, 1, 1), NIC_FILTERED);
	assert_int_equal(control_arrives(pause_address, 7, 1), NIC_FILTERED);
	reg_write(MFLCN, MFLCN_RFCE | MFLCN_PMCF);
	assert_int_equal(control_arrives(pause_address, 1, 1), NIC_TAKEN);
	assert_int_equal(control_arrives(pause_address, 7, 1), NIC_TAKEN);
}

/* ---- The card's own ---- */

static void check_pause(uint32_t i, uint16_t quanta)
{
	const uint8_t *frame = card.sent[i].bytes;

	assert_int_equal(card.sent[i].length, 60);
	assert_memory_equal(frame, pause_address, 6);
	assert_memory_equal(frame + 6, card_mac, 6);
	assert_memory_equal(frame + 12, "\x88\x08\x00\x01", 4);
	assert_int_equal(load_be16(frame + 16), quanta);
}

static void run(uint64_t ns)
{
	for (uint64_t end = card.now + ns; card.now < end;)
		nic_poll(card.nic, card.now += 100, LOTS);
}

static void a_backlog_is_told_again_and_again_until_it_is_gone(void **state)
{
	(void)state;
	flow_control_on();
	run(10000);
	assert_int_equal(card.sent_count, 0);
	nic_set_backlog(card.nic, true);
	run(100);
	assert_int_equal(card.sent_count, 1);
	check_pause(0, TIME);
	run(TIME_NS / 2 - 200);
	assert_int_equal(card.sent_count, 1);
	run(400);
	assert_int_equal(card.sent_count, 2);
	check_pause(1, TIME);
	nic_set_backlog(card.nic, false);
	run(2 * TIME_NS);
	assert_int_equal(card.sent_count, 3);
	check_pause(2, 0);
	assert_int_equal(reg_read(LXOFFTXC), 2);
	assert_int_equal(reg_read(LXONTXC), 1);
	assert_int_equal(reg_read(GPTC), 3);
	assert_int_equal(nic_account(card.nic)->tx_frames, 0); /* no driver has sent them */
}

static void each_part_of_it_can_be_off(void **state)
{
	static const struct {
		uint32_t offset, value;
	} off[] = { { FCCFG, 0 }, { FCCFG, 1 << 4 }, { FCRTH(0), 0x10000 }, { FCTTV(0), 0 } };

	(void)state;
	for (size_t i = 0; i < sizeof(off) / sizeof(*off); i++) {
		flow_control_on();
		reg_write(off[i].offset, off[i].value);
		nic_set_backlog(card.nic, true);
		run(2 * TIME_NS);
		nic_set_backlog(card.nic, false);
		run(1000);
		assert_int_equal(card.sent_count, 0);
	}
	flow_control_on();
	reg_write(FCRTL(0), 0); /* no XON */
	nic_set_backlog(card.nic, true);
	run(100);
	nic_set_backlog(card.nic, false);
	run(2 * TIME_NS);
	assert_int_equal(card.sent_count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		card_test(a_pause_frame_stops_the_sender_for_its_time),
		card_test(a_pause_of_no_time_ends_a_pause),
		card_test(nothing_pauses_a_card_that_does_not_want_it),
		card_test(control_frames_reach_memory_if_the_driver_wants_them),
		card_test(a_backlog_is_told_again_and_again_until_it_is_gone),
		card_test(each_part_of_it_can_be_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
