/*
 * Calls in the ways that C++ has, each recorded by unwind_shadow.h, for tests/tools/stops: exceptions
 * in flight, virtual calls, constructors and destructors, lambdas, algorithms, streams, threads.
 */
#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "unwind_shadow_record.h"

namespace
{
volatile long sink;

OPAQUE long sh_leaf_(long value)
{
	SHADOW("sh_leaf_");
	for (long i = 0; i < 20; i++)
		value = value * 31 + i;
	return value;
}

struct Guard {
	long value;

	OPAQUE explicit Guard(long start) : value(start)
	{
		sink = sink + sh_leaf_(value);
	}
	OPAQUE ~Guard()
	{
		sink = sink + sh_leaf_(value);
	}
};

struct Shape {
	virtual ~Shape() = default;
	virtual long sh_area_(long scale) const = 0;
};

struct Square : Shape {
	OPAQUE long sh_area_(long scale) const override
	{
		SHADOW("sh_area_");
		return sh_leaf_(scale) * 4;
	}
};

struct Tagged {
	virtual ~Tagged() = default;
	virtual long sh_tag_(long scale) const = 0;
};

/* The second base's functions are called through a thunk that moves `this`. */
struct Circle : Shape, Tagged {
	OPAQUE long sh_area_(long scale) const override
	{
		SHADOW("sh_area_");
		return sh_leaf_(scale) * 3;
	}
	OPAQUE long sh_tag_(long scale) const override
	{
		SHADOW("sh_tag_");
		return sh_leaf_(scale) + 1;
	}
};

OPAQUE void sh_throw_(int depth)
{
	SHADOW("sh_throw_");
	Guard guard(depth);

	if (depth == 0)
		throw std::runtime_error("deep");
	sh_throw_(depth - 1);
	sink = sink + 1;
}

OPAQUE void sh_rethrow_(int depth)
{
	SHADOW("sh_rethrow_");
	try {
		sh_throw_(depth);
	} catch (const std::runtime_error &error) {
		sink = sink + sh_leaf_(error.what()[0]);
		throw;
	}
}

OPAQUE long sh_scene_exceptions_()
{
	SHADOW("sh_scene_exceptions_");
	for (int i = 0; i < 8; i++) {
		try {
			sh_rethrow_(i);
		} catch (const std::exception &error) {
			sink = sink + error.what()[1];
		}
	}
	return sh_leaf_(sink);
}

OPAQUE long sh_scene_virtual_()
{
	SHADOW("sh_scene_virtual_");
	std::vector<std::unique_ptr<Shape>> shapes;
	Circle circle;
	const Tagged *tagged = &circle;

	for (int i = 0; i < 20; i++) {
		if (i % 2)
			shapes.push_back(std::make_unique<Square>());
		else
			shapes.push_back(std::make_unique<Circle>());
	}
	USED(tagged);
	for (const auto &shape : shapes)
		sink = sink + shape->sh_area_(3) + tagged->sh_tag_(4);
	return sink;
}

OPAQUE bool sh_less_(const std::string &a, const std::string &b)
{
	SHADOW("sh_less_");
	return a < b;
}

/* Records nothing itself: its name is part of its lambda's and of what is made from that. */
OPAQUE long use_library()
{
	std::vector<std::string> words;
	std::map<std::string, long> counts;
	std::ostringstream out;

	for (int i = 0; i < 50; i++)
		words.push_back("a word that is too long to be inside " + std::to_string(i * 37));
	std::sort(words.begin(), words.end(), sh_less_);
	const std::function<void(const std::string &)> add = [&](const std::string &word) {
		counts[word] += sh_leaf_(static_cast<long>(word.size()));
		out << word << ' ' << 1.5 << '\n';
	};
	std::for_each(words.begin(), words.end(), add);
	return static_cast<long>(out.str().size() + counts.size());
}

OPAQUE long sh_scene_library_()
{
	SHADOW("sh_scene_library_");
	return use_library() + sink;
}

OPAQUE void sh_thread_()
{
	shadow_begin();
	{
		SHADOW("sh_thread_");
		for (int i = 0; i < 20; i++)
			sink = sink + sh_scene_exceptions_();
	}
	shadow_end();
}

OPAQUE long sh_scene_threads_()
{
	SHADOW("sh_scene_threads_");
	std::thread first(sh_thread_), second(sh_thread_);

	first.join();
	second.join();
	return sink;
}

OPAQUE void sh_play_()
{
	SHADOW("sh_play_");
	sink = sink + sh_scene_exceptions_() + sh_scene_virtual_() + sh_scene_library_() +
	       sh_scene_threads_();
}
} // namespace

int main()
{
	shadow_begin();
	for (;;)
		sh_play_();
}
