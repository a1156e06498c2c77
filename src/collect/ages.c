#include "config.h"

#include "collect/ages.h"

static const double edges_s[AGE_BUCKETS] = {0, 1, 10, 60, 600, 3600, 86400};

double ages_edge_s(enum age_bucket bucket)
{
	return edges_s[bucket];
}

void ages_add(struct ages *ages, uint64_t birth_ns, uint64_t now_ns, double bytes,
	      double objects)
{
	double age_s = birth_ns < now_ns ? (double)(now_ns - birth_ns) * 1e-9 : 0;
	enum age_bucket bucket = AGE_0S;

	while (bucket + 1 < AGE_BUCKETS && age_s >= edges_s[bucket + 1])
		bucket++;
	ages->bytes[bucket] += bytes;
	ages->objects[bucket] += objects;
	if (!ages->oldest_ns || birth_ns < ages->oldest_ns)
		ages->oldest_ns = birth_ns;
}

void ages_merge(struct ages *to, const struct ages *from)
{
	for (enum age_bucket bucket = AGE_0S; bucket < AGE_BUCKETS; bucket++) {
		to->bytes[bucket] += from->bytes[bucket];
		to->objects[bucket] += from->objects[bucket];
	}
	if (from->oldest_ns && (!to->oldest_ns || from->oldest_ns < to->oldest_ns))
		to->oldest_ns = from->oldest_ns;
}

double ages_bytes_from(const struct ages *ages, enum age_bucket bucket)
{
	double sum = 0;

	for (; bucket < AGE_BUCKETS; bucket++)
		sum += ages->bytes[bucket];
	return sum;
}
