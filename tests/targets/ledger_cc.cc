/*
 * ledger_cc: ledger_c for C++. Sizes are those that operator new passes on, so only containers
 * whose capacity is asked for or known exactly are used. The options and the report: ledger.h.
 */
#include <array>
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include "ledger.h"

namespace ledger {

enum site {
	NEW_OBJECT,
	NEW_ARRAY,
	NEW_NOTHROW,
	NEW_ALIGNED,
	UNIQUE,
	VECTOR,
	VECTOR_GROWTH,
	STRING,
	MAP,
	CHURN,
	CROSS_EVEN,
	CROSS_ODD,
	SITES
};

static std::array<book, SITES> books{ {
    { "site_new_object", 0, 0, 0, 0 },
    { "site_new_array", 0, 0, 0, 0 },
    { "site_new_nothrow", 0, 0, 0, 0 },
    { "site_new_aligned", 0, 0, 0, 0 },
    { "site_unique", 0, 0, 0, 0 },
    { "site_vector", 0, 0, 0, 0 },
    { "site_vector_growth", 0, 0, 0, 0 },
    { "site_string", 0, 0, 0, 0 },
    { "site_map", 0, 0, 0, 0 },
    { "site_churn", 0, 0, 0, 0 },
    { "site_cross_even", 0, 0, 0, 0 },
    { "site_cross_odd", 0, 0, 0, 0 },
} };

struct object {
	char text[200];
};

struct alignas(64) aligned_object {
	char text[192];
};

using map = std::map<int, long>;
/* What libstdc++ allocates for each entry. */
constexpr std::size_t map_node_size = sizeof(std::_Rb_tree_node<map::value_type>);

/* The kept objects have owners that live as long as the process does: nothing is ever freed. */
template <typename T> static T *forever(T &&value)
{
	static std::array<std::aligned_storage_t<sizeof(T), alignof(T)>, 256> room;
	static std::size_t used;

	if (used == room.size())
		std::abort();
	return new (&room[used++]) T(std::move(value));
}

OWN_FUNCTION void site_new_object()
{
	auto *pointer = new object;
	USED(pointer);
	book_alloc(&books[NEW_OBJECT], sizeof(object));
}

OWN_FUNCTION void site_new_array(std::size_t size)
{
	ledger_must(new char[size]);
	book_alloc(&books[NEW_ARRAY], size);
}

OWN_FUNCTION void site_new_nothrow(std::size_t size)
{
	ledger_must(new (std::nothrow) char[size]);
	book_alloc(&books[NEW_NOTHROW], size);
}

OWN_FUNCTION void site_new_aligned()
{
	auto *pointer = new aligned_object;
	USED(pointer);
	book_alloc(&books[NEW_ALIGNED], sizeof(aligned_object));
}

/*
 * No site with a book: the exception inside is an allocation of the C++ run time, of a size that is
 * its own, and is freed when it was caught.
 */
OWN_FUNCTION void failing_new(std::size_t impossible)
{
	USED(&impossible);
	auto *pointer = new (std::nothrow) char[impossible];
	USED(pointer);
	if (pointer)
		std::abort();
}

OWN_FUNCTION std::unique_ptr<char[]> site_unique(std::size_t size)
{
	auto pointer = std::make_unique<char[]>(size);
	USED(pointer.get());
	book_alloc(&books[UNIQUE], size);
	return pointer;
}

OWN_FUNCTION std::vector<char> site_vector(std::size_t size)
{
	std::vector<char> vector;
	vector.reserve(size);
	USED(vector.data());
	book_alloc(&books[VECTOR], size);
	return vector;
}

/* Four reserves: only the last one's room stays. */
OWN_FUNCTION std::vector<long> site_vector_growth(std::size_t size)
{
	std::vector<long> vector;
	for (int turn = 0; turn < 4; turn++) {
		const std::size_t before = vector.capacity() * sizeof(long);
		vector.reserve(size << turn);
		USED(vector.data());
		if (before)
			book_free(&books[VECTOR_GROWTH], before);
		book_alloc(&books[VECTOR_GROWTH], (size << turn) * sizeof(long));
	}
	return vector;
}

/* libstdc++ asks for the capacity and the closing zero. */
OWN_FUNCTION std::string site_string(std::size_t size)
{
	std::string text;
	text.reserve(size);
	USED(text.data());
	book_alloc(&books[STRING], text.capacity() + 1);
	return text;
}

OWN_FUNCTION void site_map(map &entries, int first, int count)
{
	for (int key = first; key < first + count; key++) {
		entries[key] = key;
		book_alloc(&books[MAP], map_node_size);
	}
	for (int key = first; key < first + count; key += 3) {
		entries.erase(key);
		book_free(&books[MAP], map_node_size);
	}
}

OWN_FUNCTION void site_churn(std::size_t size)
{
	auto *pointer = new char[size];
	ledger_must(pointer);
	book_alloc(&books[CHURN], size);
	delete[] pointer;
	book_free(&books[CHURN], size);
}

/* A block and who asked for it; pointer null: no block. */
struct block {
	char *pointer = nullptr;
	std::size_t size = 0;
	site owner = SITES;
};

static std::mutex slots_lock;
static std::array<block, 512> slots;

OWN_FUNCTION void site_cross_even(block &block, std::size_t size)
{
	block.pointer = new char[size];
	ledger_must(block.pointer);
	block.size = size;
	block.owner = CROSS_EVEN;
	book_alloc(&books[CROSS_EVEN], size);
}

OWN_FUNCTION void site_cross_odd(block &block, std::size_t size)
{
	block.pointer = new char[size];
	ledger_must(block.pointer);
	block.size = size;
	block.owner = CROSS_ODD;
	book_alloc(&books[CROSS_ODD], size);
}

OWN_FUNCTION void drop_block(block &block)
{
	delete[] block.pointer;
	book_free(&books[block.owner], block.size);
	block.pointer = nullptr;
}

/* The lock covers the slot and never the allocator's call. */
static void cross_thread(int number, int rounds, std::atomic<int> &missing)
{
	uint32_t random = 2463534242u + static_cast<uint32_t>(number) * 7919u;

	/* All begin together, or the first is done before the last is made. */
	for (missing--; missing > 0;)
		std::this_thread::yield();

	for (int round = 0; round < rounds; round++) {
		auto &slot = slots[ledger_random(&random) % slots.size()];
		block block;
		{
			std::lock_guard<std::mutex> guard(slots_lock);
			std::swap(block, slot);
		}
		const std::size_t size = ledger_random_size(&random);
		if (block.pointer && ledger_random(&random) % 4)
			drop_block(block);
		else if (!block.pointer && number % 2 == 0)
			site_cross_even(block, size);
		else if (!block.pointer)
			site_cross_odd(block, size);
		if (block.pointer) {
			std::lock_guard<std::mutex> guard(slots_lock);
			if (!slot.pointer)
				std::swap(block, slot);
		}
		if (block.pointer)
			drop_block(block);
		if (round % 4 == 0)
			site_churn(1 + static_cast<std::size_t>(round) % 500);
	}
}

static void cross(const ledger_options &options)
{
	std::vector<std::thread> threads;
	std::atomic<int> missing{ options.threads };

	for (int number = 0; number < options.threads; number++)
		threads.emplace_back(cross_thread, number, options.rounds, std::ref(missing));
	for (auto &thread : threads)
		thread.join();
}

static void keep()
{
	map *entries = forever(map());

	for (std::size_t i = 0; i < 50; i++) {
		site_new_object();
		site_new_array(100 + i);
		site_new_nothrow(70 + i);
		site_new_aligned();
		failing_new(PTRDIFF_MAX / 2);
		forever(site_unique(300 + i));
		forever(site_vector(400 + i));
		forever(site_vector_growth(20 + i));
		forever(site_string(500 + i));
		site_map(*entries, static_cast<int>(i) * 100, 60);
		site_churn(1 + 100 * i);
	}
	site_new_array(3000000);
}

} // namespace ledger

int main(int argc, char **argv)
{
	ledger_options options;

	if (ledger_parse(&options, argc, argv) < 0)
		return 2;
	if (options.wait)
		ledger_wait();
	ledger::keep();
	ledger::cross(options);
	return ledger_report(&options, ledger::books.data(), ledger::books.size());
}
