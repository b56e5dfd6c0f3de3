/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine around the card; see the header. */
#include "tests/unit/nic_card.h"

#include <sys/mman.h>

#include <linux/pci_regs.h>

struct card card;
const uint8_t card_mac[6] = { 0x02, 0x11, 0x22, 0x33, 0x44, 0x55 };

/* ---- What the card needs from the world ---- */

static bool window(void *ctx, uint64_t iova, struct nic_window *window)
{
	static const uint64_t starts[3] = { WINDOW_A, WINDOW_B, READ_ONLY };

	(void)ctx;
	for (int i = 0; i < 3; i++) {
		if (iova >= starts[i] && iova - starts[i] < WINDOW_SIZE) {
			*window = (struct nic_window){ starts[i], WINDOW_SIZE, card.windows[i],
						       starts[i] != READ_ONLY };
			return true;
		}
	}
	return false;
}

static void interrupt(void *ctx, uint32_t vector)
{
	(void)ctx;
	assert_true(vector < NIC_MSIX_COUNT);
	card.interrupts[vector]++;
}

static void transmit(void *ctx, const uint8_t *frame, size_t length)
{
	struct sent *sent = &card.sent[card.sent_count % SENT_MAX];

	(void)ctx;
	free(sent->bytes);
	sent->bytes = malloc(length);
	assert_non_null(sent->bytes);
	memcpy(sent->bytes, frame, length);
	sent->length = length;
	card.sent_count++;
}

/* ---- A driver ---- */

uint32_t reg_read(uint32_t offset)
{
	return (uint32_t)nic_read(card.nic, 0, offset, 4);
}

void reg_write(uint32_t offset, uint32_t value)
{
	nic_write(card.nic, 0, offset, 4, value);
}

uint32_t reg_peek(uint32_t offset)
{
	if (!card.doorbells)
		return reg_read(offset);
	return __atomic_load_n((uint32_t *)(card.doorbells + offset), __ATOMIC_ACQUIRE);
}

void reg_poke(uint32_t offset, uint32_t value)
{
	if (card.doorbells)
		__atomic_store_n((uint32_t *)(card.doorbells + offset), value, __ATOMIC_RELEASE);
	else
		reg_write(offset, value);
}

void reg_set(uint32_t offset, uint32_t bits)
{
	reg_write(offset, reg_read(offset) | bits);
}

void reg_clear(uint32_t offset, uint32_t bits)
{
	reg_write(offset, reg_read(offset) & ~bits);
}

uint32_t card_poll(uint32_t budget)
{
	card.now += 10000;
	return nic_poll(card.nic, card.now, budget);
}

void bus_master(bool on)
{
	uint16_t command = 0;

	assert_int_equal(nic_config_read(card.nic, PCI_COMMAND, &command, 2), 0);
	command = (uint16_t)((command & ~PCI_COMMAND_MASTER) | (on ? PCI_COMMAND_MASTER : 0));
	assert_int_equal(nic_config_write(card.nic, PCI_COMMAND, &command, 2), 0);
}

