/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pcap: replays a capture file into the card, as fast as the card takes it or at a given rate, and
 * records what the card sends.
 */
#include "wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "capture.h"

#define FRAME_MIN 60 /* what a sender pads to; captures have frames from before that */

/**
 * struct pcap_wire - a capture to replay and one to record
 * @times:  passes through the file that were asked for, @loops those that are left; UINT64_MAX: no
 *          end
 * @passed: frames replayed in this pass
 * @frame:  the frame that waits for the card, @length long; 0: none
 * @paused_until: see WIRE_DOWN_PAUSE
 * @flushed: when what was recorded was last written
 * @epoch:  nanoseconds between the program's clock and 1970
 */
struct pcap_wire {
	struct wire wire;
	char *in_path, *out_path;
	struct capture_reader in;
	struct capture_writer out;
	uint64_t times, loops, passed;
	struct wire_rate rate;
	bool up, recording, told;
	uint32_t length;
	uint64_t paused_until, flushed, epoch;
	uint8_t *frame;
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
	if (!strcmp(key, "out") && !strcmp(value, "-"))
		return wire_fail(wire, EINVAL,
				 "standard output is the COMMAND's; record into a file or a FIFO");
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

/* Once, after the first pass or in the end: the next passes skip the same. */
static void tell_skipped(struct pcap_wire *pcap)
{
	const char *skipped = pcap->told ? NULL : capture_skipped(&pcap->in);

	pcap->told = true;
	if (skipped)
		wire_say(&pcap->wire, "%s", skipped);
}

/* The next frame of this pass that can be replayed. Return: false at the end. */
static bool read_pcap_frame(struct pcap_wire *pcap)
{
	struct capture_reader *in = &pcap->in;
	int length = capture_next(in, &pcap->frame);

	pcap->wire.account.skipped = in->cut + in->too_long + in->too_short;
	if (length < 0) {
		pcap->loops = 0;
		wire_broken(&pcap->wire, "%s; the replay ends here", in->message);
	}
	if (length <= 0) {
		tell_skipped(pcap);
		return false;
	}
	pcap->length = length;
	if (pcap->length < FRAME_MIN) {
		memset(pcap->frame + pcap->length, 0, FRAME_MIN - pcap->length);
		pcap->length = FRAME_MIN;
	}
	pcap->passed++;
	return true;
}

/* The next frame, from the beginning again as often as was asked for. */
static bool next_frame(struct pcap_wire *pcap)
{
	while (pcap->loops) {
		if (read_pcap_frame(pcap))
			return true;
		if (!pcap->passed)
			pcap->loops = 0; /* nothing in it, and nothing the next time */
		if (pcap->loops && pcap->loops != UINT64_MAX)
			pcap->loops--;
		pcap->passed = 0;
		if (capture_rewind(&pcap->in))
			pcap->loops = 0;
	}
	return false;
}

/* The link has come up: the driver gets the file from the beginning. */
static void restart(struct pcap_wire *pcap, uint64_t now)
{
	pcap->loops = capture_rewind(&pcap->in) ? 0 : pcap->times;
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
	/* The link may be up without a driver: nothing of the file is read before there is one. */
	if (!up || !nic_receiving(wire->nic) || now < pcap->paused_until)
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

/* ---- Record ---- */

static void stop_recording(struct pcap_wire *pcap)
{
	pcap->recording = false;
	pcap->wire.account.dropped += pcap->out.pending;
	wire_broken(&pcap->wire, "%s; recording ends here", pcap->out.message);
	capture_finish(&pcap->out);
}

static void flush(struct pcap_wire *pcap, uint64_t now)
{
	pcap->flushed = now;
	if (capture_flush(&pcap->out))
		stop_recording(pcap);
}

static void pcap_transmit(struct wire *wire, const uint8_t *frame, size_t length)
{
	struct pcap_wire *pcap = (struct pcap_wire *)wire;

	if (!pcap->recording)
		wire->account.dropped += !!pcap->out_path;
	else if (capture_write(&pcap->out, wire->all->now + pcap->epoch, frame, length, length))
		stop_recording(pcap);
}

static int open_in(struct pcap_wire *pcap)
{
	pcap->in.longest = NIC_FRAME_MAX;
	int err = capture_open(&pcap->in, pcap->in_path);
	return err ? wire_fail(&pcap->wire, -err, "%s", pcap->in.message) : 0;
}

static int open_out(struct pcap_wire *pcap)
{
	struct stat in, out;
	struct timespec real, clock;

	if (pcap->in_path && !stat(pcap->in_path, &in) && !stat(pcap->out_path, &out) &&
	    in.st_ino == out.st_ino && in.st_dev == out.st_dev)
		return wire_fail(&pcap->wire, EINVAL, "in and out are the same file");
	int err = capture_create(&pcap->out, pcap->out_path, CAPTURE_FRAME_MAX);
	if (err)
		return wire_fail(&pcap->wire, -err, "%s", pcap->out.message);
	pcap->recording = true;

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

	/* For readers of the file while it grows. */
	if (pcap->out.pending && pcap->recording && now - pcap->flushed > NS_PER_SECOND)
		flush(pcap, now);
	return pcap->in_path ? replay(pcap, now) : 0;
}

static uint64_t pcap_wake(const struct wire *wire)
{
	const struct pcap_wire *pcap = (const struct pcap_wire *)wire;
	bool unwritten = pcap->recording && pcap->out.pending;
	uint64_t wake = unwritten ? pcap->flushed + NS_PER_SECOND + 1 : UINT64_MAX;

	if (pcap->in_path && pcap->up && pcap->loops && wire_rate_wake(&pcap->rate) < wake)
		wake = wire_rate_wake(&pcap->rate);
	return wake;
}

/* The end: whether all could be written belongs into the account. */
static void pcap_account(struct wire *wire)
{
	struct pcap_wire *pcap = (struct pcap_wire *)wire;

	if (pcap->in_path)
		tell_skipped(pcap);
	if (pcap->recording && capture_finish(&pcap->out))
		stop_recording(pcap);
	pcap->recording = false;
}

static void pcap_stop(struct wire *wire)
{
	struct pcap_wire *pcap = (struct pcap_wire *)wire;

	capture_close(&pcap->in);
	capture_finish(&pcap->out);
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
	.account = pcap_account,
	.stop = pcap_stop,
};
