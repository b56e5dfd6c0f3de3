/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Drivers without sense: random descriptors, registers and frames. The sanitizers watch the memory;
 * the tests watch that work is bounded, that the account adds up, and that the card works after.
 */
#include "tests/unit/nic_card.h"

static uint64_t seed;

static uint64_t random64(void)
{
	/* xorshift64* */
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return seed * 0x2545F4914F6CDD1Dull;
}

static uint32_t below(uint32_t n)
{
	return (uint32_t)(random64() >> 32) % n;
}

static uint64_t random_address(void)
{
	static const uint64_t starts[] = { WINDOW_A, WINDOW_B, READ_ONLY };

	switch (below(8)) {
	case 0:
		return random64();
	case 1:
		return starts[below(3)] + WINDOW_SIZE - below(4096);
	case 2:
		return starts[below(3)] - below(4096);
	default:
		return starts[below(3)] + below(WINDOW_SIZE);
	}
}

static uint64_t random_tx_word(void)
{
	uint64_t hi = random64();

	/* Mostly near the truth: else nothing gets far. */
	if (below(8) == 0)
		return hi;
	hi = (hi & 0x3FF00000000F & ~TXD_DTYP) | TXD_DEXT | TXD_IFCS;
	hi |= below(3) ? TXD_DTYP_DATA : TXD_DTYP_CTXT | (uint64_t)below(2000) << 48;
	if ((hi & TXD_DTYP) == TXD_DTYP_DATA) {
		uint64_t length = below(4) ? 14 + below(1500) : below(65536);

		hi = (hi & ~0xFFFFull) | length;
		hi |= (below(4) ? length : below(1 << 18)) << 46;
		hi |= (below(4) ? TXD_EOP : 0) | (below(3) ? 0 : TXD_TSE) |
		      (below(3) ? 0 : TXD_VLE);
	} else {
		hi |= (uint64_t)below(64) << 40 | (uint64_t)below(4) << 10;
	}
	return hi | (below(2) ? TXD_RS : 0);
}

static uint64_t random_context(void)
{
	return below(2) ? random64()
			: (below(2) ? 20 : 40) | 14 << 9 | (uint64_t)below(65536) << 16;
}

static size_t random_frame(uint8_t *frame)
{
	static const uint8_t protocols[] = { 6, 17, 132, 0, 43, 44, 60, 99 };
	size_t length = below(10) ? 60 + below(1600) : 14 + below(NIC_FRAME_MAX - 14);

	for (size_t i = 0; i < length; i += 8) {
		uint64_t word = random64();

		memcpy(frame + i, &word, 8);
	}
	if (below(8))
		memcpy(frame, card_mac, 6);
	if (below(4) && length > 60) {
		static const uint8_t types[][2] = { { 0x08, 0 }, { 0x86, 0xDD }, { 0x81, 0 } };
		size_t at = 12;
		const uint8_t *type = types[below(3)];

		memcpy(frame + at, type, 2);
		if (type[0] == 0x81) {
			at += 4;
			memcpy(frame + at, types[below(2)], 2);
		}
		frame[at + 2] = frame[at] == 0x08 ? (uint8_t)(0x40 | below(16)) : 0x60;
		if (below(2)) { /* lengths that fit */
			frame[at + 4] = (uint8_t)((length - at - 2) >> 8);
			frame[at + 5] = (uint8_t)(length - at - 2);
		}
		frame[at + (frame[at] == 0x08 ? 11 : 8)] = protocols[below(8)];
		frame[at + 8] = below(2) ? frame[at + 8] : 0;
	}
	return length;
}

/* A packet of a TCP flow, most often the next one. */
static size_t flow_frame(uint8_t *frame)
{
	static uint32_t sequence;
	const size_t payload = 6 + below(1440);
	const size_t length = ip_frame(frame, below(8) ? 4 : 6, 6, payload);
	uint8_t *tcp = frame + length - payload - 20;

	for (int i = 0; i < 4; i++)
		tcp[4 + i] = (uint8_t)(sequence >> (24 - 8 * i));
	tcp[13] = below(8) ? 0x10 : 0x18;
	if (!below(8))
		frame[15 + below(59)] = (uint8_t)random64(); /* not the length of the header */
	if (below(8))
		ip_seal(frame + 14, length - 14);
	sequence += payload;
	return length;
}

