/* The decoder of perf_ring for all but samples, and each kind cut short at every byte. */
#include "config.h"

#include "collect/perf_ring.h"

#include <criterion/criterion.h>
#include <errno.h>

#include "record_build.h"

enum { TRAILER_PID = 71, TRAILER_TID = 72, TRAILER_TIME = 73 };

static void put_trailer(struct build *build)
{
	put_u32(build, TRAILER_PID);
	put_u32(build, TRAILER_TID);
	put_u64(build, TRAILER_TIME);
}

static void expect_trailer_time(const struct perf_record *record, enum perf_record_kind kind)
{
	cr_expect_eq(record->kind, kind);
	cr_expect_eq(record->time_ns, TRAILER_TIME);
}

Test(perf_record, lost)
{
	struct build build;
	struct perf_record record;

	begin(&build, PERF_RECORD_LOST, 0);
	put_u64(&build, 5);
	put_u64(&build, 77);
	put_trailer(&build);
	parse(&build, &record);
	expect_trailer_time(&record, PERF_KIND_LOST);
	cr_expect_eq(record.lost, 77);
	cr_expect_eq(record.pid, TRAILER_PID);
	cr_expect_eq(record.tid, TRAILER_TID);
	expect_every_cut_refused(&build);
	begin(&build, PERF_RECORD_LOST_SAMPLES, 0);
	put_u64(&build, 78);
	put_trailer(&build);
	parse(&build, &record);
	expect_trailer_time(&record, PERF_KIND_LOST_SAMPLES);
	cr_expect_eq(record.lost, 78);
	expect_every_cut_refused(&build);
}

Test(perf_record, throttle)
{
	static const struct {
		uint32_t type;
		enum perf_record_kind kind;
	} rows[] = {{PERF_RECORD_THROTTLE, PERF_KIND_THROTTLE},
		    {PERF_RECORD_UNTHROTTLE, PERF_KIND_UNTHROTTLE}};

	for (size_t i = 0; i < 2; i++) {
		struct build build;
		struct perf_record record;

		begin(&build, rows[i].type, 0);
		put_u64(&build, 1000);
		put_u64(&build, 5);
		put_u64(&build, 6);
		put_trailer(&build);
		parse(&build, &record);
		cr_expect_eq(record.kind, rows[i].kind);
		cr_expect_eq(record.time_ns, 1000);
		cr_expect_eq(record.tid, TRAILER_TID);
		expect_every_cut_refused(&build);
	}
}

static void build_mmap2_head(struct build *build, uint16_t misc)
{
	begin(build, PERF_RECORD_MMAP2, (uint16_t)(misc | PERF_RECORD_MISC_USER));
	put_u32(build, 20);
	put_u32(build, 21);
	put_u64(build, 0x7f0000000000);
	put_u64(build, 0x2000);
	put_u64(build, 0x1000);
}

static void build_mmap2_rest(struct build *build)
{
	put_u32(build, 5);
	put_u32(build, 2);
	put(build, "/lib/a b.so\0\0\0\0\0", 16);
	put_trailer(build);
}

Test(perf_record, mmap2)
{
	struct build build;
	struct perf_record record;

	build_mmap2_head(&build, 0);
	put_u32(&build, 8);
	put_u32(&build, 1);
	put_u64(&build, 4711);
	put_u64(&build, 99);
	build_mmap2_rest(&build);
	parse(&build, &record);
	expect_trailer_time(&record, PERF_KIND_MMAP2);
	cr_expect_eq(record.cpumode, PERF_RECORD_MISC_USER);
	cr_expect_eq(record.pid, 20);
	cr_expect_eq(record.tid, 21);
	cr_expect_eq(record.mmap.addr, 0x7f0000000000);
	cr_expect_eq(record.mmap.length, 0x2000);
	cr_expect_eq(record.mmap.pgoff, 0x1000);
	cr_expect_eq(record.mmap.dev_major, 8);
	cr_expect_eq(record.mmap.dev_minor, 1);
	cr_expect_eq(record.mmap.inode, 4711);
	cr_expect_eq(record.mmap.prot, 5);
	cr_expect_null(record.mmap.build_id);
	cr_expect_eq(record.mmap.build_id_bytes, 0);
	cr_expect_str_eq(record.mmap.filename, "/lib/a b.so");
}

