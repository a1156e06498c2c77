/*
 * C++ exceptions through frames that have allocated, and out of operator new itself. As storm.h, but a
 * program of its own: `throws` takes no argument.
 */
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

namespace
{

volatile std::sig_atomic_t stopped;

void on_term(int)
{
	stopped = 1;
}

std::uint64_t mix(std::uint64_t hash, std::uint64_t value)
{
	return (hash ^ value) * UINT64_C(0x100000001b3);
}

/* Each level holds memory of its own when the exception passes. */
[[gnu::noinline]] std::size_t descend(unsigned depth, unsigned seed)
{
	std::string text(50 + depth * 3, static_cast<char>('a' + depth % 26));
	std::vector<unsigned> numbers(10 + depth, seed);

	if (depth == 20)
		throw std::runtime_error(text + std::to_string(seed));
	return descend(depth + 1, seed + numbers.back()) + text.size();
}

std::uint64_t caught(unsigned seed)
{
	try {
		return descend(0, seed);
	} catch (const std::runtime_error &error) {
		std::uint64_t hash = 5;

		for (const char *at = error.what(); *at; at++)
			hash = mix(hash, static_cast<unsigned char>(*at));
		return hash;
	}
}

std::uint64_t refused()
{
	volatile std::size_t size = SIZE_MAX / 4;

	try {
		::operator delete(::operator new(size));
		return 1;
	} catch (const std::bad_alloc &) {
		return 2;
	}
}

std::uint64_t one_round()
{
	std::uint64_t hash = 6;

	for (unsigned i = 0; i < 20; i++)
		hash = mix(mix(hash, caught(i)), refused());
	return hash;
}

} // namespace

int main()
{
	std::signal(SIGTERM, on_term);
	const std::uint64_t first = one_round();
	unsigned different = 0;

	while (!stopped)
		different += one_round() != first;
	std::printf("throws %016llx %u\n", static_cast<unsigned long long>(first), different);
	return static_cast<int>(first % 100) + 1;
}
