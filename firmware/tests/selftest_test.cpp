// The self-test: its checksum, its signals as Python computes them, and what it reports of a classifier.
#include "selftest.h"

#include "check.h"
#include "window.h"

namespace {

uint32_t crc32_of(const std::string& text) {
    uint32_t crc = 0xFFFFFFFFu;
    for (const char c : text) crc = add_to_crc32(crc, static_cast<uint8_t>(c));
    return ~crc;
}

uint32_t crc32_of_window(uint32_t number, uint32_t length) {
    uint32_t crc = 0xFFFFFFFFu;
    for (uint32_t i = 0; i < length; ++i) {
        const uint16_t x = static_cast<uint16_t>(TestSignals::sample(TestSignals::start(number) + i));
        crc = add_to_crc32(add_to_crc32(crc, static_cast<uint8_t>(x)), static_cast<uint8_t>(x >> 8));
    }
    return ~crc;
}

using ShortWindow = Window<100, LevelMode::kNone>;

}  // namespace

TEST(the_checksum_is_the_usual_crc32) {
    CHECK_EQUAL(crc32_of("123456789"), 0xCBF43926u);
    CHECK_EQUAL(crc32_of(""), 0u);
}

TEST(the_signals_are_those_of_python) {
    // selftest_window(number, 48000) in ei_toolkit/board/verify/selftest.py; zlib.crc32 of its bytes.
    const uint32_t expected[] = {1028232661u, 347786037u, 4032446890u, 484292938u};
    for (uint32_t number = 0; number < TestSignals::kWindows; ++number) {
        CHECK_EQUAL(crc32_of_window(number, 48000), expected[number]);
    }
}

TEST(every_window_is_classified_once) {
    ShortWindow window({0, 0});
    int calls = 0;
    const SelfTest test = run_self_test(window, [&](ei_impulse_result_t*) {
        CHECK_EQUAL(window.sample(0), TestSignals::sample(TestSignals::start(static_cast<uint32_t>(calls))));
        ++calls;
        return EI_IMPULSE_OK;
    });
    CHECK_EQUAL(calls, 4);
    CHECK(test.ok);
}

TEST(one_failed_classification_is_a_failed_self_test) {
    ShortWindow window({0, 0});
    for (int failing = 0; failing < 4; ++failing) {
        int calls = 0;
        const SelfTest test = run_self_test(
            window, [&](ei_impulse_result_t*) { return calls++ == failing ? EI_IMPULSE_DSP_ERROR : EI_IMPULSE_OK; });
        CHECK(!test.ok);
        CHECK_EQUAL(calls, 4);
    }
}

TEST(the_samples_are_those_after_the_level) {
    ShortWindow plain({0, 0});
    Window<100, LevelMode::kDc> levelled({0, 0});
    const auto classify = [](ei_impulse_result_t*) { return EI_IMPULSE_OK; };
    const SelfTest a = run_self_test(plain, classify), again = run_self_test(plain, classify);
    CHECK_EQUAL(a.samples_crc, again.samples_crc);
    CHECK_EQUAL(a.scores_crc, again.scores_crc);
    CHECK(run_self_test(levelled, classify).samples_crc != a.samples_crc);
}
