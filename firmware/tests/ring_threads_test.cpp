// Writer and reader of the ring on two threads at the same time. ThreadSanitizer checks the accesses.
#include <atomic>
#include <thread>

#include "check.h"
#include "ring.h"

namespace {

constexpr uint32_t kCapacity = 2048, kBlock = 512, kWindow = 256;
constexpr uint32_t kBlocks = 20000;

int16_t sample_of(uint64_t number) { return static_cast<int16_t>(number % 30011); }

SampleRing<kCapacity> ring;
std::atomic<bool> writing{true};

void write_all() {
    for (uint64_t end = 0; end < uint64_t{kBlocks} * kBlock; end += kBlock) {
        int16_t block[kBlock];
        for (uint32_t i = 0; i < kBlock; ++i) block[i] = sample_of(end + i);
        ring.write(block, kBlock);
        if (end / kBlock % 16 == 0) std::this_thread::yield();
    }
    writing = false;
}

// Reads the window at `start` and returns whether the samples are those that were written.
bool reads_correctly(uint64_t start) {
    const uint32_t first = SampleRing<kCapacity>::index(start);
    bool correct = true;
    for (uint32_t i = 0; i < kWindow; ++i) correct = ring.sample(first + i) == sample_of(start + i) && correct;
    return correct;
}

}  // namespace

// The reader alternates between the newest window, which nearly always survives, and the oldest window, which the
// writer overwrites next.
TEST(a_window_that_the_ring_calls_intact_is_intact) {
    ring.clear();
    std::thread writer(write_all);
    int intact = 0, overwritten = 0, wrong = 0;
    for (int i = 0; writing; ++i) {
        const uint64_t written = ring.samples_written();
        if (written < kCapacity) continue;
        const uint64_t start = i % 2 == 0 ? written - kWindow : written - kCapacity;
        const bool correct = reads_correctly(start);
        const bool holds = ring.holds(start);
        if (holds && !correct) ++wrong;
        (holds ? intact : overwritten) += 1;
    }
    writer.join();
    CHECK_EQUAL(wrong, 0);
    CHECK(intact > 0);
    CHECK(overwritten > 0);
}
