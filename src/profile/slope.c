#include "config.h"

#include "profile/slope.h"

#include <math.h>

/* 97.5 % quantiles of Student's t; between the entries the one for fewer degrees is taken. */
static double t_quantile(size_t degrees)
{
	static const struct {
		size_t degrees;
		double quantile;
	} table[] = {
	    {1, 12.706}, {2, 4.303},  {3, 3.182},  {4, 2.776},	 {5, 2.571},  {6, 2.447},
	    {7, 2.365},	 {8, 2.306},  {9, 2.262},  {10, 2.228},	 {12, 2.179}, {15, 2.131},
	    {20, 2.086}, {30, 2.042}, {60, 2.000}, {120, 1.980},
	};
	double quantile = table[0].quantile;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].degrees <= degrees)
			quantile = table[i].quantile;
	return quantile;
}

struct slope slope_fit(const struct slope_point *points, size_t count)
{
	struct slope slope = {(double)NAN, (double)NAN};
	double mean_time = 0, mean_value = 0, time_square = 0, product = 0, residual = 0;

	for (size_t i = 0; i < count; i++) {
		mean_time += points[i].time_s / (double)count;
		mean_value += points[i].value / (double)count;
	}
	for (size_t i = 0; i < count; i++) {
		double time = points[i].time_s - mean_time;

		time_square += time * time;
		product += time * (points[i].value - mean_value);
	}
	if (count < 2 || time_square <= 0)
		return slope;
	slope.per_s = product / time_square;
	if (count < 3)
		return slope;
	for (size_t i = 0; i < count; i++) {
		double error =
		    points[i].value - mean_value - slope.per_s * (points[i].time_s - mean_time);

		residual += error * error;
	}
	slope.half_width =
	    t_quantile(count - 2) * sqrt(residual / (double)(count - 2) / time_square);
	return slope;
}

struct slope slope_with_noise(struct slope slope, double variance, double span_s)
{
	static const double z = 1.96;

	if (variance > 0 && span_s > 0)
		slope.half_width = hypot(slope.half_width, z * sqrt(variance) / span_s);
	return slope;
}