Test(perf_record, mmap2_with_build_id)
{
	struct build build;
	struct perf_record record;

	for (uint8_t length = 0; length <= 21; length++) {
		build_mmap2_head(&build, PERF_RECORD_MISC_MMAP_BUILD_ID);
		put(&build, (const uint8_t[]){length, 0, 0, 0}, 4);
		for (uint8_t i = 0; i < 20; i++)
			put(&build, &i, 1);
		build_mmap2_rest(&build);
		if (length == 21) {
			cr_expect_eq(parse_cut(&build, build.length, &record), -EBADMSG);
			break;
		}
		parse(&build, &record);
		cr_expect_eq(record.mmap.build_id_bytes, length);
		cr_expect_eq(record.mmap.build_id[19], 19);
		cr_expect_eq(record.mmap.dev_major, 0);
		cr_expect_eq(record.mmap.dev_minor, 0);
		cr_expect_eq(record.mmap.inode, 0);
		cr_expect_str_eq(record.mmap.filename, "/lib/a b.so");
	}
}

/* The NUL of a name makes shorter records whole, so what counts is that none is read past its end.
 */
static void expect_cuts_bounded(struct build *build, size_t fixed)
{
	size_t whole = build->length;

	for (size_t length = sizeof(struct perf_event_header); length < whole; length++) {
		struct perf_record record;
		int r = parse_cut(build, length, &record);

		if (length <= sizeof(struct perf_event_header) + fixed + 16)
			cr_expect_eq(r, -EBADMSG, "length %zu", length);
		else
			cr_expect(r == 0 || r == -EBADMSG, "length %zu: %d", length, r);
	}
}

Test(perf_record, text_cut_short)
{
	struct build build;
	struct perf_record record;

	build_mmap2_head(&build, 0);
	put(&build, (const uint8_t[24]){0}, 24);
	build_mmap2_rest(&build);
	expect_cuts_bounded(&build, 64);
	begin(&build, PERF_RECORD_COMM, 0);
	put_u32(&build, 1);
	put_u32(&build, 1);
	put(&build, "name\0\0\0\0", 8);
	put_trailer(&build);
	expect_cuts_bounded(&build, 8);
	begin(&build, PERF_RECORD_COMM, 0);
	put_u32(&build, 1);
	put_u32(&build, 1);
	put(&build, "noend___", 8);
	put_trailer(&build);
	cr_expect_eq(parse_cut(&build, build.length, &record), -EBADMSG);
}

Test(perf_record, comm)
{
	struct build build;
	struct perf_record record;

	for (int exec = 0; exec <= 1; exec++) {
		begin(&build, PERF_RECORD_COMM, exec ? PERF_RECORD_MISC_COMM_EXEC : 0);
		put_u32(&build, 30);
		put_u32(&build, 31);
		put(&build, "name\0\0\0\0", 8);
		put_trailer(&build);
		parse(&build, &record);
		expect_trailer_time(&record, PERF_KIND_COMM);
		cr_expect_eq(record.pid, 30);
		cr_expect_eq(record.tid, 31);
		cr_expect_str_eq(record.comm.comm, "name");
		cr_expect_eq(record.comm.exec, exec == 1);
	}
}

Test(perf_record, fork_and_exit)
{
	static const struct {
		uint32_t type;
		enum perf_record_kind kind;
	} rows[] = {{PERF_RECORD_FORK, PERF_KIND_FORK}, {PERF_RECORD_EXIT, PERF_KIND_EXIT}};

	for (size_t i = 0; i < 2; i++) {
		struct build build;
		struct perf_record record;

		begin(&build, rows[i].type, 0);
		put_u32(&build, 40);
		put_u32(&build, 41);
		put_u32(&build, 42);
		put_u32(&build, 43);
		put_u64(&build, 5000);
		put_trailer(&build);
		parse(&build, &record);
		cr_expect_eq(record.kind, rows[i].kind);
		cr_expect_eq(record.pid, 40);
		cr_expect_eq(record.task.ppid, 41);
		cr_expect_eq(record.tid, 42);
		cr_expect_eq(record.task.ptid, 43);
		cr_expect_eq(record.time_ns, 5000);
		expect_every_cut_refused(&build);
	}
}

Test(perf_record, unknown_types_are_no_error)
{
	static const uint32_t types[] = {
	    0, PERF_RECORD_MMAP, PERF_RECORD_READ, PERF_RECORD_SWITCH, PERF_RECORD_MAX, UINT32_MAX};
	struct build build;
	struct perf_record record;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		begin(&build, types[i], 0);
		parse(&build, &record);
		cr_expect_eq(record.kind, PERF_KIND_UNKNOWN);
	}
}

Test(perf_record, size_smaller_than_a_header)
{
	struct perf_event_header header = {.type = PERF_RECORD_LOST, .size = 7};
	struct perf_record record;

	cr_expect_eq(perf_record_parse(&header, PERF_SOURCE_SAMPLE_TYPE, &record), -EBADMSG);
}
