/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A vfio-user server in a thread, with faults to choose, for tests of libixy-vfio. It listens at
 * bad_server_address and serves one client at a time.
 */
#pragma once
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <linux/pci_regs.h>

#include <cmocka.h>

#include <ixy/vfio.h>
#include <ixy/vfio_dma.h>
#include <ixy/vfio_irq.h>
#include <ixy/vfio_pci.h>

enum {
	VERSION = 1,
	MAP,
	UNMAP,
	INFO,
	REGION_INFO,
	IRQ_INFO = 7,
	SET_IRQS,
	READ,
	WRITE,
	RESET = 13
};
enum { REPLY = 1, NO_REPLY = 0x10, ERROR = 0x20 };

#define BAR0_SIZE 0x20000
#define MAX_FDS	  32

struct header {
	uint16_t id, command;
	uint32_t size, flags, error;
};

struct message {
	int fds[MAX_FDS];
	uint32_t fd_count;
	_Alignas(8) struct header header; /* from here on it is as on the wire */
	union {
		uint8_t bytes[8192];
		uint32_t words[2048];
		struct {
			uint64_t offset;
			uint32_t region, count;
			uint8_t data[4096];
		} access;
		struct vfio_region_info region;
		struct vfio_irq_info irq;
		struct vfio_irq_set irqs;
	} payload; /* last, as one of its members has no fixed size */
};

/* What the server does wrong, when it gets @at; 0: nothing. */
enum fault {
	NONE,
	SILENT,	    /* no answer */
	HANG_UP,    /* closes the connection */
	ONE_BY_ONE, /* answers byte by byte */
	WRONG_ID,
	WRONG_COMMAND,
	NO_REPLY_TYPE,
	STRANGE_TYPE,
	TINY_SIZE, /* of the message, less than its header */
	HUGE_SIZE,
	SHORT, /* a payload that is too small */
	GARBAGE,
	REFUSE,		  /* error ENOMEM */
	REFUSE_ODDLY,	  /* error without a number */
	REFUSE_AT_LENGTH, /* error ENOMEM, and a payload */
	SAY_MORE,	  /* a payload that is longer than the protocol has it */
	BARE,		  /* no payload at all */
	QUESTIONS,	  /* asks for DMA before it answers */
	ENDLESS_QUESTIONS,
	MANY_FILES, /* unwanted ones */
	STOP_READING,
};

extern struct bad_server {
	/* Set by the test. */
	_Atomic enum fault fault;
	uint16_t at;
	const char *version_json;
	uint16_t major;
	void (*region)(struct message *reply, int file); /* changes the answer for BAR0 */
	bool no_region_file;
	uint64_t unmap_size; /* if not 0, answered instead of the size that was asked for */
	/* Seen by the server. */
	uint32_t seen[16], posted[16];
	uint32_t largest_access;
	struct {
		uint32_t flags, start, count, fds;
	} irqs[16];
	uint32_t irq_calls;
	uint8_t config[256];
	uint32_t registers[BAR0_SIZE / 4];
	uint32_t shared_word; /* the first one of what was mapped for DMA */
	uint64_t map_iova, map_size;
	uint32_t refusals; /* answers to our questions */
	int file;	   /* behind BAR0 */
} server;

extern char address[80];       /* of the server */
extern uint32_t errors;	       /* that the library has logged since the start */
extern char last_message[512]; /* the last one */

/* Half a second and more pass at once; a signal comes in what would last longer than five. */
extern _Atomic bool impatient, interrupted;

/* Before and after a test, also in its middle. bad_server_end() leaves the socket's file behind. */
int bad_server_start(void **state);
int bad_server_stop(void **state);
void bad_server_end(void);
#define bad_server_test(f) cmocka_unit_test_setup_teardown(f, bad_server_start, bad_server_stop)

/* A device that is there. */
struct vfio_device *open_device(void);