static void disturb_registers(void)
{
	static const uint32_t trapped[] = { HLREG0,    MAXFRS, FCTRL,	  RXCTRL, DMATXCTL,
					    VLNCTRL,   RXCSUM, MCSTCTRL,  MRQC,	  RDRXCTL,
					    SECRXCTRL, RFCTL,  DTXTCPFLGL };
	uint32_t queue = below(4), value = (uint32_t)random64();

	switch (below(12)) {
	case 0:
		reg_poke(RDT(queue), below(4) ? below(64) : value);
		break;
	case 1:
		reg_poke(TDT(queue), below(4) ? below(64) : value);
		break;
	case 2:
		reg_poke(RXDCTL(queue), below(4) ? RXDCTL_ENABLE | (value & RXDCTL_VME) : value);
		break;
	case 3:
		reg_poke(TXDCTL(queue), below(4) ? TXDCTL_ENABLE : value);
		break;
	case 4:
		reg_poke(RDLEN(queue), below(4) ? 1024 : value);
		reg_poke(TDLEN(queue), below(4) ? 1024 : value);
		break;
	case 5:
		reg_poke(RDH(queue), below(4) ? below(64) : value);
		break;
	case 6:
		reg_poke(TDH(queue), below(4) ? below(64) : value);
		break;
	case 7:
		reg_poke(SRRCTL(queue), value);
		break;
	case 8:
		reg_poke(TDWBAL(queue), value);
		reg_poke(TDWBAH(queue), below(2) ? 1 : value);
		break;
	case 9:
		reg_write(trapped[below(13)], value);
		break;
	case 10:
		reg_write(ETQF(below(8)), value | 0x800);
		reg_write(ETQS(below(8)), value);
		reg_write(FTQF(below(8)), value);
		reg_write(L34TIMIR(below(8)), value);
		reg_write(SAQF(below(8)), value);
		break;
	default:
		if (below(10) == 0)
			bus_master(below(4));
		if (below(10) == 0)
			nic_dma_changed(card.nic);
		break;
	}
}

static void make_sense(void)
{
	reg_write(HLREG0, HLREG0_RXCRCSTRP | HLREG0_TXCRCEN | HLREG0_TXPADEN |
				  (below(2) ? HLREG0_JUMBOEN : 0) | (below(4) ? 0 : HLREG0_LPBK));
	reg_write(MAXFRS, 9728u << 16);
	reg_write(RXCTRL, RXCTRL_RXEN);
	reg_write(SECRXCTRL, 0);
	reg_write(DMATXCTL, DMATXCTL_TE | 0x8100u << 16);
	reg_write(VLNCTRL, 0x8100);
	reg_write(RFCTL, 0);
	if (below(2)) { /* pools 0 and 1 have the queues that are set up */
		reg_write(MRQC, below(14));
		reg_write(PFVTCTL, (uint32_t)random64() | PFVTCTL_VT_ENA);
		reg_write(PFVFRE(0), 3);
		for (uint32_t pool = 0; pool < 2; pool++)
			reg_write(PFVML2FLT(pool), (uint32_t)random64());
	}
	bus_master(true);
	if (!nic_link_up(card.nic)) {
		reg_set(AUTOC, AUTOC_FLU | AUTOC_RESTART_AN);
		for (uint32_t i = 0; i < 1000 && !nic_link_up(card.nic); i++)
			card_poll(50);
	}
	for (uint32_t queue = 0; queue < 4; queue++) {
		reg_write(RDBAL(queue), (uint32_t)WINDOW_A + queue * 0x1000);
		reg_write(RDBAH(queue), WINDOW_A >> 32);
		reg_write(RDLEN(queue), 1024);
		reg_write(SRRCTL(queue), below(3) ? ADVANCED : below(2) ? 1 : (uint32_t)random64());
		reg_write(PSRTYPE(0), (uint32_t)random64());
		reg_write(RSCCTL(queue), below(16)); /* with RSCEN, and without */
		reg_write(TDBAL(queue), (uint32_t)WINDOW_A + 0x8000 + queue * 0x1000);
		reg_write(TDBAH(queue), WINDOW_A >> 32);
		reg_write(TDLEN(queue), 1024);
		reg_write(TDH(queue), 0);
		reg_write(RDH(queue), 0);
		reg_write(TDT(queue), below(64));
		reg_write(RDT(queue), below(64));
		reg_write(RXDCTL(queue), RXDCTL_ENABLE);
		reg_write(TXDCTL(queue), TXDCTL_ENABLE);
	}
}

