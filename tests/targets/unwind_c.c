/*
 * Calls in all the ways that C has, each recorded by unwind_shadow.h, for tests/tools/stops.
 *
 *   unwind_c [SCENE]     without: all scenes in turn, for ever
 */
#include <alloca.h>
#include <immintrin.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <sched.h>
#include <sys/wait.h>
#include <ucontext.h>
#endif

#include "unwind_lib.h"
#include "unwind_shadow_record.h"

enum { DEPTH_DEEP = 118, DEPTH_CUT = 135, ALT_STACK_BYTES = 65536 };

static volatile long sink;
static volatile int always = 1;
static long numbers[512];
static char text[8192], text_copy[8192];

OPAQUE static long sh_leaf_(long value)
{
	SHADOW("sh_leaf_");
	for (long i = 0; i < 20; i++)
		value = value * 31 + i;
	return value;
}

/* --- depth ------------------------------------------------------------------------------------ */

OPAQUE static long sh_deep_(int depth)
{
	long value;

	SHADOW("sh_deep_");
	value = depth ? sh_deep_(depth - 1) + 1 : sh_leaf_(depth);
	USED(value);
	return value;
}

OPAQUE static long sh_scene_depth_(void)
{
	SHADOW("sh_scene_depth_");
	return sh_deep_(DEPTH_DEEP) + sh_deep_(20);
}

OPAQUE static long sh_scene_cut_(void)
{
	SHADOW("sh_scene_cut_");
	return sh_deep_(DEPTH_CUT);
}

/* --- what frames hold ------------------------------------------------------------------------- */

OPAQUE static long sh_variadic_(int count, ...)
{
	long sum = 0;
	va_list list;

	SHADOW("sh_variadic_");
	va_start(list, count);
	for (int i = 0; i < count; i++)
		sum += i % 3 ? (long)va_arg(list, double) : va_arg(list, long);
	va_end(list);
	return sh_leaf_(sum);
}

OPAQUE static long sh_alloca_(size_t size)
{
	char *room;

	SHADOW("sh_alloca_");
	room = alloca(size);
	memset(room, (int)size, size);
	return sh_leaf_(room[size / 2]);
}

OPAQUE static long sh_vla_(size_t count)
{
	long sum = 0;

	SHADOW("sh_vla_");
	for (size_t i = 1; i < count; i++) {
		long room[i * 3];

		room[i] = (long)i;
		USED(room);
		sum += sh_leaf_(room[i]);
	}
	return sum;
}

struct big {
	long values[100];
};

OPAQUE static struct big sh_big_(struct big big, long add)
{
	SHADOW("sh_big_");
	for (int i = 0; i < 100; i++)
		big.values[i] += add;
	big.values[0] = sh_leaf_(big.values[1]);
	return big;
}

OPAQUE static long sh_scene_frames_(void)
{
	struct big big = {{0}};

	SHADOW("sh_scene_frames_");
	big = sh_big_(big, 3);
	return sh_variadic_(7, 1L, 2.0, 3.0, 4L, 5.0, 6.0, 7L) + sh_alloca_(100) +
	       sh_alloca_(9000) + sh_vla_(9) + big.values[0];
}

/* --- realigned stacks ------------------------------------------------------------------------- */

__attribute__((target("avx2"))) OPAQUE static long sh_realigned_(long value)
{
	__m256i wide[8];
	long out[4] __attribute__((aligned(32)));

	SHADOW("sh_realigned_");
	for (int i = 0; i < 8; i++) {
		wide[i] = _mm256_set1_epi64x(value + i);
		USED(&wide[i]);
	}
	value = sh_leaf_(value);
	for (int i = 1; i < 8; i++)
		wide[0] = _mm256_add_epi64(wide[0], wide[i]);
	_mm256_store_si256((__m256i *)out, wide[0]);
	USED(out);
	return value + out[1];
}

