/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Has 82599s interrupt, by MSI-X or MSI, and counts what arrives. One thread waits for all cards.
 *
 *	irq_count msix|msi ADDRESS...
 *
 * After each stage it prints "vfio-msix[3](0000:01:00.0) 15" for each vector: 15 interrupts since it
 * was made, by the kernel's name. Then it stops itself (SIGSTOP), so that the test can compare that
 * with /proc/interrupts and send SIGCONT.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <ixy/log.h>
#include <ixy/vfio.h>
#include <ixy/vfio_irq.h>

/* Datasheet 8.2.3.5. In MSI-X mode bit n of EICR and its kind is vector n; see 7.3.1. */
#define EICR	  0x00800 /* causes; reading clears them */
#define EICS	  0x00808 /* sets causes */
#define EIAC	  0x00810 /* causes that clear when their message has been sent */
#define EIMS	  0x00880 /* causes that may interrupt */
#define GPIE	  0x00898
#define GPIE_MSIX (1 << 4)

#define CARDS	   2
#define VECTORS	   7
#define TIMEOUT_MS 5000

struct card {
	struct vfio_device *dev;
	const struct vfio_bar *regs;
	int eventfds[VECTORS]; /* -1 where not armed */
	unsigned int counts[VECTORS];
};

static struct card cards[CARDS];
static int card_count;
static bool msix;

static int card_open(struct card *card, const char *address)
{
	memset(card->eventfds, -1, sizeof(card->eventfds));
	int err = vfio_open(&card->dev, address);
	if (!err)
		err = vfio_bar(card->dev, VFIO_PCI_BAR0_REGION_INDEX, &card->regs);
	if (!err)
		err = vfio_set_bus_master(card->dev, true); /* a message is a write to memory */
	if (err)
		return err;
	bar_write32(card->regs, GPIE, msix ? GPIE_MSIX : 0);
	bar_write32(card->regs, EIAC, msix ? 0xFFFF : 0);
	bar_write32(card->regs, EIMS, 0xFFFF);
	return 0;
}

static int arm(struct card *card, uint32_t start, uint32_t count)
{
	return vfio_irq_arm(card->dev, msix ? VFIO_PCI_MSIX_IRQ_INDEX : VFIO_PCI_MSI_IRQ_INDEX,
			    start, count, card->eventfds + start);
}

/* Consume all interrupts of all cards; wait for the first. */
static int wait_for_all(int timeout_ms)
{
	int eventfds[CARDS * VECTORS];
	uint32_t count = 0;

	for (int c = 0; c < card_count; c++)
		for (int v = 0; v < VECTORS; v++)
			if (cards[c].eventfds[v] >= 0)
				eventfds[count++] = cards[c].eventfds[v];
	return vfio_irq_wait(eventfds, count, timeout_ms);
}

/* @times interrupts by a vector; half of them are awaited there, half on all vectors of all cards. */
static int trigger(struct card *card, int vector, int times)
{
	for (int i = 0; i < times; i++) {
		bar_write32(card->regs, EICS, 1u << vector);
		int count = i % 2 ? wait_for_all(TIMEOUT_MS)
				  : vfio_irq_wait(&card->eventfds[vector], 1, TIMEOUT_MS);
		if (count != 1)
			return ixy_fail(EIO, "%s: vector %d: %d interrupts instead of 1",
					vfio_address(card->dev), vector, count);
		card->counts[vector]++;
		bar_read32(card->regs, EICR); /* EIAC does this for MSI-X only */
	}
	return 0;
}

/* Every vector that is armed interrupts, each another number of times; then let people look. */
static int stage(void)
{
	for (int c = 0; c < card_count; c++) {
		for (int v = 0; v < VECTORS; v++) {
			if (cards[c].eventfds[v] < 0)
				continue;
			int err = trigger(&cards[c], v, 1 + 2 * v + c);
			if (err)
				return err;
			printf("vfio-msi%s[%d](%s) %u\n", msix ? "x" : "", v,
			       vfio_address(cards[c].dev), cards[c].counts[v]);
		}
	}
	if (wait_for_all(0))
		return ixy_fail(EIO, "an interrupt that was not triggered");
	fflush(stdout);
	raise(SIGSTOP);
	return 0;
}

static int count_msix(void)
{
	int err = 0;

	for (int c = 0; c < card_count && !err; c++)
		err = arm(&cards[c], 0, 3);
	if (err || (err = stage()))
		return err;

	/* More than the kernel has made: all are made anew, and may be signalled without cause. */
	for (int c = 0; c < card_count && !err; c++) {
		err = arm(&cards[c], 5, 2);
		memset(cards[c].counts, 0, sizeof(cards[c].counts));
	}
	wait_for_all(0);
	if (err || (err = stage()))
		return err;

	/* The gap between them, which is filled without touching the others. */
	for (int c = 0; c < card_count && !err; c++)
		err = arm(&cards[c], 3, 2);
	if (err || (err = stage()))
		return err;

	memset(cards[0].eventfds, -1, sizeof(cards[0].eventfds));
	err = vfio_irq_disarm(cards[0].dev, VFIO_PCI_MSIX_IRQ_INDEX);
	return err ?: stage();
}

static int count_msi(void)
{
	int err = 0;

	for (int c = 0; c < card_count && !err; c++)
		err = arm(&cards[c], 0, 1);
	return err ?: stage();
}

int main(int argc, char **argv)
{
	int err = 0;

	if (argc < 3 || argc > 2 + CARDS) {
		fprintf(stderr, "usage: irq_count msix|msi ADDRESS...\n");
		return 2;
	}
	msix = !strcmp(argv[1], "msix");
	for (; 2 + card_count < argc && !err; card_count++)
		err = card_open(&cards[card_count], argv[2 + card_count]);
	if (!err)
		err = msix ? count_msix() : count_msi();
	for (int c = 0; c < card_count; c++)
		vfio_close(cards[c].dev);
	if (err)
		return 1;
	raise(SIGSTOP);
	return 0;
}
