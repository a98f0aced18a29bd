// The ring buffer: contents, overwriting, the wrap of its counters, and the interrupt between any two accesses of the
// reader. ring_threads_test.cpp runs writer and reader at the same time.
#include "ring.h"

#include <functional>
#include <vector>

#include "check.h"

namespace {

// The sample that the tests write as number `number`.
int16_t sample_of(uint64_t number) { return static_cast<int16_t>(number % 30011); }

// Writes `count` samples to a ring that holds `end` samples so far.
template <typename Ring>
void write_samples(Ring& ring, uint64_t end, uint32_t count) {
    std::vector<int16_t> samples(count);
    for (uint32_t i = 0; i < count; ++i) samples[i] = sample_of(end + i);
    ring.write(samples.data(), count);
}

// Whether the samples [start, start + count) are those that were written.
template <typename Ring>
bool reads_correctly(const Ring& ring, uint64_t start, uint32_t count) {
    const uint32_t first = Ring::index(start);
    bool correct = true;
    for (uint32_t i = 0; i < count; ++i) correct = ring.sample(first + i) == sample_of(start + i) && correct;
    return correct;
}

// An atomic that calls `interrupt` before each load of the reader. The test lets that call the writer.
std::function<void()> interrupt;
bool interrupts_enabled = false;

template <typename T>
class InterruptibleAtomic {
public:
    InterruptibleAtomic() = default;
    explicit InterruptibleAtomic(T value) : value_(value) {}

    T load(std::memory_order) const {
        if (interrupts_enabled) {
            interrupts_enabled = false;  // the writer is not interrupted
            interrupt();
            interrupts_enabled = true;
        }
        return value_;
    }

    void store(T value, std::memory_order) { value_ = value; }

private:
    T value_{};
};

constexpr uint32_t kCapacity = 12, kWindow = 7, kBlock = 3;
using InterruptibleRing = SampleRing<kCapacity, InterruptibleAtomic>;

struct Outcome {
    bool read = false;     // before reading, the ring held the whole window
    bool intact = false;   // after reading, the ring still held the window
    bool correct = false;  // the samples were those that were written
    int accesses = 0;      // loads of the reader
};

// Reads one window as the sketch does, and interrupts the reader in front of the given accesses to write one block.
Outcome read_window_interrupted(uint64_t written, const std::vector<int>& interrupted_accesses) {
    InterruptibleRing ring;
    for (uint64_t end = 0; end < written; end += kBlock) write_samples(ring, end, kBlock);
    uint64_t end = written / kBlock * kBlock;
    const uint64_t window_end = end;

    Outcome outcome;
    interrupt = [&] {
        for (const int interrupted : interrupted_accesses) {
            if (interrupted != outcome.accesses) continue;
            write_samples(ring, end, kBlock);
            end += kBlock;
        }
        ++outcome.accesses;
    };
    interrupts_enabled = true;
    const uint64_t start = window_end - kWindow;
    outcome.read = ring.holds(start) && ring.written_up_to(window_end);
    if (outcome.read) {
        outcome.correct = reads_correctly(ring, start, kWindow);
        outcome.intact = ring.holds(start);
    }
    interrupts_enabled = false;
    return outcome;
}

}  // namespace

TEST(ring_returns_what_was_written) {
    SampleRing<kCapacity> ring;
    ring.clear();
    CHECK_EQUAL(ring.samples_written(), 0u);
    write_samples(ring, 0, 5);
    CHECK_EQUAL(ring.samples_written(), 5u);
    CHECK(ring.written_up_to(5) && !ring.written_up_to(6));
    CHECK(reads_correctly(ring, 0, 5));
}

TEST(ring_overwrites_the_oldest_samples) {
    SampleRing<kCapacity> ring;
    ring.clear();
    for (uint64_t end = 0; end < 30; end += 5) {
        write_samples(ring, end, 5);
        const uint64_t written = end + 5, oldest = written < kCapacity ? 0 : written - kCapacity;
        CHECK(ring.holds(oldest));
        CHECK(oldest == 0 || !ring.holds(oldest - 1));
        CHECK(reads_correctly(ring, oldest, static_cast<uint32_t>(written - oldest)));
    }
}

