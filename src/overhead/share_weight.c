#include "config.h"

#include "overhead/share_weight.h"

#include <math.h>

/* A moment weighs so much less than the next one: some ten are remembered. */
static const double kept = 0.9;
/* The target is not slower than this, and we do not make it faster. */
static const double slower_most = 8;

void share_weight_open(struct share_weight *weight, double seconds, double own_ns)
{
	weight->moments = kept * weight->moments + 1;
	weight->open_s = kept * weight->open_s + seconds;
	weight->open_ns = kept * weight->open_ns + fmax(own_ns, 0);
}

void share_weight_closed(struct share_weight *weight, double seconds, double own_ns)
{
	weight->closed_s = kept * weight->closed_s + seconds;
	weight->closed_ns = kept * weight->closed_ns + fmax(own_ns, 0);
}

/* How much slower it is while the probes are in. */
static double slower(const struct share_weight *weight)
{
	double own_share = weight->open_ns * weight->closed_s;

	if (!(own_share > 0))
		return 1;
	return fmin(fmax(weight->closed_ns * weight->open_s / own_share, 1), slower_most);
}

double share_weight_next(const struct share_weight *weight, double closed_s, double usual_s)
{
	double moment_s = weight->moments > 0 ? weight->open_s / weight->moments : usual_s;

	return 1 + closed_s * slower(weight) / moment_s;
}
