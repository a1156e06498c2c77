/*
 * shares_cc SECONDS [THREADS]: shares_c in C++, with the functions in the namespace `shares` and
 * threads made by std::thread.
 */
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include "shares.h"

namespace shares {

struct state {
	uint64_t end_ns = 0;
	uint32_t random = SHARES_SEED;
	account sixty{}, thirty{}, ten{};
};

OWN_FUNCTION void hot_sixty(account &account, uint64_t part_ns)
{
	SHARES_SPIN(&account, 6 * part_ns, 6364136223846793005u);
}

OWN_FUNCTION void hot_thirty(account &account, uint64_t part_ns)
{
	SHARES_SPIN(&account, 3 * part_ns, 3935559000370003845u);
}

OWN_FUNCTION void hot_ten(account &account, uint64_t part_ns)
{
	SHARES_SPIN(&account, 1 * part_ns, 2862933555777941757u);
}

OWN_FUNCTION void level_b(state &state)
{
	const uint64_t part_ns = shares_part_ns(&state.random);

	hot_sixty(state.sixty, part_ns);
	hot_thirty(state.thirty, part_ns);
	hot_ten(state.ten, part_ns);
	NO_TAIL_CALL();
}

OWN_FUNCTION void level_a(state &state)
{
	level_b(state);
	NO_TAIL_CALL();
}

OWN_FUNCTION void run(state &state)
{
	while (clock_ns(CLOCK_MONOTONIC) < state.end_ns)
		level_a(state);
	NO_TAIL_CALL();
}

} // namespace shares

int main(int argc, char **argv)
{
	const double seconds = argc > 1 ? std::atof(argv[1]) : 10;
	const int count = argc > 2 ? std::atoi(argv[2]) : 1;

	if (count < 1)
		return 2;
	std::vector<shares::state> states(static_cast<std::size_t>(count));
	std::vector<std::thread> threads;
	for (auto &state : states)
		state.end_ns =
		    clock_ns(CLOCK_MONOTONIC) + static_cast<uint64_t>(seconds * 1e9);
	for (std::size_t i = 1; i < states.size(); i++)
		threads.emplace_back([&states, i] {
			shares::run(states[i]);
			NO_TAIL_CALL();
		});
	shares::run(states[0]);
	for (auto &thread : threads)
		thread.join();

	uint64_t sixty = 0, thirty = 0, ten = 0;
	for (const auto &state : states) {
		sixty += state.sixty.used_ns;
		thirty += state.thirty.used_ns;
		ten += state.ten.used_ns;
	}
	const double all = static_cast<double>(sixty + thirty + ten) / 100;
	std::printf("share hot_sixty %.2f\nshare hot_thirty %.2f\nshare hot_ten %.2f\n",
		    static_cast<double>(sixty) / all, static_cast<double>(thirty) / all,
		    static_cast<double>(ten) / all);
	return 0;
}