int card_set_up(void **state)
{
	const struct nic_host host = { NULL, window, interrupt, transmit };

	(void)state;
	memset(&card, 0, sizeof(card));
	card.now = 1000000000;
	for (int i = 0; i < 3; i++) {
		card.windows[i] = mmap(NULL, WINDOW_SIZE, PROT_READ | PROT_WRITE,
				       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		assert_ptr_not_equal(card.windows[i], MAP_FAILED);
	}
	assert_int_equal(nic_create(&card.nic, &host, card_mac), 0);
	if (nic_doorbell_fd(card.nic) >= 0) {
		card.doorbells = mmap(NULL, NIC_BAR0_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
				      nic_doorbell_fd(card.nic), 0);
		assert_ptr_not_equal(card.doorbells, MAP_FAILED);
	}

	bus_master(true);
	nic_set_wire(card.nic, true);
	reg_set(AUTOC, AUTOC_FLU | AUTOC_RESTART_AN);
	for (int i = 0; i < 10000 && !nic_link_up(card.nic); i++)
		card_poll(LOTS);
	assert_true(nic_link_up(card.nic));
	reg_set(FCTRL, FCTRL_BAM);
	reg_write(RAL(0), MAC_LOW);
	reg_write(RAH(0), MAC_HIGH | RAH_AV);
	reg_set(DMATXCTL, DMATXCTL_TE);
	reg_set(RXCTRL, RXCTRL_RXEN);
	reg_set(HLREG0, HLREG0_RXCRCSTRP | HLREG0_TXCRCEN | HLREG0_TXPADEN);
	return 0;
}

int card_tear_down(void **state)
{
	(void)state;
	nic_destroy(card.nic);
	if (card.doorbells)
		munmap(card.doorbells, NIC_BAR0_SIZE);
	for (int i = 0; i < 3; i++)
		munmap(card.windows[i], WINDOW_SIZE);
	for (int i = 0; i < SENT_MAX; i++)
		free(card.sent[i].bytes);
	return 0;
}

/* ---- Memory and rings ---- */

uint8_t *memory(uint64_t iova)
{
	if (iova >= READ_ONLY)
		return card.windows[2] + (iova - READ_ONLY);
	if (iova >= WINDOW_B)
		return card.windows[1] + (iova - WINDOW_B);
	return card.windows[0] + (iova - WINDOW_A);
}

uint64_t take(uint64_t size)
{
	uint64_t iova = WINDOW_A + card.used;

	card.used += (size + 127) & ~127ull;
	assert_true(card.used <= WINDOW_SIZE);
	return iova;
}

struct ring rx_ring(uint32_t queue, uint32_t size, uint32_t srrctl)
{
	struct ring ring = { .queue = queue, .size = size };

	ring.iova = take(size * sizeof(struct nic_desc));
	ring.desc = (struct nic_desc *)memory(ring.iova);
	reg_write(RDBAL(queue), (uint32_t)ring.iova);
	reg_write(RDBAH(queue), (uint32_t)(ring.iova >> 32));
	reg_write(RDLEN(queue), size * (uint32_t)sizeof(struct nic_desc));
	reg_write(SRRCTL(queue), srrctl);
	reg_write(RDH(queue), 0);
	reg_write(RDT(queue), 0);
	reg_write(RXDCTL(queue), RXDCTL_ENABLE);
	return ring;
}

struct ring tx_ring(uint32_t queue, uint32_t size)
{
	struct ring ring = { .queue = queue, .size = size };

	ring.iova = take(size * sizeof(struct nic_desc));
	ring.desc = (struct nic_desc *)memory(ring.iova);
	reg_write(TDBAL(queue), (uint32_t)ring.iova);
	reg_write(TDBAH(queue), (uint32_t)(ring.iova >> 32));
	reg_write(TDLEN(queue), size * (uint32_t)sizeof(struct nic_desc));
	reg_write(TDH(queue), 0);
	reg_write(TDT(queue), 0);
	reg_write(TXDCTL(queue), TXDCTL_ENABLE);
	return ring;
}

uint64_t rx_buffer(const struct ring *ring, uint32_t i)
{
	return WINDOW_B + (ring->queue * 16ull + i % ring->size) * BUFFER_SIZE;
}

void rx_post_at(struct ring *ring, uint64_t iova)
{
	ring->desc[ring->tail] = (struct nic_desc){ iova, 0 };
	ring->tail = (ring->tail + 1) % ring->size;
	reg_poke(RDT(ring->queue), ring->tail);
}

void rx_post(struct ring *ring, uint32_t count)
{
	while (count--)
		rx_post_at(ring, rx_buffer(ring, ring->tail));
}

uint32_t rx_status(const struct ring *ring, uint32_t i)
{
	return (uint32_t)__atomic_load_n(&ring->desc[i].hi, __ATOMIC_ACQUIRE);
}

uint32_t rx_length(const struct ring *ring, uint32_t i)
{
	return ring->desc[i].hi >> 32 & 0xFFFF;
}

uint32_t rx_vlan(const struct ring *ring, uint32_t i)
{
	return (uint32_t)(ring->desc[i].hi >> 48);
}

void tx_put(struct ring *ring, uint64_t lo, uint64_t hi)
{
	ring->desc[ring->tail] = (struct nic_desc){ lo, hi };
	ring->tail = (ring->tail + 1) % ring->size;
}

void tx_ring_doorbell(const struct ring *ring)
{
	reg_poke(TDT(ring->queue), ring->tail);
}

bool tx_done(const struct ring *ring, uint32_t i)
{
	return ring->desc[i].hi >> 32 == TXD_DD >> 32;
}

void tx_send(struct ring *ring, const uint8_t *frame, size_t length, uint64_t bits)
{
	uint64_t iova = take(length);

	memcpy(memory(iova), frame, length);
	tx_put(ring, iova, TX_DATA(length) | TXD_EOP | bits);
	tx_ring_doorbell(ring);
	card_poll(LOTS);
}

/* ---- Frames ---- */

void frame_to(uint8_t *frame, const uint8_t destination[6], size_t length, uint32_t number)
{
	static const uint8_t rest[] = { 0x02, 0, 0, 0, 0, 1, 0x12, 0x34 };

	memcpy(frame, destination, 6);
	memcpy(frame + 6, rest, sizeof(rest));
	for (size_t i = 14; i < length; i++)
		frame[i] = (uint8_t)(number * 31 + i + (i >> 8));
}

enum nic_verdict arrive(size_t length, uint32_t number)
{
	uint8_t frame[NIC_FRAME_MAX];

	frame_to(frame, card_mac, length, number);
	return nic_receive(card.nic, frame, length, 0);
}

void check_memory(uint64_t iova, size_t offset, size_t size, size_t length, uint32_t number)
{
	uint8_t frame[NIC_FRAME_MAX];

	frame_to(frame, card_mac, length, number);
	assert_memory_equal(memory(iova), frame + offset, size);
}

uint16_t slow_sum(const uint8_t *data, size_t size, uint32_t sum)
{
	for (size_t i = 0; i < size; i++) {
		sum += i & 1 ? data[i] : data[i] * 256u;
		if (sum > 0xFFFF)
			sum -= 0xFFFF;
	}
	return (uint16_t)sum;
}

uint32_t slow_crc(uint32_t polynomial, const uint8_t *data, size_t size)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < size * 8; i++) {
		bool bit = (crc ^ data[i / 8] >> i % 8) & 1;

		crc = crc >> 1 ^ (bit ? polynomial : 0);
	}
	return ~crc;
}

