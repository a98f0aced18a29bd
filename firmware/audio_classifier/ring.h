// The newest samples of the microphone. The interrupt writes them, the loop reads them.
#pragma once

#include <stdint.h>

#include <atomic>

// A lock-free ring buffer for one writer and one reader. Samples are numbered consecutively, from 0 by default.
//
// The writer never waits for the reader. The reader may read any of the last `Capacity` samples while the writer
// continues, and asks `holds` afterwards whether they were overwritten meanwhile (a sequence lock: Boehm, "Can seqlocks
// get along with programming language memory models?", 2012).
//
// `Atomic` is std::atomic, except in the test that runs the writer between any two accesses of the reader.
template <uint32_t Capacity, template <typename> class Atomic = std::atomic>
class SampleRing {
    static_assert(ATOMIC_SHORT_LOCK_FREE == 2 && ATOMIC_INT_LOCK_FREE == 2 && ATOMIC_LONG_LOCK_FREE == 2,
                  "an interrupt cannot wait for a lock");

public:
    static constexpr uint32_t kCapacity = Capacity;

    // Removes all samples; the next one that is written gets the number `first`. The writer must be stopped.
    void clear(uint64_t first = 0) {
        next_index_ = index(first);
        reserved_.store(static_cast<uint32_t>(first), std::memory_order_relaxed);
        written_.store(static_cast<uint32_t>(first), std::memory_order_release);
    }

    // Appends at most `Capacity` samples. Only the writer calls this.
    void write(const int16_t* samples, uint32_t count) {
        const uint32_t end = written_.load(std::memory_order_relaxed) + count;
        // A reader that reads one of the new samples also reads the new value of `reserved_` in `holds`.
        reserved_.store(end, std::memory_order_relaxed);
        std::atomic_thread_fence(std::memory_order_release);
        for (uint32_t i = 0; i < count; ++i) {
            samples_[next_index_].store(samples[i], std::memory_order_relaxed);
            next_index_ = next_index_ + 1 == Capacity ? 0 : next_index_ + 1;
        }
        written_.store(end, std::memory_order_release);
    }

    // The number of the sample that is written next, modulo 2^32 (74 hours at 16 kHz).
    uint32_t samples_written() const { return written_.load(std::memory_order_acquire); }

    // Whether all samples in front of sample `end` have been written. `end` may be off by up to 2^31 samples.
    bool written_up_to(uint64_t end) const {
        return static_cast<int32_t>(samples_written() - static_cast<uint32_t>(end)) >= 0;
    }

    // Whether sample `number` has not been overwritten, or not been written yet. When this is true after samples from
    // `number` on were read, then these samples were intact.
    bool holds(uint64_t number) const {
        std::atomic_thread_fence(std::memory_order_acquire);
        const uint32_t reserved = reserved_.load(std::memory_order_relaxed);
        return static_cast<int32_t>(reserved - static_cast<uint32_t>(number)) <= static_cast<int32_t>(Capacity);
    }

    // Index of sample `number`, for `sample`.
    static uint32_t index(uint64_t number) { return static_cast<uint32_t>(number % Capacity); }

    // The sample at `index`, which is below 2 * Capacity: a window that crosses the end of the ring continues there.
    int16_t sample(uint32_t index) const {
        return samples_[index < Capacity ? index : index - Capacity].load(std::memory_order_relaxed);
    }

private:
    Atomic<int16_t> samples_[Capacity];
    Atomic<uint32_t> reserved_{0};  // samples whose writing has begun
    Atomic<uint32_t> written_{0};   // samples whose writing has ended
    uint32_t next_index_ = 0;       // used by the writer only
};
