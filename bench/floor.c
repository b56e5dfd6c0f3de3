/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The floor: the minimum for any driver. Read each write-back, touch the packet, write each
 * descriptor, ring the doorbell once per batch. Descriptor i of the receive ring always has buffer
 * i, which is correct only because the benchmark transmits all packets before it receives again.
 */
#include <ixy/vfio.h>

#include "../regs/82599_core.h"
#include "bench.h"
#include "trap.h"

#define BUFFER (2048 + 64) /* an odd number of cache lines, to spread over cache sets */

/* The functions below work on a copy, which the compiler knows not to alias with packets. */
static struct state {
	struct ixgbe_desc *rx, *tx;
	uint8_t *buffers;
	uint64_t iova;
	uint32_t mask, rx_next, tx_next;
} state;

static uint8_t *registers;
static uint32_t length;
static volatile uint32_t *rdt, *tdt;

#define REG(offset) (*(volatile uint32_t *)(registers + (offset)))

static void start_queue(uint32_t base, uint64_t ring)
{
	REG(base + Q_BAL) = (uint32_t)ring;
	REG(base + Q_BAH) = (uint32_t)(ring >> 32);
	REG(base + Q_LEN) = (state.mask + 1) * sizeof(struct ixgbe_desc);
	REG(base + Q_CTL) = Q_CTL_ENABLE;
}

static int open_floor(struct card *card, const struct bench_setting *s)
{
	struct dma_memory rings, packets;

	length = s->length;
	registers = trap_registers(card);
	if (!registers || vfio_dma_alloc(&rings, 2 * s->ring * sizeof(*state.rx)) ||
	    vfio_dma_alloc(&packets, (size_t)s->ring * BUFFER))
		return 1;
	card_map(card, rings.iova, rings.virt, rings.size);
	card_map(card, packets.iova, packets.virt, packets.size);
	state.rx = rings.virt;
	state.tx = state.rx + s->ring;
	state.buffers = packets.virt;
	state.iova = packets.iova;
	state.mask = s->ring - 1;
	for (uint32_t i = 0; i < s->ring; i++)
		state.rx[i].addr = packets.iova + i * BUFFER;

	uint16_t command = 1 << 2; /* bus master */
	nic_config_write(card->nic, 4, &command, sizeof(command));
	REG(HLREG0) = HLREG0_TXCRCEN | HLREG0_RXCRCSTRP | HLREG0_TXPADEN;
	REG(DMATXCTL) = DMATXCTL_TE;
	REG(AUTOC) = REG(AUTOC) | AUTOC_RESTART_AN;
	REG(RDBAL(0) + Q_SRRCTL) = 2048 / 1024 | SRRCTL_ADV_ONE;
	start_queue(RDBAL(0), rings.iova);
	start_queue(TDBAL(0), rings.iova + s->ring * sizeof(*state.rx));
	REG(RXCTRL) = RXCTRL_RXEN;
	rdt = &REG(RDBAL(0) + Q_TAIL);
	tdt = &REG(TDBAL(0) + Q_TAIL);
	*rdt = state.mask;
	bench_driver.bar0 = registers;
	return 0;
}

static void close_floor(void)
{
	REG(RXCTRL) = 0;
}

static inline bool arrived(const struct state *s)
{
	return s->rx[s->rx_next].info & RXD_DD;
}

static inline void put(struct state *s, uint64_t iova, uint64_t size, uint64_t options)
{
	s->tx[s->tx_next].addr = iova;
	s->tx[s->tx_next].info = TXD_DATA | options | size | ((uint64_t)size << 46);
	s->tx_next = (s->tx_next + 1) & s->mask;
}

static inline void refill(struct state *s)
{
	s->rx[s->rx_next].addr = s->iova + s->rx_next * BUFFER;
	s->rx[s->rx_next].info = 0;
	s->rx_next = (s->rx_next + 1) & s->mask;
}

static inline void ring_doorbell(volatile uint32_t *tail, uint32_t value)
{
	dma_wmb();
	*tail = value;
}

static uint32_t run_forward(uint32_t n, uint32_t batch)
{
	struct state s = state;
	uint32_t done = 0, i, idle = 0;

	for (; done < n && idle < IDLE_MAX; done += i, idle = i ? 0 : idle + 1) {
		for (i = 0; i < batch && arrived(&s); i++) {
			dma_rmb();
			uint32_t at = s.rx_next * BUFFER;
			s.buffers[at + 1]++;
			put(&s, s.iova + at, RXD_LENGTH(s.rx[s.rx_next].info),
			    i == batch - 1 ? TXD_RS : 0);
			refill(&s);
		}
		ring_doorbell(rdt, (s.rx_next - 1) & s.mask);
		ring_doorbell(tdt, s.tx_next);
	}
	state = s;
	return done;
}

static uint32_t run_receive(uint32_t n, uint32_t batch)
{
	struct state s = state;
	uint32_t done = 0, i, idle = 0;

	for (; done < n && idle < IDLE_MAX; done += i, idle = i ? 0 : idle + 1) {
		for (i = 0; i < batch && arrived(&s); i++)
			refill(&s);
		ring_doorbell(rdt, (s.rx_next - 1) & s.mask);
	}
	state = s;
	return done;
}

static uint32_t run_send(uint32_t n, uint32_t batch)
{
	struct state s = state;

	for (uint32_t done = 0; done < n; done += batch) {
		for (uint32_t i = 0; i < batch; i++)
			put(&s, s.iova + s.tx_next * BUFFER, length, i == batch - 1 ? TXD_RS : 0);
		ring_doorbell(tdt, s.tx_next);
	}
	state = s;
	return n;
}

static uint32_t run_poll(uint32_t n, uint32_t batch)
{
	uint32_t found = 0;

	(void)batch;
	for (uint32_t i = 0; i < n; i++)
		found += arrived(&state);
	return found ? 0 : n;
}

struct bench_driver bench_driver = {
	.names = { "floor" },
	.open = open_floor,
	.close = close_floor,
	.task = { run_forward, run_receive, run_send, run_poll },
	.min_batch = 1,
};
