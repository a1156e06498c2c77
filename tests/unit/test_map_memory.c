#include "config.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <stdint.h>
#include <unistd.h>

#include "collect/map_memory.h"

Test(map_memory, is_read_by_key)
{
	struct map_memory memory;

	cr_assert_eq(map_memory_parse("pos:\t0\nmap_type:\t1\nmax_entries:\t4\nmemlock:\t4096\n"
				      "map_id:\t17\nfrozen:\t0\n",
				      &memory),
		     0);
	cr_assert_eq(memory.id, 17);
	cr_assert_eq(memory.bytes, 4096);
}

Test(map_memory, what_is_not_said_is_not_zero)
{
	static const char *const texts[] = {
	    "",
	    "pos:\t0\n",
	    "memlock:\t4096\n",
	    "map_id:\t17\n",
	    "memlock:\t\nmap_id:\t17\n",
	    "memlock:\t-1\nmap_id:\t17\n",
	    "memlock:\t4096\nmap_id:\t4294967296\n",
	    "memlock:\t99999999999999999999999\nmap_id:\t17\n",
	    "xmemlock:\t4096\nmap_id:\t17\n",
	};
	struct map_memory memory = {.id = 3};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cr_assert_eq(map_memory_parse(texts[i], &memory), -ENOENT, "%s", texts[i]);
	cr_assert_eq(memory.id, 3, "nothing is written without an answer");
}

Test(map_memory, another_descriptor_says_nothing)
{
	struct map_memory memory;
	int fds[2];

	cr_assert_eq(pipe(fds), 0);
	cr_assert_eq(map_memory_read(fds[0], &memory), -ENOENT);
	close(fds[0]);
	close(fds[1]);
	cr_assert_eq(map_memory_read(fds[0], &memory), -ENOENT, "it is closed");
}
