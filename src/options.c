/*
 * The command line as a value, with getopt_long kept silent: every message is made here, so that
 * all of them are one line that says what to do.
 */
#include "config.h"

#include "options.h"

#include <bsd/stdlib.h>
#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "target/preflight.h"

enum {
	PID_LAST = 4194304, /* PID_MAX_LIMIT of 64-bit kernels */
	FREQUENCY_LAST_HZ = 100000,
	OPTION_HEAP = 256,
	OPTION_GROWTH,
	OPTION_THEME,
	OPTION_JSON,
	OPTION_HEAP_ENTRIES,
	OPTION_HEAP_MMAP,
	OPTION_PROBES,
	OPTION_DOCTOR,
	OPTION_LINK,
	OPTION_RING_BYTES,
	OPTION_MAP_ENTRIES,
	OPTION_CHECK,
	OPTION_FACTS,
	OPTION_OVERHEAD,
	OPTION_TIME_HALVINGS,
	HEAP_ENTRIES_DEFAULT = 1 << 20,
	HEAP_ENTRIES_MOST = 1 << 28,
	RING_BYTES_LEAST = 4096,
	RING_BYTES_MOST = 1 << 30,
};

static const double delay_least_s = 0.1;
static const double delay_most_s = 3600;
static const double overhead_most_pct = 100;
static const double overhead_default_pct = 5;
static const uint64_t heap_interval_most_bytes = UINT64_C(1) << 40;

/* '+': options end at the first operand. ':': a missing value is told apart from an unknown option.
 */
static const char short_options[] = "+:d:F:bn:yhV";

