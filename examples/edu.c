/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A whole driver in one file, for QEMU's device `edu`: a minimal PCI function with registers, an
 * interrupt and DMA, described in QEMU's docs/specs/edu.rst. A guest started by
 *
 *	qemu-system-x86_64 -M q35,kernel-irqchip=split -device intel-iommu,intremap=on \
 *		-device edu,addr=10 ...
 *
 * has one at 0000:00:10.0. In the guest, as root, with intel_iommu=on on the kernel's command line:
 *
 *	modprobe vfio-pci
 *	echo vfio-pci >/sys/bus/pci/devices/0000:00:10.0/driver_override
 *	echo 0000:00:10.0 >/sys/bus/pci/drivers_probe
 *	edu 0000:00:10.0
 */
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <ixy/log.h>
#include <ixy/vfio.h>
#include <ixy/vfio_irq.h>

/* Registers: offsets in BAR 0. */
#define IDENTIFICATION	 0x00 /* 0xRRrr00ED: version RR.rr */
#define LIVENESS	 0x04 /* reads as the inverse of what was written */
#define FACTORIAL	 0x08 /* write n, read n! when STATUS.BUSY is clear */
#define STATUS		 0x20
#define INTERRUPT_STATUS 0x24 /* causes of the interrupt */
#define INTERRUPT_ACK	 0x64 /* clears these bits of INTERRUPT_STATUS */
#define DMA_SOURCE	 0x80
#define DMA_DESTINATION	 0x88
#define DMA_COUNT	 0x90
#define DMA_COMMAND	 0x98

#define STATUS_BUSY	      0x01
#define STATUS_INTERRUPT      0x80 /* raise one after the computation */
#define DMA_COMMAND_START     0x01 /* clears itself when done */
#define DMA_COMMAND_TO_RAM    0x02 /* else from RAM */
#define DMA_COMMAND_INTERRUPT 0x04
#define CAUSE_FACTORIAL	      0x001
#define CAUSE_DMA	      0x100

/* The device's own memory, accessible only to its DMA engine. */
#define BUFFER	    0x40000
#define BUFFER_SIZE 4096

#define ADDRESS_LIMIT (1ull << 28) /* of the DMA engine */
#define TIMEOUT_MS    5000

struct edu {
	struct vfio_device *dev;
	const struct vfio_bar *regs;
	int eventfd;		  /* the interrupt */
	struct dma_memory memory; /* a half to send from, a half to receive in */
};

static int edu_open(struct edu *edu, const char *address)
{
	uint16_t id[2]; /* vendor and device; PCI is little endian everywhere */
	int err = vfio_open(&edu->dev, address);

	if (err)
		return err;
	err = vfio_region_read(edu->dev, VFIO_PCI_CONFIG_REGION_INDEX, 0, id, sizeof(id));
	if (err)
		return err;
	if (le16toh(id[0]) != 0x1234 || le16toh(id[1]) != 0x11E8)
		return ixy_fail(ENODEV, "%s: is %04x:%04x, not an edu (1234:11e8)", address,
				le16toh(id[0]), le16toh(id[1]));

	err = vfio_bar(edu->dev, VFIO_PCI_BAR0_REGION_INDEX, &edu->regs);
	if (err)
		return err;
	/* An edu has no reset: it is in the state in which the last program, perhaps killed, left it. */
	if (bar_read32(edu->regs, STATUS) & STATUS_BUSY ||
	    bar_read32(edu->regs, DMA_COMMAND) & DMA_COMMAND_START)
		return ixy_fail(EBUSY, "%s: is still busy with an operation of another program",
				address);
	bar_write32(edu->regs, INTERRUPT_ACK, bar_read32(edu->regs, INTERRUPT_STATUS));

	/*
	 * The IOMMU lets the device access only what is allocated here, so the program need not be
	 * trusted. The device's address of the memory is memory.iova.
	 */
	err = vfio_dma_alloc(&edu->memory, 2 * BUFFER_SIZE);
	if (err)
		return err;
	if (edu->memory.iova + edu->memory.size > ADDRESS_LIMIT)
		return ixy_fail(ENOSPC, "%s: cannot address 0x%llx", address,
				(unsigned long long)edu->memory.iova);

	err = vfio_irq_arm(edu->dev, VFIO_PCI_MSI_IRQ_INDEX, 0, 1, &edu->eventfd);
	if (err)
		return err;
	/* An MSI is a memory write: without bus mastering there are no interrupts, either. */
	return vfio_set_bus_master(edu->dev, true);
}

