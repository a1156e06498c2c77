/* Sparklines in both sets of characters. */
#include "config.h"

#include <criterion/criterion.h>
#include <math.h>

#include "spark.h"

static char buf[64];

Test(ui_spark, levels)
{
	const double figures[] = {(double)NAN, 0, 10, 25, 50, 75, 100, -3};

	cr_expect_str_eq(spark_line(buf, sizeof(buf), figures, 8, glyphs_get(false)), " __.--#_");
	cr_expect_str_eq(spark_line(buf, sizeof(buf), figures, 8, glyphs_get(true)), " ▁▂▃▅▆█▁");
}

Test(ui_spark, nothing)
{
	const double figures[] = {0, 0, (double)NAN};

	cr_expect_str_eq(spark_line(buf, sizeof(buf), figures, 3, glyphs_get(false)), "__ ");
	cr_expect_str_eq(spark_line(buf, sizeof(buf), figures, 0, glyphs_get(false)), "");
}

Test(ui_spark, cut_at_whole_characters)
{
	const double figures[] = {1, 1, 1};

	cr_expect_str_eq(spark_line(buf, 7, figures, 3, glyphs_get(true)), "██");
	cr_expect_str_eq(spark_line(buf, 6, figures, 3, glyphs_get(true)), "█");
}