static const struct option long_options[] = {
    {"delay", required_argument, NULL, 'd'},
    {"frequency", required_argument, NULL, 'F'},
    {"heap", required_argument, NULL, OPTION_HEAP},
    {"heap-entries", required_argument, NULL, OPTION_HEAP_ENTRIES},
    {"heap-mmap", no_argument, NULL, OPTION_HEAP_MMAP},
    {"probes", no_argument, NULL, OPTION_PROBES},
    {"doctor", no_argument, NULL, OPTION_DOCTOR},
    {"growth", required_argument, NULL, OPTION_GROWTH},
    {"max-overhead", required_argument, NULL, OPTION_OVERHEAD},
    {"theme", required_argument, NULL, OPTION_THEME},
    {"batch", no_argument, NULL, 'b'},
    {"iterations", required_argument, NULL, 'n'},
    {"json", no_argument, NULL, OPTION_JSON},
    {"yes", no_argument, NULL, 'y'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {"uprobe-link", required_argument, NULL, OPTION_LINK},
    {"ring-bytes", required_argument, NULL, OPTION_RING_BYTES},
    {"map-entries", required_argument, NULL, OPTION_MAP_ENTRIES},
    {"check-unwinding", no_argument, NULL, OPTION_CHECK},
    {"force-facts", required_argument, NULL, OPTION_FACTS},
    {"time-halvings", required_argument, NULL, OPTION_TIME_HALVINGS},
    {NULL, 0, NULL, 0},
};

static const char help[] =
    "Usage: rsprof-top [OPTION]... PID\n"
    "       rsprof-top [OPTION]... -- COMMAND [ARG]...\n"
    "       rsprof-top --probes PID\n"
    "       rsprof-top --doctor [PID]\n"
    "\n"
    "Shows live which functions of a running native process use the CPU and which\n"
    "allocation sites hold memory and grow.\n"
    "\n"
    "  -d, --delay SECS         time between refreshes, 0.1 to 3600 (default 1)\n"
    "  -F, --frequency HZ       CPU samples a second, 1 to 100000 (default 99)\n"
    "      --heap MODE          heap tracking (default auto):\n"
    "                             auto   sample as often as is cheap\n"
    "                             exact  every allocation\n"
    "                             off    none\n"
    "                             BYTES  on average one sample in so many bytes,\n"
    "                                    with suffix K, M or G\n"
    "      --heap-entries N     live objects that can be tracked, with suffix K or M\n"
    "                           (default 1M; each takes about 100 bytes)\n"
    "      --heap-mmap          mmap, mremap and munmap are an allocator, too\n"
    "      --probes             list the probes that heap tracking would set and\n"
    "                           what they would cost, and end\n"
    "      --doctor             say what works here, or on a process, what does not,\n"
    "                           why, and what to do about it, and end\n"
    "      --growth MODE        memory touched for the first time, by page faults:\n"
    "                             auto   where the heap is not tracked (default)\n"
    "                             on     always\n"
    "                             off    never\n"
    "      --max-overhead PCT   what this may cost the target, in per cent of its\n"
    "                           CPU time (default 5, 0: no limit)\n"
    "      --theme THEME        colours for a background that is dark or light\n"
    "                           (default auto: as the terminal says)\n"
    "  -b, --batch              print a table at every refresh, use no terminal\n"
    "  -n, --iterations N       stop after N refreshes\n"
    "      --json               with -b: one JSON object a line at every refresh\n"
    "  -y, --yes                do not ask before looking into a process that keeps\n"
    "                           keys or passwords, such as sshd or init\n"
    "  -h, --help               show this help\n"
    "  -V, --version            show the version\n"
    "\n"
    "Exit status: 0 done, 1 failure, 2 usage, 3 no such process, 4 not permitted,\n"
    "5 the kernel lacks what is needed.\n";

const char *options_help(void)
{
	return help;
}

/* strtonum() as it is would take blanks and a sign. */
static int parse_number(const char *text, long long least, long long most, long long *ret_number)
{
	const char *problem;
	long long number;

	if (text[0] == '\0' || text[strspn(text, "0123456789")] != '\0')
		return -EINVAL;
	number = strtonum(text, least, most, &problem);
	if (problem)
		return -EINVAL;
	*ret_number = number;
	return 0;
}

/* Decimal with a point, in every locale: strtod() would want a comma in some. */
static int parse_decimal(const char *text, double least, double most, double *ret_value)
{
	const char *next = text;
	double value = 0;
	double place = 1;
	size_t digits = 0;

	for (; *next >= '0' && *next <= '9'; next++, digits++)
		value = 10 * value + (*next - '0');
	if (*next == '.') {
		for (next++; *next >= '0' && *next <= '9'; next++, digits++) {
			value = 10 * value + (*next - '0');
			place *= 10;
		}
	}
	value /= place;
	/* The negation also refuses what hundreds of digits overflow to. */
	if (*next != '\0' || digits == 0 || !(value >= least && value <= most))
		return -EINVAL;
	*ret_value = value;
	return 0;
}

int options_parse_delay(const char *text, double *ret_delay_s, struct err *err)
{
	if (parse_decimal(text, delay_least_s, delay_most_s, ret_delay_s))
		return err_set(err, EINVAL, EXIT_USAGE,
			       "'%s' is not a delay: give seconds from 0.1 to 3600, such as 2.5",
			       text);
	return 0;
}

static int parse_overhead(const char *text, double *ret_pct, struct err *err)
{
	if (parse_decimal(text, 0, overhead_most_pct, ret_pct))
		return err_set(err, EINVAL, EXIT_USAGE,
			       "'%s' is not an overhead: give per cent from 0 (no limit) to 100",
			       text);
	return 0;
}

static int parse_frequency(const char *text, unsigned *ret_hz, struct err *err)
{
	long long hz;

	if (parse_number(text, 1, FREQUENCY_LAST_HZ, &hz) < 0)
		return err_set(err, EINVAL, EXIT_USAGE,
			       "'%s' is not a frequency: give samples a second from 1 to %d", text,
			       FREQUENCY_LAST_HZ);
	*ret_hz = (unsigned)hz;
	return 0;
}

static int parse_iterations(const char *text, uint64_t *ret_iterations, struct err *err)
{
	long long iterations;

	if (parse_number(text, 1, INT64_MAX, &iterations) < 0)
		return err_set(err, EINVAL, EXIT_USAGE,
			       "'%s' is not a number of refreshes: give 1 or more", text);
	*ret_iterations = (uint64_t)iterations;
	return 0;
}

/* "524288", "512K", "1M": at most heap_interval_most_bytes. */
static int parse_size(const char *text, uint64_t *ret_bytes)
{
	char digits[24];
	size_t length = strlen(text);
	unsigned shift = 0;
	long long number;

	if (length > 0) {
		char suffix = text[length - 1];

		shift = suffix == 'K' || suffix == 'k'	 ? 10
			: suffix == 'M' || suffix == 'm' ? 20
			: suffix == 'G' || suffix == 'g' ? 30
							 : 0;
	}
	if (shift)
		length--;
	if (length >= sizeof(digits))
		return -EINVAL;
	memcpy(digits, text, length);
	digits[length] = '\0';
	if (parse_number(digits, 0, (long long)(heap_interval_most_bytes >> shift), &number) < 0)
		return -EINVAL;
	*ret_bytes = (uint64_t)number << shift;
	return 0;
}

static int parse_heap(const char *text, struct options *options, struct err *err)
{
	static const struct {
		const char *name;
		enum heap_mode mode;
	} modes[] = {{"auto", HEAP_AUTO}, {"exact", HEAP_EXACT}, {"off", HEAP_OFF}};
	uint64_t bytes;

	/* Also the interval 0 that other modes leave behind when --heap is given twice. */
	options->heap_interval_bytes = 0;
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (strcmp(text, modes[i].name) == 0) {
			options->heap = modes[i].mode;
			return 0;
		}
	}
	if (parse_size(text, &bytes) < 0)
		return err_set(err, EINVAL, EXIT_USAGE,
			       "'%s' is not a heap mode: give auto, exact, off, or bytes up to "
			       "1024G such as 512K",
			       text);
	/* A mean distance of no bytes between samples takes every allocation. */
	options->heap = bytes == 0 ? HEAP_EXACT : HEAP_SAMPLED;
	options->heap_interval_bytes = bytes;
	return 0;
}