TEST(ring_holds_samples_that_are_not_yet_written) {
    SampleRing<kCapacity> ring;
    ring.clear();
    write_samples(ring, 0, 5);
    CHECK(ring.holds(5) && ring.holds(1000));
    CHECK(!ring.written_up_to(1000));
}

TEST(ring_is_empty_after_clear) {
    SampleRing<kCapacity> ring;
    ring.clear();
    write_samples(ring, 0, 11);
    ring.clear();
    CHECK_EQUAL(ring.samples_written(), 0u);
    write_samples(ring, 0, 4);
    CHECK(reads_correctly(ring, 0, 4));
}

// After 74 hours the 32-bit counters of the ring wrap, and 2^32 is not a multiple of the capacity.
TEST(ring_numbers_continue_beyond_32_bits) {
    SampleRing<kCapacity> ring;
    constexpr uint64_t kFirst = (uint64_t{1} << 32) - 20;
    ring.clear(kFirst);
    for (uint64_t end = kFirst; end < kFirst + 60; end += 5) {
        write_samples(ring, end, 5);
        const uint64_t written = end + 5, oldest = written - kFirst < kCapacity ? kFirst : written - kCapacity;
        CHECK_EQUAL(ring.samples_written(), static_cast<uint32_t>(written));
        CHECK(ring.written_up_to(written) && !ring.written_up_to(written + 1));
        CHECK(ring.holds(oldest) && (oldest == kFirst || !ring.holds(oldest - 1)));
        CHECK(reads_correctly(ring, oldest, static_cast<uint32_t>(written - oldest)));
    }
}

TEST(every_window_is_read_once_for_short_and_long_hops) {
    for (const uint32_t hop : {512u, 768u, 2000u}) {
        static SampleRing<2048> ring;
        ring.clear();
        constexpr uint32_t kLength = 768, kBlocks = 1000;
        uint64_t window_end = kLength, end = 0;
        int read = 0, skipped = 0;
        for (uint32_t block = 0; block < kBlocks; ++block, end += 512) {
            write_samples(ring, end, 512);
            for (; !ring.holds(window_end - kLength); window_end += hop) ++skipped;
            for (; ring.written_up_to(window_end); window_end += hop) {
                CHECK(reads_correctly(ring, window_end - kLength, kLength));
                ++read;
            }
        }
        CHECK_EQUAL(read, static_cast<int>((kBlocks * 512 - kLength) / hop + 1));
        CHECK_EQUAL(skipped, 0);
    }
}

TEST(one_interrupt_at_any_access_of_the_reader) {
    int intact = 0, overwritten = 0;
    for (const uint64_t written : {9u, 12u, 15u, 18u, 30u}) {
        const int accesses = read_window_interrupted(written, {}).accesses;
        CHECK(accesses >= static_cast<int>(kWindow));
        for (int at = 0; at <= accesses; ++at) {
            const Outcome outcome = read_window_interrupted(written, {at});
            CHECK(!outcome.intact || outcome.correct);
            // One block fits the slack beyond the window, so that one interrupt never destroys the window.
            CHECK(outcome.read && outcome.intact);
            (outcome.intact ? intact : overwritten) += 1;
        }
    }
    CHECK(intact > 0);
    CHECK_EQUAL(overwritten, 0);
}

TEST(several_interrupts_at_any_accesses_of_the_reader) {
    int intact = 0, overwritten = 0, torn = 0;
    for (const uint64_t written : {12u, 15u, 30u}) {
        const int accesses = read_window_interrupted(written, {}).accesses;
        for (int first = 0; first <= accesses; ++first) {
            for (int second = first; second <= accesses; ++second) {
                for (int third = second; third <= accesses; ++third) {
                    const Outcome outcome = read_window_interrupted(written, {first, second, third});
                    CHECK(!outcome.intact || outcome.correct);
                    (outcome.intact ? intact : overwritten) += 1;
                    if (outcome.read && !outcome.correct) ++torn;
                }
            }
        }
    }
    // The test is of use only if all three cases occurred: windows that survived, windows that the ring rejected, and
    // windows of which the reader had already read overwritten samples.
    CHECK(intact > 0);
    CHECK(overwritten > 0);
    CHECK(torn > 0);
}