/* Aligned locals, arguments on the stack and a size known at run time only: rsp, rbp and one more. */
__attribute__((target("avx2"))) OPAQUE static long sh_realigned_alloca_(long a, long b, long c,
									  long d, long e, long f,
									  long g, long h)
{
	__m256i wide;
	char *room;

	SHADOW("sh_realigned_alloca_");
	wide = _mm256_set_epi64x(a, b, c, d);
	room = alloca((size_t)(g & 255) + 16);
	USED(&wide);
	USED(room);
	return sh_leaf_(e + f + g + h) + room[0] + _mm256_extract_epi64(wide, 1);
}

OPAQUE static long sh_scene_realigned_(void)
{
	long aligned[8] __attribute__((aligned(128)));

	SHADOW("sh_scene_realigned_");
	for (int i = 0; i < 8; i++)
		aligned[i] = i;
	USED(aligned);
	return sh_realigned_(aligned[3]) + sh_realigned_alloca_(1, 2, 3, 4, 5, 6, aligned[7], 8);
}

/* --- jumps ------------------------------------------------------------------------------------ */

OPAQUE static long sh_tail_c_(long value)
{
	SHADOW("sh_tail_c_");
	return sh_leaf_(value) + 1;
}

OPAQUE static long sh_tail_b_(long value)
{
	{
		SHADOW("sh_tail_b_");
		value = sh_leaf_(value);
	}
	return sh_tail_c_(value);
}

OPAQUE static long sh_tail_a_(long value)
{
	{
		SHADOW("sh_tail_a_");
		value = sh_leaf_(value);
	}
	return sh_tail_b_(value);
}

static jmp_buf back;

OPAQUE static void sh_jump_(int depth)
{
	SHADOW("sh_jump_");
	if (depth)
		sh_jump_(depth - 1);
	else
		sink += sh_leaf_(depth);
	shadow_blind(1);
	if (always)
		longjmp(back, 1);
}

OPAQUE static long sh_land_(int depth)
{
	struct shadow_entry *volatile innermost;

	SHADOW("sh_land_");
	innermost = shadow_here->innermost;
	if (setjmp(back) == 0)
		sh_jump_(depth);
	shadow_here->innermost = innermost;
	shadow_blind(-1);
	return sh_leaf_(depth);
}

OPAQUE static long sh_switch_(int which, long value)
{
	SHADOW("sh_switch_");
	switch (which) {
	case 0:
		return sh_leaf_(value);
	case 1:
		return sh_tail_c_(value) + value;
	case 2: {
		char room[512];

		memset(room, which, sizeof(room));
		USED(room);
		return sh_leaf_(room[100]) * value;
	}
	case 3:
		return 7;
	default:
		return sh_leaf_(which) + sh_leaf_(value);
	}
}

OPAQUE static long sh_scene_jumps_(void)
{
	long sum = 0;

	SHADOW("sh_scene_jumps_");
	for (int i = 0; i < 6; i++)
		sum += sh_switch_(i, sum);
	return sum + sh_tail_a_(sum) + sh_land_(5);
}

/* --- the C library and other files -------------------------------------------------------------- */

OPAQUE static int sh_compare_(const void *a, const void *b)
{
	const long *left = a, *right = b;

	SHADOW("sh_compare_");
	return *left < *right ? -1 : *left > *right;
}

OPAQUE static long sh_callback_(long value)
{
	SHADOW("sh_callback_");
	return sh_leaf_(value);
}

OPAQUE static long sh_scene_library_(void)
{
	struct timespec now;
	char line[200];

	SHADOW("sh_scene_library_");
	for (int i = 0; i < 64; i++)
		numbers[i] = (i * 7919L) % 127;
	qsort(numbers, 64, sizeof(*numbers), sh_compare_);
	for (int i = 0; i < 10; i++) {
		memcpy(text_copy, text, sizeof(text) - (size_t)i);
		sink += (long)strlen(text) + (strchr(text, 'z') != NULL) +
			memcmp(text, text_copy, sizeof(text) / 2) + (strstr(text, "ab") != NULL);
		memset(text_copy, i, 3000);
		clock_gettime(CLOCK_MONOTONIC, &now);
		sink += now.tv_nsec;
	}
	(void)snprintf(line, sizeof(line), "%s %5.3f %ld %c", "text", (double)sink, sink, 'x');
	free(malloc((size_t)(numbers[3] + 100)));
	return strtol("123456", NULL, 10) + line[3];
}

