/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pcap: replays a capture file into the card, as fast as the card takes it or at a given rate, and
 * records what the card sends. The classic format: a header of 24 bytes, and in front of each frame
 * one of 16 bytes, in the byte order of whoever wrote the file. Frames have no CRC.
 */
#include "wire.h"

#include <byteswap.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define MAGIC_MICRO    0xA1B2C3D4u
#define MAGIC_NANO     0xA1B23C4Du
#define MAGIC_PCAPNG   0x0A0D0D0Au /* the same in both byte orders */
#define LINK_ETHERNET  1
#define LINK_TYPE_MASK 0x03FFFFFFu /* the bits above tell about CRCs */
#define LINK_CRC(link) ((link)&BIT_CRC_KNOWN ? (link) >> 28 & 7 : 0) /* in units of 2 bytes */
#define BIT_CRC_KNOWN  (1u << 26)

#define CAPTURED_MAX                                                                               \
	(256u * 1024) /* no tool writes longer records; beyond that the file is damaged */
#define FRAME_MIN 60  /* what a sender pads to; captures have frames from before that */

struct file_header {
	uint32_t magic;
	uint16_t major, minor;
	uint32_t zone, accuracy, snap_length, link;
};

struct record_header {
	uint32_t seconds, fraction;
	uint32_t captured, length; /* bytes in the file, and on the wire */
};

/**
 * struct pcap_wire - a capture to replay and one to record
 * @swap:   the file was written in the other byte order
 * @crc:    bytes of CRC at the end of each frame
 * @times:  passes through the file that were asked for, @loops those that are left; UINT64_MAX: no
 *          end
 * @passed: frames replayed in this pass
 * @frame:  the frame that waits for the card, @length long; 0: none
 * @paused_until: see WIRE_DOWN_PAUSE
 * @dirty:  something was recorded after the last flush, @flushed
 * @epoch:  nanoseconds between the program's clock and 1970
 */
struct pcap_wire {
	struct wire wire;
	char *in_path, *out_path;
	FILE *in, *out;
	uint64_t times, loops, passed;
	struct wire_rate rate;
	bool up, swap, dirty;
	uint32_t crc, length;
	uint64_t paused_until, flushed, epoch;
	uint8_t frame[NIC_FRAME_MAX];
};

static int set_path(struct wire *wire, char **path, const char *value)
{
	free(*path);
	*path = strdup(value);
	return *path ? 0 : wire_fail(wire, ENOMEM, "out of memory");
}

static int pcap_option(struct wire *wire, const char *key, const char *value)
{
	struct pcap_wire *pcap = (struct pcap_wire *)wire;

	if (!key)
		return wire_fail(wire, EINVAL,
				 "which file? pcap:in=%s replays it, pcap:out=%s records", value,
				 value);
	if (!strcmp(key, "in"))
		return set_path(wire, &pcap->in_path, value);
	if (!strcmp(key, "out"))
		return set_path(wire, &pcap->out_path, value);
	if (!strcmp(key, "rate"))
		return wire_number(wire, key, value, 0, NS_PER_SECOND, &pcap->rate.per_second);
	if (!strcmp(key, "loop")) {
		int err = wire_number(wire, key, value, 0, UINT64_MAX - 1, &pcap->times);
		if (!pcap->times)
			pcap->times = UINT64_MAX;
		return err;
	}
	return wire_unknown_option(wire, key);
}

/* ---- Replay ---- */

static uint32_t ordered(const struct pcap_wire *pcap, uint32_t value)
{
	return pcap->swap ? bswap_32(value) : value;
}

static int check_header(struct pcap_wire *pcap)
{
	struct wire *wire = &pcap->wire;
	struct file_header header;

	if (fread(&header, sizeof(header), 1, pcap->in) != 1)
		return wire_fail(wire, EINVAL,
				 "%s is no pcap file: it is shorter than the header of one",
				 pcap->in_path);
	if (header.magic == MAGIC_PCAPNG)
		return wire_fail(wire, EINVAL,
				 "%s is a pcapng file; convert it: editcap -F pcap %s new.pcap",
				 pcap->in_path, pcap->in_path);

	uint32_t swapped = bswap_32(header.magic);
	pcap->swap = swapped == MAGIC_MICRO || swapped == MAGIC_NANO;
	if (!pcap->swap && header.magic != MAGIC_MICRO && header.magic != MAGIC_NANO)
		return wire_fail(wire, EINVAL, "%s is no pcap file: it begins with 0x%08x",
				 pcap->in_path, header.magic);

	uint32_t link = ordered(pcap, header.link);
	if ((link & LINK_TYPE_MASK) != LINK_ETHERNET)
		return wire_fail(wire, EINVAL, "%s holds no Ethernet frames, but link type %u",
				 pcap->in_path, link & LINK_TYPE_MASK);
	pcap->crc = 2 * LINK_CRC(link);
	return 0;
}

