/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Has a device write to memory that is not for it: a page of this program that it can reach by its
 * physical address, if no IOMMU stands in between. First, to memory that is: that shows that the
 * device does what it is told. For 82599s and QEMU's edu (with dma_mask=0xFFFFFFFF).
 *
 *	wild_dma ADDRESS
 *
 * Prints the page's physical address. Exit status: 0 if the page is as it was.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sys/mman.h>

#include <ixy/device.h>
#include <ixy/log.h>
#include <ixy/vfio.h>

#define PAGE   4096 /* what is used of a page; none is smaller */
#define PAGES  1024
#define LOWEST (64ull << 20)

/* ---- edu: its DMA engine copies its own buffer to an address. QEMU: docs/specs/edu.rst ---- */

#define EDU_DMA_SOURCE	    0x80
#define EDU_DMA_DESTINATION 0x88
#define EDU_DMA_COUNT	    0x90
#define EDU_DMA_COMMAND	    0x98
#define EDU_DMA_START	    0x01 /* clears itself when done */
#define EDU_DMA_TO_RAM	    0x02
#define EDU_BUFFER	    0x40000

static void edu_write(const struct vfio_bar *regs, uint64_t address)
{
	bar_write32(regs, EDU_DMA_SOURCE, EDU_BUFFER);
	bar_write32(regs, EDU_DMA_DESTINATION, address);
	bar_write32(regs, EDU_DMA_COUNT, PAGE);
	bar_write32(regs, EDU_DMA_COMMAND, EDU_DMA_START | EDU_DMA_TO_RAM);
	for (int i = 0; i < 200 && bar_read32(regs, EDU_DMA_COMMAND) & EDU_DMA_START; i++)
		usleep(10000);
}

/* ---- 82599: a send queue has its ring there. Datasheet 8.2.3.9, 7.2.3.2.2 ---- */

#define QUEUE	      1 /* ixy uses queue 0 */
#define TDBAL	      (0x6000 + QUEUE * 0x40)
#define TDBAH	      (TDBAL + 0x04)
#define TDLEN	      (TDBAL + 0x08)
#define TDH	      (TDBAL + 0x10)
#define TDT	      (TDBAL + 0x18)
#define TXDCTL	      (TDBAL + 0x28)
#define TXDCTL_ENABLE (1u << 25)

/* Legacy descriptors: 60 bytes, EOP, IFCS, and RS, for which the card writes DD into them. */
static void fill_with_descriptors(uint64_t *page, uint64_t address)
{
	for (int i = 0; i < PAGE / 8; i += 2) {
		page[i] = htole64(address);
		page[i + 1] = htole64(60 | 0x0Bull << 24);
	}
}

static void ixgbe_write(const struct vfio_bar *regs, uint64_t address)
{
	bar_write32(regs, TXDCTL, 0);
	for (int i = 0; i < 100 && bar_read32(regs, TXDCTL) & TXDCTL_ENABLE; i++)
		usleep(1000);
	bar_write32(regs, TDBAL, address);
	bar_write32(regs, TDBAH, address >> 32);
	bar_write32(regs, TDLEN, PAGE);
	bar_write32(regs, TDH, 0);
	bar_write32(regs, TDT, 0);
	bar_write32(regs, TXDCTL, TXDCTL_ENABLE);
	for (int i = 0; i < 100 && !(bar_read32(regs, TXDCTL) & TXDCTL_ENABLE); i++)
		usleep(1000);
	bar_write32(regs, TDT, 8);
	sleep(1);
}

/* ---- Either ---- */

/*
 * A page that is not for devices, and its physical address: the highest of many, above all addresses
 * that devices have for what is theirs. Linux: Documentation/admin-guide/mm/pagemap.rst; needs root.
 */
static void *find_page(uint64_t *address)
{
	const uint64_t size = sysconf(_SC_PAGESIZE);
	uint8_t *pages = mmap(NULL, PAGES * size, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE | MAP_LOCKED, -1, 0);
	uint64_t entries[PAGES] = { 0 };
	void *page = NULL;
	int fd = open("/proc/self/pagemap", O_RDONLY);

	if (pages == MAP_FAILED ||
	    pread(fd, entries, sizeof(entries), (uintptr_t)pages / size * sizeof(*entries)) < 0)
		perror("/proc/self/pagemap");
	close(fd);
	*address = LOWEST;
	for (int i = 0; i < PAGES; i++) {
		uint64_t physical = (entries[i] & ((1ull << 55) - 1)) * size;
		if (physical >= *address) {
			*address = physical;
			page = pages + i * size;
		}
	}
	return page;
}

static int try(const struct vfio_bar *regs, void (*write_to)(const struct vfio_bar *, uint64_t))
{
	static uint64_t before[PAGE / 8];
	struct dma_memory memory;
	int err = vfio_dma_alloc(&memory, PAGE);

	if (err)
		return err;
	fill_with_descriptors(memory.virt, memory.iova);
	fill_with_descriptors(before, memory.iova);
	write_to(regs, memory.iova);
	if (!memcmp(memory.virt, before, PAGE))
		return ixy_fail(EIO, "the device does not even write to its own memory");
	printf("memory for the device: changed\n");

	uint64_t address;
	void *page = find_page(&address);
	if (!page)
		return ixy_fail(ENOMEM, "no page with a known physical address above 0x%llx",
				LOWEST);
	fill_with_descriptors(page, address);
	fill_with_descriptors(before, address);
	write_to(regs, address);
	bool same = !memcmp(page, before, PAGE);
	printf("memory at 0x%llx: %s\n", (unsigned long long)address,
	       same ? "unchanged" : "CHANGED");
	return same ? 0 : -EIO;
}

int main(int argc, char **argv)
{
	const struct vfio_bar *regs;
	struct vfio_device *edu = NULL;
	struct ixy_device *card = NULL;
	uint16_t id[2] = { 0 };

	if (argc != 2) {
		fprintf(stderr, "usage: wild_dma ADDRESS\n");
		return 2;
	}
	int err = vfio_open(&edu, argv[1])
			  ?: vfio_region_read(edu, VFIO_PCI_CONFIG_REGION_INDEX, 0, id, sizeof(id));
	if (!err && le16toh(id[1]) == 0x11E8) {
		err = vfio_bar(edu, VFIO_PCI_BAR0_REGION_INDEX, &regs)
			      ?: vfio_set_bus_master(edu, true)
			      ?: try(regs, edu_write);
		vfio_close(edu);
	} else {
		vfio_close(edu);
		err = ixy_open(&card, argv[1], NULL)
			      ?: vfio_bar(card->vfio, VFIO_PCI_BAR0_REGION_INDEX, &regs)
			      ?: try(regs, ixgbe_write);
		ixy_close(card);
	}
	return err ? 1 : 0;
}