/* A number with a suffix as sizes have. */
static int parse_amount(const char *text, uint64_t least, uint64_t most, const char *what,
			uint64_t *ret_amount, struct err *err)
{
	if (parse_size(text, ret_amount) < 0 || *ret_amount < least || *ret_amount > most)
		return err_set(err, EINVAL, EXIT_USAGE,
			       "'%s' is not a %s: give a number from %llu to %llu", text, what,
			       (unsigned long long)least, (unsigned long long)most);
	return 0;
}

/* The kernel takes only a power of two. */
static int parse_ring_bytes(const char *text, uint64_t *ret_bytes, struct err *err)
{
	int code = parse_amount(text, RING_BYTES_LEAST, RING_BYTES_MOST, "ring buffer's size", ret_bytes, err);

	if (!code && *ret_bytes & (*ret_bytes - 1))
		code = err_set(err, EINVAL, EXIT_USAGE, "'%s' is no power of two", text);
	return code;
}

static int parse_growth(const char *text, enum growth_mode *ret_growth, struct err *err)
{
	if (strcmp(text, "auto") == 0)
		*ret_growth = GROWTH_AUTO;
	else if (strcmp(text, "on") == 0)
		*ret_growth = GROWTH_ON;
	else if (strcmp(text, "off") == 0)
		*ret_growth = GROWTH_OFF;
	else
		return err_set(err, EINVAL, EXIT_USAGE,
			       "'%s' is not a growth mode: give auto, on or off", text);
	return 0;
}

static int parse_theme(const char *text, enum theme *ret_theme, struct err *err)
{
	if (strcmp(text, "auto") == 0)
		*ret_theme = THEME_AUTO;
	else if (strcmp(text, "dark") == 0)
		*ret_theme = THEME_DARK;
	else if (strcmp(text, "light") == 0)
		*ret_theme = THEME_LIGHT;
	else
		return err_set(err, EINVAL, EXIT_USAGE,
			       "'%s' is not a theme: give auto, dark or light", text);
	return 0;
}

static int parse_link(const char *text, enum link_kind *ret_link, struct err *err)
{
	if (strcmp(text, "session") == 0)
		*ret_link = LINK_SESSION;
	else if (strcmp(text, "multi") == 0)
		*ret_link = LINK_MULTI;
	else if (strcmp(text, "perf") == 0)
		*ret_link = LINK_PERF;
	else
		return err_set(err, EINVAL, EXIT_USAGE,
			       "'%s' is not a kind of link: give session, multi or perf", text);
	return 0;
}

/* Read again when they are needed: here it is only seen that they can be. */
static int parse_facts(const char *text, const char **ret_facts, struct err *err)
{
	struct preflight_facts facts;

	*ret_facts = text;
	return preflight_force(&facts, text, err);
}

/* Why getopt returned '?' or ':'; `word` is the argument it read last. */
static int refuse_option(int reason, const char *word, struct err *err)
{
	bool known = false;

	for (const struct option *option = long_options; option->name; option++)
		known = known || option->val == optopt;
	if (reason == ':')
		return err_set(err, EINVAL, EXIT_USAGE,
			       "option '%s' needs a value: see rsprof-top --help", word);
	if (optopt == 0)
		return err_set(err, EINVAL, EXIT_USAGE,
			       "option '%s' is unknown or ambiguous: see rsprof-top --help", word);
	if (known)
		return err_set(err, EINVAL, EXIT_USAGE,
			       "option '%s' takes no value: leave out what follows '='", word);
	return err_set(err, EINVAL, EXIT_USAGE, "option '-%c' is unknown: see rsprof-top --help",
		       optopt);
}