/* A damaged file ends here; what it held so far has been replayed. */
static bool damaged(struct pcap_wire *pcap, const char *what)
{
	fprintf(stderr, "ixy-emu: port %u: %s is damaged at byte %ld: %s; the replay ends here\n",
		pcap->wire.port, pcap->in_path, ftell(pcap->in), what);
	pcap->loops = 0;
	return false;
}

/* The next frame of this pass that can be replayed. Return: false at the end. */
static bool read_record(struct pcap_wire *pcap)
{
	struct record_header header;
	size_t n;

	while ((n = fread(&header, 1, sizeof(header), pcap->in)) == sizeof(header)) {
		uint32_t captured = ordered(pcap, header.captured);
		uint32_t length = ordered(pcap, header.length);

		if (captured > CAPTURED_MAX)
			return damaged(pcap, "impossible length of a record");
		/* Cut by the capture's snap length, or nothing that a card could receive. */
		if (captured < length || captured < 14 + pcap->crc ||
		    captured - pcap->crc > NIC_FRAME_MAX) {
			if (fseek(pcap->in, captured, SEEK_CUR))
				return damaged(pcap, strerror(errno));
			pcap->wire.account.skipped++;
			continue;
		}

		if (fread(pcap->frame, 1, captured, pcap->in) != captured)
			return damaged(pcap, "the last record is cut");
		pcap->length = captured - pcap->crc;
		if (pcap->length < FRAME_MIN) {
			memset(pcap->frame + pcap->length, 0, FRAME_MIN - pcap->length);
			pcap->length = FRAME_MIN;
		}
		pcap->passed++;
		return true;
	}
	return n ? damaged(pcap, "the last record is cut") : false;
}

/* The next frame, from the beginning again as often as was asked for. */
static bool next_frame(struct pcap_wire *pcap)
{
	while (pcap->loops) {
		if (read_record(pcap))
			return true;
		if (!pcap->passed)
			pcap->loops = 0; /* nothing in it, and nothing the next time */
		if (pcap->loops && pcap->loops != UINT64_MAX)
			pcap->loops--;
		pcap->passed = 0;
		if (fseek(pcap->in, sizeof(struct file_header), SEEK_SET))
			pcap->loops = 0;
	}
	return false;
}

/* A driver has brought the link up: it gets the file from the beginning. */
static void restart(struct pcap_wire *pcap, uint64_t now)
{
	pcap->loops = fseek(pcap->in, sizeof(struct file_header), SEEK_SET) ? 0 : pcap->times;
	pcap->passed = 0;
	pcap->length = 0;
	pcap->paused_until = 0;
	wire_rate_start(&pcap->rate, now);
}

static uint32_t replay(struct pcap_wire *pcap, uint64_t now)
{
	struct wire *wire = &pcap->wire;
	unsigned int flags = NIC_AGAIN | (pcap->rate.per_second ? 0 : NIC_TRY);
	bool up = nic_link_up(wire->nic);

	if (up && !pcap->up)
		restart(pcap, now);
	pcap->up = up;
	if (!up || now < pcap->paused_until)
		return 0;

	uint32_t due = wire_rate_due(&pcap->rate, now), sent = 0;
	for (; sent < due; sent++) {
		if (!pcap->length && !next_frame(pcap))
			break;

		enum nic_verdict verdict = nic_receive(wire->nic, pcap->frame, pcap->length, flags);
		if (verdict == NIC_DOWN)
			pcap->paused_until = now + WIRE_DOWN_PAUSE;
		if (verdict == NIC_BUSY || verdict == NIC_DOWN)
			break; /* the same frame again next time */
		pcap->length = 0;
	}
	wire->account.sent += sent;
	wire_rate_spend(&pcap->rate, sent);
	return sent;
}

static int open_in(struct pcap_wire *pcap)
{
	struct wire *wire = &pcap->wire;
	struct stat st;

	pcap->in = fopen(pcap->in_path, "rbe");
	if (!pcap->in)
		return wire_fail(wire, errno, "cannot open %s: %s", pcap->in_path, strerror(errno));
	if (fstat(fileno(pcap->in), &st) || !S_ISREG(st.st_mode))
		return wire_fail(wire, EINVAL, "%s is no regular file", pcap->in_path);
	return check_header(pcap);
}

/* ---- Record ---- */

static void stop_recording(struct pcap_wire *pcap)
{
	fprintf(stderr, "ixy-emu: port %u: cannot write %s: %s; recording ends here\n",
		pcap->wire.port, pcap->out_path, strerror(errno));
	fclose(pcap->out);
	pcap->out = NULL;
}