/* Where layer 4 begins, its protocol, and the sum of the pseudo header. */
static const uint8_t *find_l4(const uint8_t *ip, size_t size, uint8_t *protocol, uint32_t *pseudo)
{
	bool v4 = ip[0] >> 4 == 4;
	size_t header = v4 ? (ip[0] & 15) * 4u : 40;

	*protocol = v4 ? ip[9] : ip[6];
	*pseudo = slow_sum(ip + (v4 ? 12 : 8), v4 ? 8 : 32, 0) + *protocol +
		  (uint32_t)(size - header);
	*pseudo = (*pseudo & 0xFFFF) + (*pseudo >> 16);
	return ip + header;
}

bool l4_good(const uint8_t *ip, size_t size)
{
	uint8_t protocol;
	uint32_t pseudo;
	const uint8_t *l4 = find_l4(ip, size, &protocol, &pseudo);
	size_t l4_size = size - (size_t)(l4 - ip);

	if (ip[0] >> 4 == 4 && slow_sum(ip, (size_t)(l4 - ip), 0) != 0xFFFF)
		return false;
	if (protocol == 132) {
		uint8_t copy[NIC_FRAME_MAX];
		uint32_t crc;

		memcpy(copy, l4, l4_size);
		memcpy(&crc, l4 + 8, 4);
		memset(copy + 8, 0, 4);
		return slow_crc(0x82F63B78, copy, l4_size) == crc;
	}
	return slow_sum(l4, l4_size, pseudo) == 0xFFFF;
}

