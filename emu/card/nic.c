/* SPDX-License-Identifier: BSD-2-Clause */
/* The card as a whole: built, reset, accessed, and given its turn to work. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "datapath.h"

/*
 * The doorbell pages are a memfd, mapped over the image of BAR 0. Where pages are larger than
 * 4 KiB, they have neighbours whose accesses must be seen; then there are no doorbell pages.
 */
static int map_doorbells(uint8_t *bar0, int *fd)
{
	*fd = -1;
	if (sysconf(_SC_PAGESIZE) != NIC_DOORBELL_PAGE)
		return 0;

	*fd = memfd_create("82599-bar0", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (*fd < 0) /* a sandbox that refuses it is as good as large pages */
		return errno == EPERM || errno == ENOSYS ? 0 : -errno;
	/* A client that is given the file must not be able to truncate it. */
	if (ftruncate(*fd, NIC_BAR0_SIZE) ||
	    fcntl(*fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		return -errno;
	for (const struct nic_doorbells *d = nic_doorbells; d < nic_doorbells + NIC_DOORBELLS; d++)
		if (mmap(bar0 + d->offset, d->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
			 *fd, d->offset) == MAP_FAILED)
			return -errno;
	return 0;
}

static void unmap_bar0(uint8_t *bar0, int doorbell_fd)
{
	munmap(bar0, NIC_BAR0_SIZE);
	if (doorbell_fd >= 0)
		close(doorbell_fd);
}

static int map_bar0(uint8_t **bar0, int *doorbell_fd)
{
	*bar0 = mmap(NULL, NIC_BAR0_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		     0);
	if (*bar0 == MAP_FAILED)
		return -errno;
	int err = map_doorbells(*bar0, doorbell_fd);

	if (err)
		unmap_bar0(*bar0, *doorbell_fd);
	return err;
}

int nic_create(struct nic **out, const struct nic_host *host, const uint8_t mac[6])
{
	struct nic *nic = calloc(1, sizeof(*nic));

	if (!nic)
		return -ENOMEM;
	nic->host = *host;
	int err = map_bar0(&nic->bar0, &nic->doorbell_fd);

	if (err) {
		free(nic);
		return err;
	}
	nic->clock.cycle = 32;
	nic_eeprom_create(nic, mac);
	nic_function_reset(nic);
	*out = nic;
	return 0;
}

void nic_destroy(struct nic *nic)
{
	if (!nic)
		return;
	unmap_bar0(nic->bar0, nic->doorbell_fd);
	free(nic->director);
	free(nic);
}

int nic_renew_doorbells(struct nic *nic)
{
	uint8_t *bar0;
	int doorbell_fd = -1;
	int err = map_bar0(&bar0, &doorbell_fd);

	if (err)
		return err;
	unmap_bar0(nic->bar0, nic->doorbell_fd);
	nic->bar0 = bar0;
	nic->doorbell_fd = doorbell_fd;
	nic_function_reset(nic);
	return 0;
}

int nic_doorbell_fd(const struct nic *nic)
{
	return nic->doorbell_fd;
}

void nic_set_mapped(struct nic *nic, bool mapped)
{
	nic->mapped = mapped;
}

const struct nic_account *nic_account(const struct nic *nic)
{
	return &nic->account;
}

/* ---- Reset ---- */

/*
 * 4.2.2: the EEPROM, PCIe and semaphore registers belong to the function: only its reset touches
 * them. A software reset leaves the link alone, too.
 */
static bool survives(uint32_t offset, enum nic_reset reset)
{
	if (reset == NIC_RESET_FUNCTION)
		return false;
	if (offset >= 0x10000 && offset < 0x12000)
		return true;
	return reset == NIC_RESET_SOFTWARE &&
	       (offset == AUTOC || offset == AUTOC2 || offset == ANLP1);
}

static void nic_reset(struct nic *nic, enum nic_reset reset)
{
	const uint8_t *mac = nic->eeprom.mac;

	for (uint32_t row = 0; row < nic_reg_count; row++) {
		const struct nic_reg *reg = &nic_regs[row];

		if (reg->access == NIC_ALIAS || survives(reg->offset, reset))
			continue;
		for (uint32_t i = 0; i < reg->count; i++)
			nic_set(nic, reg->offset + i * reg->stride, reg->reset);
	}
	/* 4.6.3: reset loads the Ethernet address from the EEPROM. */
	nic_set(nic, RAL(0), mac[0] | mac[1] << 8 | mac[2] << 16 | (uint32_t)mac[3] << 24);
	nic_set(nic, RAH(0), (uint32_t)(mac[4] | mac[5] << 8) | RAH_AV);

	if (reset == NIC_RESET_FUNCTION) {
		nic_sfp_reset(nic);
		nic_pci_reset(nic);
	}
	nic_x540_reset(nic, reset == NIC_RESET_FUNCTION);
	if (reset != NIC_RESET_SOFTWARE)
		nic_link_restart(nic);
	nic_irq_reset(nic);
	nic->latch = (struct nic_latch){ 0 };
	nic->clock = (struct nic_clock){ .since = nic->now, .cycle = nic->clock.cycle };
	nic_rx_reset(nic);
	nic_tx_reset(nic);
	nic->pause.until = 0;
	nic->pause.stopped = false;
	nic_pci_update_master(nic);
	nic->rescan = true;
}

void nic_make_x540(struct nic *nic)
{
	nic->x540 = true;
	nic_phy_create(nic);
	nic_function_reset(nic);
}

void nic_function_reset(struct nic *nic)
{
	nic_reset(nic, NIC_RESET_FUNCTION);
}

/* ---- Register accesses ---- */

static uint32_t read32(struct nic *nic, uint32_t offset)
{
	uint32_t i, value;
	const struct nic_reg *reg = nic_reg_find(&offset, &i);

	if (!reg || (reg->x540 && !nic->x540)) {
		nic->account.bad_accesses++;
		return 0;
	}
	switch (reg->access) {
	case NIC_WO:
		return 0;
	case NIC_RC_LOW:
		return nic_stats_read_low(nic, offset);
	case NIC_RC_HIGH:
		return nic_stats_read_high(nic, offset - 4);
	default:
		value = reg->read ? reg->read(nic, i) : nic_get(nic, offset);
		if (reg->access == NIC_RC)
			nic_set(nic, offset, 0);
		return value;
	}
}

/* @lanes: mask of the bytes that the driver wrote; the other bytes of a stored register stay. */
static void write32(struct nic *nic, uint32_t offset, uint32_t value, uint32_t lanes)
{
	uint32_t i;
	const struct nic_reg *reg = nic_reg_find(&offset, &i);

	if (!reg || (reg->x540 && !nic->x540)) {
		nic->account.bad_accesses++;
		return;
	}

	uint32_t old = nic_get(nic, offset), writable = reg->writable & ~reg->self_clearing;

	if (reg->access == NIC_RW) {
		value = (value & lanes) | (old & ~lanes);
		nic_set(nic, offset, (old & ~writable) | (value & writable));
	} else {
		value &= lanes;
		if (reg->access == NIC_W1C)
			nic_set(nic, offset, old & ~(value & writable));
	}
	if (reg->written)
		reg->written(nic, i, old, value);
	if (nic->wanted)
		nic_reset(nic, nic->wanted);
	nic->wanted = NIC_RESET_NONE;
}

/* 8.1.3: registers by way of I/O space: an address, then data. */
#define IOADDR 0
#define IODATA 4

/* One 32-bit word; @lanes: mask of the bytes asked for. */
static uint32_t read_word(struct nic *nic, uint32_t bar, uint32_t offset)
{
	if (bar == 0)
		return read32(nic, offset);
	if (bar == 4)
		return offset < sizeof(nic->pci.msix) ? nic->pci.msix[offset / 4] : 0;
	if (offset == IOADDR)
		return nic->pci.ioaddr;
	if (offset == IODATA && nic->pci.ioaddr % 4 == 0 && nic->pci.ioaddr < NIC_BAR0_SIZE)
		return read32(nic, nic->pci.ioaddr);
	nic->account.bad_accesses++;
	return 0;
}

static void write_word(struct nic *nic, uint32_t bar, uint32_t offset, uint32_t value,
		       uint32_t lanes)
{
	if (bar == 0) {
		write32(nic, offset, value, lanes);
	} else if (bar == 4) {
		if (offset < sizeof(nic->pci.msix)) {
			uint32_t *word = &nic->pci.msix[offset / 4];

			*word = (*word & ~lanes) | (value & lanes);
		}
	} else if (offset == IOADDR) {
		nic->pci.ioaddr = (nic->pci.ioaddr & ~lanes) | (value & lanes);
	} else if (offset == IODATA && nic->pci.ioaddr % 4 == 0 &&
		   nic->pci.ioaddr < NIC_BAR0_SIZE) {
		write32(nic, nic->pci.ioaddr, value, lanes);
	} else {
		nic->account.bad_accesses++;
	}
}

static bool access_valid(uint32_t bar, uint32_t offset, uint32_t size)
{
	static const uint32_t bar_size[] = {
		[0] = NIC_BAR0_SIZE, [2] = NIC_BAR2_SIZE, [4] = NIC_BAR4_SIZE
	};

	if (size != 1 && size != 2 && size != 4 && size != 8)
		return false;
	return bar < 5 && offset % size == 0 && offset < bar_size[bar] &&
	       size <= bar_size[bar] - offset;
}

uint64_t nic_read(struct nic *nic, uint32_t bar, uint32_t offset, uint32_t size)
{
	nic->rescan = true;
	if (!access_valid(bar, offset, size)) {
		nic->account.bad_accesses++;
		return 0;
	}
	if (nic->pci.asleep) /* D3hot: unsupported request, all ones */
		return UINT64_MAX >> (64 - 8 * size);

	if (size == 8) {
		uint64_t low = read_word(nic, bar, offset);

		return low | (uint64_t)read_word(nic, bar, offset + 4) << 32;
	}
	uint32_t value = read_word(nic, bar, offset & ~3u) >> 8 * (offset & 3);

	return value & (UINT32_MAX >> (32 - 8 * size));
}

void nic_write(struct nic *nic, uint32_t bar, uint32_t offset, uint32_t size, uint64_t value)
{
	nic->rescan = true;
	if (!access_valid(bar, offset, size)) {
		nic->account.bad_accesses++;
		return;
	}
	if (nic->pci.asleep)
		return;

	if (size == 8) {
		write_word(nic, bar, offset, (uint32_t)value, UINT32_MAX);
		write_word(nic, bar, offset + 4, (uint32_t)(value >> 32), UINT32_MAX);
		return;
	}
	uint32_t shift = 8 * (offset & 3);

	write_word(nic, bar, offset & ~3u, (uint32_t)value << shift,
		   UINT32_MAX >> (32 - 8 * size) << shift);
}

int nic_config_write(struct nic *nic, uint32_t offset, const void *data, size_t size)
{
	if (offset > NIC_CONFIG_SIZE || size > NIC_CONFIG_SIZE - offset)
		return -EINVAL;
	if (nic_pci_write(nic, offset, data, size))
		nic_function_reset(nic);
	return 0;
}

/* ---- Work ---- */

/* After accesses by the driver: read all configuration, look at all queues. */
static void rescan(struct nic *nic)
{
	nic->rescan = false;
	nic_rx_configure(nic);
	nic_tx_configure(nic);
}

enum nic_verdict nic_receive(struct nic *nic, const void *frame, size_t length, unsigned int flags)
{
	if (unlikely(nic->rescan))
		rescan(nic);
	return nic_rx_frame(nic, frame, length, flags & (NIC_TRY | NIC_AGAIN));
}

uint32_t nic_poll(struct nic *nic, uint64_t now, uint32_t budget)
{
	nic->now = now;
	nic_link_poll(nic);
	if (nic->rescan)
		rescan(nic);

	/* Both run even without bus mastering: enabling and disabling queues needs no memory. */
	uint32_t frames = nic_rx_poll(nic);

	frames += nic_tx_poll(nic, budget);
	nic_pause_poll(nic);
	nic_irq_poll(nic);
	return frames;
}
