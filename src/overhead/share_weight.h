/*
 * How often an allocation counts that is seen while the probes are in for a moment, for those that were not
 * seen since the last one. Not by the times alone: while they are in the target is slower, and comes to less
 * of its own work in the same time. So it is by the CPU time that it had for itself. Pure.
 */
#ifndef RSP_OVERHEAD_SHARE_WEIGHT_H
#define RSP_OVERHEAD_SHARE_WEIGHT_H

/* What happened lately while the probes were in or out: how long, and CPU time of the target without what
 * we cost it. All zero to begin with. */
struct share_weight {
	double moments;
	double open_s, open_ns;
	double closed_s, closed_ns;
};

/* A moment is over in which the probes were in; or were out. */
void share_weight_open(struct share_weight *weight, double seconds, double own_ns);
void share_weight_closed(struct share_weight *weight, double seconds, double own_ns);

/* The weight of a moment that comes after so long; `usual_s`: how long it lasts, until that is known. */
double share_weight_next(const struct share_weight *weight, double closed_s, double usual_s);

#endif