OPAQUE static long sh_scene_plt_(void)
{
	long sum = 0;

	SHADOW("sh_scene_plt_");
	for (long i = 0; i < 200; i++)
		sum += lib_leaf(i) + lib_sum(numbers, i & 3) + labs(sum);
	return sum + lib_call_back(sh_callback_, sum);
}

/* --- signals ---------------------------------------------------------------------------------- */

static void sh_handler_usr2_(int number)
{
	SHADOW("sh_handler_usr2_");
	sink += sh_leaf_(number);
}

static void sh_handler_usr1_(int number)
{
	SHADOW("sh_handler_usr1_");
	sink += sh_leaf_(number);
	(void)raise(SIGUSR2);
	sink += sh_leaf_(number);
}

static void sh_handler_timer_(int number, siginfo_t *info, void *context)
{
	SHADOW("sh_handler_timer_");
	USED(info);
	USED(context);
	for (int i = 0; i < 300; i++)
		sink += sh_leaf_(number);
}

static void sh_handler_alt_(int number)
{
	SHADOW("sh_handler_alt_");
	sink += sh_leaf_(number);
}

static void handle(int number, void (*handler)(int), int flags)
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = flags};

	if (sigaction(number, &action, NULL))
		abort();
}

OPAQUE static long sh_scene_signals_(void)
{
	const struct itimerval often = {{0, 400}, {0, 400}}, never = {{0, 0}, {0, 0}};
	struct sigaction action = {.sa_flags = SA_SIGINFO | SA_RESTART};
	const struct timespec pause_time = {0, 300000};

	SHADOW("sh_scene_signals_");
	action.sa_sigaction = sh_handler_timer_;
	handle(SIGUSR1, sh_handler_usr1_, SA_NODEFER);
	handle(SIGUSR2, sh_handler_usr2_, 0);
	if (sigaction(SIGALRM, &action, NULL))
		abort();
	setitimer(ITIMER_REAL, &often, NULL);
	for (int i = 0; i < 400; i++)
		sink += sh_tail_a_(i) + sh_deep_(3) + lib_leaf(i);
	(void)raise(SIGUSR1);
	(void)nanosleep(&pause_time, NULL);
	for (int i = 0; i < 20; i++)
		memcpy(text_copy, text, sizeof(text));
	setitimer(ITIMER_REAL, &never, NULL);
	return sink;
}

/* The handler's stack is apart from the one it interrupts, which no copy from rsp upwards holds. */
OPAQUE static long sh_scene_altstack_(void)
{
	static char room[ALT_STACK_BYTES];
	const stack_t alternate = {.ss_sp = room, .ss_size = sizeof(room)};

	SHADOW("sh_scene_altstack_");
	if (sigaltstack(&alternate, NULL))
		abort();
	handle(SIGUSR1, sh_handler_alt_, SA_ONSTACK);
	for (int i = 0; i < 20; i++)
		(void)raise(SIGUSR1);
	return sink;
}

/* --- threads and coroutines ---------------------------------------------------------------------- */

OPAQUE static void *sh_thread_(void *argument)
{
	shadow_begin();
	{
		SHADOW("sh_thread_");
		for (int i = 0; i < 300; i++)
			sink += sh_deep_(5) + sh_tail_a_(i);
		USED(argument);
	}
	shadow_end();
	return NULL;
}

/* The handler's stack is right below the thread's, which is small: a copy holds both. */
OPAQUE static void *sh_thread_below_(void *room)
{
	const stack_t alternate = {.ss_sp = room, .ss_size = ALT_STACK_BYTES / 4};

	shadow_begin();
	{
		SHADOW("sh_thread_below_");
		if (sigaltstack(&alternate, NULL))
			abort();
		for (int i = 0; i < 10; i++)
			(void)raise(SIGUSR2);
	}
	shadow_end();
	return NULL;
}

