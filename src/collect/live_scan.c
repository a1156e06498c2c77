#include "config.h"

#include "collect/live_scan.h"

#include <errno.h>
#include <stdlib.h>

#include <bpf/bpf.h>

#include "bpf/abi.h"
#include "clock.h"
#include "collect/sampling.h"
#include "err.h"

#define uthash_fatal(message) out_of_memory()
#include <uthash.h>

enum {
	BATCH = 2048,
	BATCH_MAX = 1 << 16, /* a bucket with more objects makes no sense */
	PACE = 50,	     /* one part in so many of the time */
	PASS_NS = 200000000, /* at least, from one pass to the next */
};

struct site_ages {
	uint64_t site_id;
	struct ages ages;
	struct sizes sizes;
	UT_hash_handle hh;
};

struct pass {
	struct site_ages *sites; /* owned */
	uint64_t skipped;
};

struct live_scan {
	int fd;
	live_scan_settle_fn settle;
	void *context;
	struct pass current, done;
	bool started;
	uint64_t epoch;	   /* of the current pass */
	uint64_t position; /* the kernel's, where the pass goes on */
	uint64_t next_ns;  /* not before that */
	uint32_t batch;
	uint64_t *addresses;	     /* owned, `batch` of them */
	struct heap_object *objects; /* as above */
};

static void resize_batch(struct live_scan *scan, uint32_t batch)
{
	scan->batch = batch;
	scan->addresses = xreallocarray(scan->addresses, batch, sizeof(*scan->addresses));
	scan->objects = xreallocarray(scan->objects, batch, sizeof(*scan->objects));
}

struct live_scan *live_scan_new(int map_fd, live_scan_settle_fn settle, void *context)
{
	struct live_scan *scan = xcalloc(1, sizeof(*scan));

	scan->fd = map_fd;
	scan->settle = settle;
	scan->context = context;
	resize_batch(scan, BATCH);
	return scan;
}

static void clear(struct pass *pass)
{
	struct site_ages *site, *next;

	HASH_ITER (hh, pass->sites, site, next) {
		HASH_DEL(pass->sites, site);
		free(site);
	}
	*pass = (struct pass){0};
}

void live_scan_free(struct live_scan *scan)
{
	if (!scan)
		return;
	clear(&scan->current);
	clear(&scan->done);
	free(scan->addresses);
	free(scan->objects);
	free(scan);
}

static void take(struct pass *pass, const struct heap_object *object, uint64_t now)
{
	struct site_ages *site;
	double bytes, objects, unseen;

	HASH_FIND(hh, pass->sites, &object->site_id, sizeof(uint64_t), site);
	if (!site && HASH_COUNT(pass->sites) >= LIVE_SCAN_SITES) {
		pass->skipped++;
		return;
	}
	if (!site) {
		site = xcalloc(1, sizeof(*site));
		site->site_id = object->site_id;
		HASH_ADD(hh, pass->sites, site_id, sizeof(site->site_id), site);
	}
	unseen = 1 + (double)heap_interval_extra(object->interval) / HEAP_EXTRA_ONE;
	bytes = unseen *
		sampling_weight_bytes(object->size, heap_interval_mean(object->interval));
	objects = object->size ? bytes / (double)object->size : unseen;
	ages_add(&site->ages, object->birth_ns, now, bytes, objects);
	sizes_add(&site->sizes, object->size, bytes, objects);
}

static void publish(struct live_scan *scan)
{
	clear(&scan->done);
	scan->done = scan->current;
	scan->current = (struct pass){0};
	scan->started = false;
}

static void begin_anew(struct live_scan *scan)
{
	clear(&scan->current);
	scan->started = false;
}

/* 1: that was the last of the map, 0: there is more, or -errno. */
static int read_batch(struct live_scan *scan, uint64_t now)
{
	uint32_t count = scan->batch;
	int code =
	    bpf_map_lookup_batch(scan->fd, scan->started ? &scan->position : NULL, &scan->position,
				 scan->addresses, scan->objects, &count, NULL);

	/* A bucket of the map that is larger than the batch. */
	if (code == -ENOSPC && scan->batch < BATCH_MAX) {
		resize_batch(scan, scan->batch * 2);
		return 0;
	}
	if (code && code != -ENOENT)
		return code;
	scan->started = true;
	for (uint32_t i = 0; i < count; i++) {
		struct heap_object *object = &scan->objects[i];

		if (object->epoch != scan->epoch)
			continue;
		if (object->site_id & STACK_ID_PROVISIONAL)
			object->site_id = scan->settle(scan->context, scan->addresses[i],
							object->site_id);
		take(&scan->current, object, now);
	}
	return code == -ENOENT;
}

int live_scan_step(struct live_scan *scan, uint64_t epoch, uint64_t budget_ns)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC), start, spent = 0;
	int code = 0;

	if (now < scan->next_ns)
		return 0;
	if (scan->epoch != epoch)
		begin_anew(scan);
	scan->epoch = epoch;
	start = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	while (!code && spent < budget_ns) {
		code = read_batch(scan, now);
		spent = clock_ns(CLOCK_THREAD_CPUTIME_ID) - start;
	}
	scan->next_ns = now + (code && PACE * spent < PASS_NS ? PASS_NS : PACE * spent);
	if (code < 0)
		begin_anew(scan);
	else if (code > 0)
		publish(scan);
	return code;
}

void live_scan_each(const struct live_scan *scan, live_scan_fn each, void *context)
{
	for (const struct site_ages *site = scan->done.sites; site; site = site->hh.next)
		each(context, site->site_id, &site->ages, &site->sizes);
}

uint64_t live_scan_skipped(const struct live_scan *scan)
{
	return scan->done.skipped;
}
