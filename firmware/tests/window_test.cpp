#include "window.h"

#include "check.h"
#include "ring.h"

namespace {

struct Ramp {
    int16_t sample(uint32_t index) const { return static_cast<int16_t>(offset + 10 * static_cast<int>(index)); }
    int offset;
};

}  // namespace

TEST(a_window_reads_its_source_from_the_start) {
    Window<4, LevelMode::kNone> window({0, 0});
    const Ramp ramp = {7};
    window.open(ramp, 100);
    CHECK_EQUAL(window.sample(0), 1007);
    CHECK_EQUAL(window.sample(3), 1037);
}

TEST(a_window_is_levelled_as_it_is_read) {
    Window<4, LevelMode::kDc> window({0, 0});
    const Ramp ramp = {7};
    window.open(ramp, 0);
    CHECK_EQUAL(window.level().mean, 22);
    float samples[4];
    CHECK_EQUAL(window.read(0, 4, samples), 0);
    const float expected[] = {-15, -5, 5, 15};
    for (int i = 0; i < 4; ++i) CHECK_EQUAL(samples[i], expected[i]);
    CHECK_EQUAL(window.read(2, 1, samples), 0);
    CHECK_EQUAL(samples[0], 5.0f);
}

TEST(a_window_crosses_the_end_of_the_ring) {
    using Ring = SampleRing<10>;
    static Ring ring;
    ring.clear();
    for (int16_t i = 0; i < 17; ++i) ring.write(&i, 1);
    Window<8, LevelMode::kNone> window({0, 0});
    window.open(ring, Ring::index(9));
    for (uint32_t i = 0; i < 8; ++i) CHECK_EQUAL(window.sample(i), static_cast<int16_t>(9 + i));
}

TEST(a_window_can_be_opened_again) {
    Window<2, LevelMode::kDc> window({0, 0});
    const Ramp low = {0}, high = {1000};
    window.open(low, 0);
    window.open(high, 1);
    CHECK_EQUAL(window.level().mean, 1015);
    CHECK_EQUAL(window.sample(1), 5);
}