static void flush(struct pcap_wire *pcap, uint64_t now)
{
	pcap->dirty = false;
	pcap->flushed = now;
	if (fflush(pcap->out))
		stop_recording(pcap);
}

static void pcap_transmit(struct wire *wire, const uint8_t *frame, size_t length)
{
	struct pcap_wire *pcap = (struct pcap_wire *)wire;
	uint64_t time = wire->all->now + pcap->epoch;
	struct record_header header = {
		.seconds = time / NS_PER_SECOND,
		.fraction = time % NS_PER_SECOND,
		.captured = length,
		.length = length,
	};

	if (!pcap->out || length > NIC_FRAME_MAX) {
		wire->account.dropped += !!pcap->out_path;
		return;
	}
	pcap->dirty = true;
	if (fwrite(&header, sizeof(header), 1, pcap->out) != 1 ||
	    fwrite(frame, length, 1, pcap->out) != 1) {
		wire->account.dropped++;
		stop_recording(pcap);
	}
}

static int open_out(struct pcap_wire *pcap)
{
	struct wire *wire = &pcap->wire;
	struct file_header header = {
		.magic = MAGIC_NANO,
		.major = 2,
		.minor = 4,
		.snap_length = CAPTURED_MAX,
		.link = LINK_ETHERNET,
	};
	struct stat in, out;
	struct timespec real, clock;

	if (pcap->in && !stat(pcap->out_path, &out) && !fstat(fileno(pcap->in), &in) &&
	    in.st_ino == out.st_ino && in.st_dev == out.st_dev)
		return wire_fail(wire, EINVAL, "in and out are the same file");
	pcap->out = fopen(pcap->out_path, "wbe");
	if (!pcap->out)
		return wire_fail(wire, errno, "cannot create %s: %s", pcap->out_path,
				 strerror(errno));
	setvbuf(pcap->out, NULL, _IOFBF, 1 << 20);
	if (fwrite(&header, sizeof(header), 1, pcap->out) != 1 || fflush(pcap->out))
		return wire_fail(wire, errno, "cannot write %s: %s", pcap->out_path,
				 strerror(errno));

	clock_gettime(CLOCK_REALTIME, &real);
	clock_gettime(CLOCK_MONOTONIC, &clock);
	pcap->epoch = (real.tv_sec - clock.tv_sec) * NS_PER_SECOND + real.tv_nsec - clock.tv_nsec;
	return 0;
}

/* ---- The wire ---- */

static int pcap_start(struct wire *wire)
{
	struct pcap_wire *pcap = (struct pcap_wire *)wire;
	int err = 0;

	if (!pcap->in_path && !pcap->out_path)
		return wire_fail(wire, EINVAL,
				 "which file? pcap:in=FILE replays, pcap:out=FILE records");
	if (!pcap->times)
		pcap->times = 1;
	if (pcap->in_path)
		err = open_in(pcap);
	if (!err && pcap->out_path)
		err = open_out(pcap);
	return err;
}

static uint32_t pcap_poll(struct wire *wire, uint64_t now)
{
	struct pcap_wire *pcap = (struct pcap_wire *)wire;

	/* For those who look at the file while it grows. */
	if (pcap->dirty && pcap->out && now - pcap->flushed > NS_PER_SECOND)
		flush(pcap, now);
	return pcap->in ? replay(pcap, now) : 0;
}

static uint64_t pcap_wake(const struct wire *wire)
{
	const struct pcap_wire *pcap = (const struct pcap_wire *)wire;
	uint64_t wake = pcap->dirty ? pcap->flushed + NS_PER_SECOND + 1 : UINT64_MAX;

	if (pcap->in && pcap->up && pcap->loops && wire_rate_wake(&pcap->rate) < wake)
		wake = wire_rate_wake(&pcap->rate);
	return wake;
}

static void pcap_stop(struct wire *wire)
{
	struct pcap_wire *pcap = (struct pcap_wire *)wire;

	if (pcap->in)
		fclose(pcap->in);
	if (pcap->out && fclose(pcap->out))
		fprintf(stderr, "ixy-emu: port %u: cannot write %s: %s; the end is missing\n",
			wire->port, pcap->out_path, strerror(errno));
	pcap->in = pcap->out = NULL;
	free(pcap->in_path);
	free(pcap->out_path);
	pcap->in_path = pcap->out_path = NULL;
}

const struct wire_ops wire_pcap_ops = {
	.kind = "pcap",
	.options = "in=, out=, rate=, loop=",
	.help = "replays a capture file into the card, records what the card sends",
	.size = sizeof(struct pcap_wire),
	.option = pcap_option,
	.start = pcap_start,
	.poll = pcap_poll,
	.transmit = pcap_transmit,
	.wake = pcap_wake,
	.stop = pcap_stop,
};