static int apply_option(struct options *options, int option, const char *word, struct err *err)
{
	switch (option) {
	case 'd':
		options->delay_given = true;
		return options_parse_delay(optarg, &options->delay_s, err);
	case 'F':
		options->frequency_given = true;
		return parse_frequency(optarg, &options->frequency_hz, err);
	case 'n':
		return parse_iterations(optarg, &options->iterations, err);
	case 'b':
		options->batch = true;
		return 0;
	case 'y':
		options->yes = true;
		return 0;
	case 'h':
		options->action = ACTION_HELP;
		return 0;
	case 'V':
		options->action = ACTION_VERSION;
		return 0;
	case OPTION_HEAP:
		return parse_heap(optarg, options, err);
	case OPTION_HEAP_ENTRIES:
		return parse_amount(optarg, 1, HEAP_ENTRIES_MOST, "number of objects",
				    &options->heap_entries, err);
	case OPTION_HEAP_MMAP:
		options->heap_mmap = true;
		return 0;
	case OPTION_RING_BYTES:
		return parse_ring_bytes(optarg, &options->ring_bytes, err);
	case OPTION_MAP_ENTRIES:
		return parse_amount(optarg, 1, HEAP_ENTRIES_MOST, "number of entries",
				    &options->map_entries, err);
	case OPTION_GROWTH:
		return parse_growth(optarg, &options->growth, err);
	case OPTION_THEME:
		return parse_theme(optarg, &options->theme, err);
	case OPTION_JSON:
		options->json = true;
		return 0;
	case OPTION_DOCTOR:
		options->doctor = true;
		return 0;
	case OPTION_PROBES:
		options->probes = true;
		return 0;
	case OPTION_LINK:
		return parse_link(optarg, &options->link, err);
	case OPTION_CHECK:
		options->check_unwinding = true;
		return 0;
	case OPTION_OVERHEAD:
		options->max_overhead_given = true;
		return parse_overhead(optarg, &options->max_overhead_pct, err);
	case OPTION_TIME_HALVINGS:
		return parse_amount(optarg, 0, TIME_HALVINGS_MOST, "number of halvings",
				    &options->time_halvings, err);
	case OPTION_FACTS:
		return parse_facts(optarg, &options->force_facts, err);
	default:
		return refuse_option(option, word, err);
	}
}

/* A PID, or "--" and a command. `argc` and `argv` begin at the first operand. */
static int parse_operands(struct options *options, bool dashes, int argc, char **argv,
			  struct err *err)
{
	long long pid;

	if (argc == 0 && !dashes && options->doctor)
		return 0;
	if (argc == 0 && dashes)
		return err_set(err, EINVAL, EXIT_USAGE,
			       "no command after '--': give a command to start");
	if (argc == 0)
		return err_set(err, EINVAL, EXIT_USAGE,
			       "no target: give a PID, or '--' and a command to start");
	if (dashes) {
		options->command = argv;
		return 0;
	}
	if (parse_number(argv[0], 1, PID_LAST, &pid) < 0)
		return err_set(err, EINVAL, EXIT_USAGE,
			       "'%s' is not a PID: give a number from 1 to %d, or '--' and a "
			       "command to start",
			       argv[0], PID_LAST);
	if (argc > 1 && strcmp(argv[1], "--") == 0)
		return err_set(err, EINVAL, EXIT_USAGE,
			       "both a PID and a command: give only one of them");
	if (argc > 1 && argv[1][0] == '-')
		return err_set(err, EINVAL, EXIT_USAGE,
			       "'%s' behind the PID: give options before the PID", argv[1]);
	if (argc > 1)
		return err_set(err, EINVAL, EXIT_USAGE, "'%s' behind the PID: give one PID only",
			       argv[1]);
	options->pid = (int)pid;
	return 0;
}

int options_parse(struct options *ret_options, int argc, char **argv, struct err *err)
{
	struct options options = {
	    .delay_s = 1,
	    .frequency_hz = 99,
	    .heap_entries = HEAP_ENTRIES_DEFAULT,
	    .max_overhead_pct = overhead_default_pct,
	};
	bool dashes;
	int option;
	int r;

	opterr = 0;
	optind = 0; /* glibc: start again, whatever was parsed before */
	while ((option = getopt_long(argc, argv, short_options, long_options, NULL)) != -1) {
		r = apply_option(&options, option, argv[optind > 0 ? optind - 1 : 0], err);
		if (r < 0)
			return r;
		if (options.action != ACTION_RUN) {
			*ret_options = options;
			return 0;
		}
	}
	/* No option takes "--" as its value, so here it can only be the end of the options. */
	dashes = optind > 1 && strcmp(argv[optind - 1], "--") == 0;
	r = parse_operands(&options, dashes, argc - optind, argv + optind, err);
	if (r < 0)
		return r;
	if ((options.probes || options.doctor) && options.command)
		return err_set(err, EINVAL, EXIT_USAGE,
			       "--%s needs a running process: give its PID",
			       options.probes ? "probes" : "doctor");
	if (options.json && !options.batch)
		return err_set(err, EINVAL, EXIT_USAGE, "--json needs -b: give both");
	*ret_options = options;
	return 0;
}