OPAQUE static long sh_scene_below_(void)
{
	static char room[ALT_STACK_BYTES / 4 * 3] __attribute__((aligned(4096)));
	pthread_attr_t attributes;
	pthread_t thread;

	SHADOW("sh_scene_below_");
	handle(SIGUSR2, sh_handler_alt_, SA_ONSTACK);
	if (pthread_attr_init(&attributes) ||
	    pthread_attr_setstack(&attributes, room + ALT_STACK_BYTES / 4, ALT_STACK_BYTES / 2) ||
	    pthread_create(&thread, &attributes, sh_thread_below_, room))
		abort();
	pthread_join(thread, NULL);
	pthread_attr_destroy(&attributes);
	return sink;
}

OPAQUE static long sh_scene_threads_(void)
{
	pthread_t threads[3];

	SHADOW("sh_scene_threads_");
	for (int i = 0; i < 3; i++)
		if (pthread_create(&threads[i], NULL, sh_thread_, NULL))
			abort();
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	return sink;
}

#ifdef __GLIBC__
static ucontext_t outside, inside;

static void exchange(struct shadow_entry *innermost, ucontext_t *from, const ucontext_t *to)
{
	shadow_blind(1);
	shadow_here->innermost = innermost;
	if (swapcontext(from, to))
		abort();
}

OPAQUE static void sh_coroutine_(void)
{
	shadow_blind(-1);
	{
		SHADOW("sh_coroutine_");
		for (int i = 0; i < 200; i++)
			sink += sh_deep_(4);
	}
	exchange(NULL, &inside, &outside);
}

OPAQUE static long sh_scene_coroutine_(void)
{
	static char room[ALT_STACK_BYTES];
	struct shadow_entry *innermost;

	SHADOW("sh_scene_coroutine_");
	innermost = shadow_here->innermost;
	if (getcontext(&inside))
		abort();
	inside.uc_stack = (stack_t){.ss_sp = room, .ss_size = sizeof(room)};
	inside.uc_link = NULL;
	makecontext(&inside, sh_coroutine_, 0);
	exchange(NULL, &outside, &inside);
	shadow_here->innermost = innermost;
	shadow_blind(-1);
	return sink;
}

OPAQUE static int sh_clone_(void *argument)
{
	for (int i = 0; i < 400; i++)
		USED(argument);
	return 0;
}

/* A thread that no library made: its first frame's caller is clone(). */
OPAQUE static long sh_scene_clone_(void)
{
	static char room[ALT_STACK_BYTES];
	int pid;

	SHADOW("sh_scene_clone_");
	pid = clone(sh_clone_, room + sizeof(room), CLONE_VM | SIGCHLD, NULL);
	if (pid < 0 || waitpid(pid, NULL, 0) != pid)
		abort();
	return sink;
}
#endif

/* --- the run ---------------------------------------------------------------------------------- */

static const struct scene {
	const char *name;
	long (*play)(void);
	int in_all;
} scenes[] = {
    {"depth", sh_scene_depth_, 1},
    {"frames", sh_scene_frames_, 1},
    {"realigned", sh_scene_realigned_, 1},
    {"jumps", sh_scene_jumps_, 1},
    {"library", sh_scene_library_, 1},
    {"plt", sh_scene_plt_, 1},
    {"signals", sh_scene_signals_, 1},
    {"below", sh_scene_below_, 1},
    {"threads", sh_scene_threads_, 1},
#ifdef __GLIBC__
    {"coroutine", sh_scene_coroutine_, 1},
    {"clone", sh_scene_clone_, 0},
#endif
    {"cut", sh_scene_cut_, 0},
    {"altstack", sh_scene_altstack_, 0},
};

OPAQUE static void sh_play_(const char *wanted)
{
	SHADOW("sh_play_");
	for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++)
		if (wanted ? strcmp(scenes[i].name, wanted) == 0 : scenes[i].in_all)
			sink += scenes[i].play();
}

int main(int argc, char **argv)
{
	__m128i wide[4] __attribute__((aligned(64)));

	memset(text, 'a', sizeof(text) - 1);
	shadow_begin();
	wide[0] = _mm_set1_epi32(argc);
	USED(wide);
	for (;;)
		sh_play_(argc > 1 ? argv[1] : NULL);
}