void ip_seal(uint8_t *ip, size_t size)
{
	uint8_t protocol;
	uint32_t pseudo;
	uint8_t *l4 = (uint8_t *)find_l4(ip, size, &protocol, &pseudo);
	size_t l4_size = size - (size_t)(l4 - ip);
	uint8_t *checksum = l4 + (protocol == 6 ? 16 : protocol == 17 ? 6 : 8);
	uint16_t sum;

	if (protocol == 132) {
		uint32_t crc;

		memset(checksum, 0, 4);
		crc = slow_crc(0x82F63B78, l4, l4_size);
		memcpy(checksum, &crc, 4);
	} else {
		checksum[0] = checksum[1] = 0;
		sum = (uint16_t)~slow_sum(l4, l4_size, pseudo);
		checksum[0] = (uint8_t)(sum >> 8);
		checksum[1] = (uint8_t)sum;
	}
	if (ip[0] >> 4 == 4) {
		ip[10] = ip[11] = 0;
		sum = (uint16_t)~slow_sum(ip, (size_t)(l4 - ip), 0);
		ip[10] = (uint8_t)(sum >> 8);
		ip[11] = (uint8_t)sum;
	}
}

size_t ip_frame(uint8_t *frame, int version, uint8_t protocol, size_t payload)
{
	size_t l3_header = version == 4 ? 20 : 40;
	size_t l4_header = protocol == 6 ? 20 : protocol == 17 ? 8 : 12;
	size_t l4_size = l4_header + payload;
	uint8_t *ip = frame + 14, *l4 = ip + l3_header;

	memset(frame, 0, 14 + l3_header + l4_header);
	memcpy(frame, card_mac, 6);
	frame[6] = 0x02;
	if (version == 4) {
		static const uint8_t addresses[8] = { 10, 0, 0, 1, 192, 168, 7, 9 };

		frame[12] = 0x08;
		ip[0] = 0x45;
		ip[2] = (uint8_t)((20 + l4_size) >> 8);
		ip[3] = (uint8_t)(20 + l4_size);
		ip[4] = 0xFF;
		ip[5] = 0xFE;
		ip[8] = 64;
		ip[9] = protocol;
		memcpy(ip + 12, addresses, 8);
	} else {
		frame[12] = 0x86;
		frame[13] = 0xDD;
		ip[0] = 0x60;
		ip[4] = (uint8_t)(l4_size >> 8);
		ip[5] = (uint8_t)l4_size;
		ip[6] = protocol;
		ip[7] = 64;
		for (uint8_t i = 0; i < 32; i++)
			ip[8 + i] = (uint8_t)(0x20 + i * 7);
	}
	l4[0] = 0x12;
	l4[1] = 0x34;
	l4[2] = 0x56;
	l4[3] = 0x78;
	if (protocol == 6) {
		l4[4] = 0xFF; /* a sequence number that is about to carry into all its bytes */
		l4[5] = 0xFF;
		l4[6] = 0xFF;
		l4[12] = 0x50;
		l4[13] = 0x19; /* ACK, PSH, FIN */
	} else if (protocol == 17) {
		l4[4] = (uint8_t)(l4_size >> 8);
		l4[5] = (uint8_t)l4_size;
	}
	for (size_t i = 0; i < payload; i++)
		l4[l4_header + i] = (uint8_t)(i * 5 + (i >> 8));
	ip_seal(ip, l3_header + l4_size);
	return 14 + l3_header + l4_size;
}
