/* perf_map_file: the file that is the process's own, and no other that its name leads to. */
#include "config.h"

#include "target/perf_map_file.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[64], other[64];

static void set_up(void)
{
	(void)snprintf(path, sizeof(path), "/tmp/perf-%d.map", getpid());
	(void)snprintf(other, sizeof(other), "/tmp/perf-%d.other", getpid());
	unlink(path);
}

static void tear_down(void)
{
	unlink(path);
	unlink(other);
}

TestSuite(perf_map_file, .init = set_up, .fini = tear_down, .timeout = 20);

static void make_file(const char *name)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, "1 1 a\n", 6), 6);
	close(fd);
}

Test(perf_map_file, none)
{
	cr_assert_eq(perf_map_file_open(getpid()), -1);
	cr_assert_eq(perf_map_file_open(1 << 30), -1, "no such process");
}

Test(perf_map_file, regular)
{
	char text[8];
	int fd;

	make_file(path);
	fd = perf_map_file_open(getpid());
	cr_assert_geq(fd, 0);
	cr_assert_eq(read(fd, text, sizeof(text)), 6);
	cr_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
}

Test(perf_map_file, fifo_folder_and_device_do_not_block)
{
	cr_assert_eq(mkfifo(path, 0600), 0);
	cr_assert_eq(perf_map_file_open(getpid()), -1);
	unlink(path);
	cr_assert_eq(mkdir(path, 0700), 0);
	cr_assert_eq(perf_map_file_open(getpid()), -1);
	rmdir(path);
	cr_assert_eq(symlink("/dev/zero", path), 0);
	cr_assert_eq(perf_map_file_open(getpid()), -1);
}

Test(perf_map_file, links_stay_in_the_root)
{
	int fd;

	make_file(other);
	cr_assert_eq(symlink(other, path), 0);
	fd = perf_map_file_open(getpid());
	cr_assert_geq(fd, 0);
	close(fd);
	unlink(path);
	cr_assert_eq(symlink("/proc/self/exe", path), 0);
	cr_assert_eq(perf_map_file_open(getpid()), -1, "a magic link may lead anywhere");
}

Test(perf_map_file, of_another_user)
{
	if (geteuid() != 0)
		cr_skip_test("needs root to make one");
	make_file(path);
	cr_assert_eq(chown(path, 65534, 65534), 0);
	cr_assert_eq(perf_map_file_open(getpid()), -1);
}