static void fuzz(uint32_t rounds)
{
	static uint8_t frame[NIC_FRAME_MAX + 8];
	const struct nic_account *account = nic_account(card.nic);
	uint64_t arrived = 0, counted;

	for (uint32_t round = 0; round < rounds; round++) {
		if (round % 64 == 0)
			make_sense();
		for (uint32_t i = 0; i < 32; i++) {
			struct nic_desc *rx = (struct nic_desc *)memory(WINDOW_A);
			uint32_t at = below(4) * 256 + below(64);

			rx[at] = (struct nic_desc){ random_address(), random64() };
			rx[at + 0x800] = (struct nic_desc){ random_address(), random_tx_word() };
			if ((rx[at + 0x800].hi & TXD_DTYP) == TXD_DTYP_CTXT)
				rx[at + 0x800].lo = random_context();
		}
		disturb_registers();
		for (uint32_t i = below(8); i; i--) {
			enum nic_verdict verdict = nic_receive(
				card.nic, frame, below(2) ? random_frame(frame) : flow_frame(frame),
				below(2));

			arrived += verdict != NIC_BUSY;
		}
		assert_true(card_poll(50) <= 50 + 8);
		if (round % 97 == 0)
			nic_function_reset(card.nic);
	}
	/* What came in is somewhere in the account; loopback brings more. */
	bus_master(true); /* until then write-backs wait */
	card_poll(50);
	counted = account->rx_frames + account->rx_filtered + account->rx_missed +
		  account->rx_oversize + account->rx_down;
	assert_true(counted >= arrived);
}

static void card_survives_nonsense(void **state)
{
	for (uint64_t s = 1; s <= 6; s++) {
		seed = s * 0x9E3779B97F4A7C15ull;
		fuzz(3000);
		print_message("seed %u: rx %u, tx %u, bad %u, faults %u\n", (unsigned int)s,
			      (unsigned int)nic_account(card.nic)->rx_frames,
			      (unsigned int)nic_account(card.nic)->tx_frames,
			      (unsigned int)nic_account(card.nic)->tx_bad,
			      (unsigned int)nic_account(card.nic)->dma_faults);
	}
	assert_true(nic_account(card.nic)->rx_frames > 1000);
	assert_true(nic_account(card.nic)->tx_frames > 1000);

	/* As good as new after a reset. */
	nic_function_reset(card.nic);
	card_tear_down(state);
	card_set_up(state);
	struct ring ring = rx_ring(0, 8, ADVANCED);

	rx_post(&ring, 7);
	assert_int_equal(arrive(60, 1), NIC_TAKEN);
	card_poll(LOTS);
	check_memory(rx_buffer(&ring, 0), 0, 60, 60, 1);
}

static void segmentation_to_single_bytes_respects_the_budget(void **state)
{
	struct ring ring = tx_ring(0, 64);
	uint64_t iova = take(70000);

	(void)state;
	tx_put(&ring, 20 | 14 << 9, TXD_DEXT | TXD_DTYP_CTXT | 3 << 10 | 20ull << 40 | 1ull << 48);
	for (uint32_t i = 0; i < 39; i++)
		tx_put(&ring, iova,
		       TX_PART(6000 + (i == 38 ? 54 : 0), 39 * 6000) | TXD_TSE |
			       (i == 38 ? TXD_EOP | TXD_RS : 0));
	tx_ring_doorbell(&ring);
	for (uint32_t i = 0; i < 100; i++)
		assert_int_equal(card_poll(64), 64);
	/* And it ends with its queue. */
	reg_write(TXDCTL(0), 0);
	assert_int_equal(card_poll(64), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		card_test(card_survives_nonsense),
		card_test(segmentation_to_single_bytes_respects_the_budget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
