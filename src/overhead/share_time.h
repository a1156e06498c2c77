/*
 * How long the probes are in the target that are put in for a moment: the kernel takes a while to take them
 * out, in which they are still hit. How long that is, is known from what these hits have cost, beside what
 * those in the moment have. Pure.
 */
#ifndef RSP_OVERHEAD_SHARE_TIME_H
#define RSP_OVERHEAD_SHARE_TIME_H

/* Of the latest moments. All zero to begin with. */
struct share_time {
	double moments, waits;	/* how many, and times between them */
	double open_s, open_ns; /* how long they were, and what these probes have cost in them */
	double late_ns;		/* what they have cost between them */
};

/* A moment is over; or the time until the next one is. */
void share_time_moment(struct share_time *time, double seconds, double cost_ns);
void share_time_between(struct share_time *time, double cost_ns);

/* For so long after a moment all of them are still in, or some for longer; seconds. */
double share_time_late_s(const struct share_time *time);

/* How long to wait after a moment of `moment_s`, on average, so that they are in for 1 / 2^halvings of the time.
 * `opening_s`: that putting them in takes after that. */
double share_time_wait_s(const struct share_time *time, unsigned halvings, double moment_s, double opening_s);

#endif