static void edu_close(struct edu *edu)
{
	vfio_close(edu->dev); /* first: it stops the device's DMA */
	vfio_dma_free(&edu->memory);
}

/* Sleep until the interrupt, and acknowledge it. */
static int edu_wait(struct edu *edu, uint32_t cause)
{
	int count = vfio_irq_wait(&edu->eventfd, 1, TIMEOUT_MS);

	if (count < 0)
		return count;
	if (count == 0)
		return ixy_fail(ETIMEDOUT, "%s: no interrupt in %d ms", vfio_address(edu->dev),
				TIMEOUT_MS);
	uint32_t status = bar_read32(edu->regs, INTERRUPT_STATUS);
	bar_write32(edu->regs, INTERRUPT_ACK, status);
	if (status != cause)
		return ixy_fail(EIO, "%s: interrupt cause is 0x%x instead of 0x%x",
				vfio_address(edu->dev), status, cause);
	return 0;
}

static int edu_factorial(struct edu *edu, uint32_t n, uint32_t *result)
{
	bar_write32(edu->regs, STATUS, STATUS_INTERRUPT);
	bar_write32(edu->regs, FACTORIAL, n);
	int err = edu_wait(edu, CAUSE_FACTORIAL);
	*result = bar_read32(edu->regs, FACTORIAL);
	return err;
}

/* Copy from RAM to the device's buffer, or back with DMA_COMMAND_TO_RAM in @command. */
static int edu_copy(struct edu *edu, uint64_t source, uint64_t destination, uint32_t command)
{
	bar_write32(edu->regs, DMA_SOURCE, source);
	bar_write32(edu->regs, DMA_DESTINATION, destination);
	bar_write32(edu->regs, DMA_COUNT, BUFFER_SIZE);
	/* The doorbell. bar_write32() orders our writes to memory before it. */
	bar_write32(edu->regs, DMA_COMMAND, DMA_COMMAND_START | DMA_COMMAND_INTERRUPT | command);
	int err = edu_wait(edu, CAUSE_DMA);
	dma_rmb(); /* later reads of memory are not older than the interrupt */
	return err;
}

static int edu_test(struct edu *edu)
{
	uint32_t id = bar_read32(edu->regs, IDENTIFICATION), factorial;

	if ((id & 0xFFFF) != 0x00ED) /* all ones if the device was unplugged */
		return ixy_fail(EIO, "identification is 0x%08x", id);
	printf("identification: edu %u.%u\n", id >> 24, id >> 16 & 0xFF);

	bar_write32(edu->regs, LIVENESS, 0x12345678);
	if (bar_read32(edu->regs, LIVENESS) != ~0x12345678u)
		return ixy_fail(EIO, "the liveness check failed");
	printf("liveness: good\n");

	int err = edu_factorial(edu, 12, &factorial);
	if (err)
		return err;
	printf("factorial: 12! = %u, completed by MSI\n", factorial);

	uint8_t *sent = edu->memory.virt, *received = sent + BUFFER_SIZE;
	for (uint32_t i = 0; i < BUFFER_SIZE; i++)
		sent[i] = i ^ i >> 8; /* neither adjacent bytes nor rows of 256 are equal */
	err = edu_copy(edu, edu->memory.iova, BUFFER, 0);
	if (err)
		return err;
	err = edu_copy(edu, BUFFER, edu->memory.iova + BUFFER_SIZE, DMA_COMMAND_TO_RAM);
	if (err)
		return err;
	if (memcmp(sent, received, BUFFER_SIZE))
		return ixy_fail(EIO, "DMA: the data read back differs from the data sent");
	printf("DMA: %u bytes to the device and back: identical\n", BUFFER_SIZE);
	return 0;
}

int main(int argc, char **argv)
{
	struct edu edu = { 0 };

	if (argc != 2) {
		fprintf(stderr, "usage: edu ADDRESS, such as 0000:00:10.0\n");
		return 2;
	}
	int err = edu_open(&edu, argv[1]);
	if (!err)
		err = edu_test(&edu);
	edu_close(&edu);
	if (err)
		fprintf(stderr, "edu: %s\n", strerror(-err));
	return err ? 1 : 0;
}
