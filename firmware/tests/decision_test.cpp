#include "decision.h"

#include <vector>

#include "check.h"

namespace {

constexpr int kClassical = 0, kRock = 1, kUncertain = -1;

// The results for a sequence of scores of rock, with threshold 0.6 and hysteresis 0.05.
template <int Depth>
std::vector<int> results(const std::vector<float>& rock_scores) {
    Decision<2, Depth> decision;
    std::vector<int> found;
    for (const float rock : rock_scores) {
        const float scores[] = {1 - rock, rock};
        found.push_back(decision.update(scores, 0.6f, 0.05f));
    }
    return found;
}

}  // namespace

TEST(the_best_label_above_the_threshold_wins) {
    const std::vector<int> expected = {kUncertain, kUncertain, kRock, kRock, kClassical};
    CHECK(results<1>({0.5f, 0.59f, 0.61f, 0.99f, 0.01f}) == expected);
}

TEST(a_score_that_varies_around_the_threshold_does_not_change_the_result) {
    CHECK(results<1>({0.61f, 0.59f, 0.61f, 0.58f, 0.60f}) == std::vector<int>(5, kRock));
    const std::vector<int> expected = {kRock, kUncertain, kUncertain};
    CHECK(results<1>({0.61f, 0.54f, 0.59f}) == expected);
}

TEST(one_outlier_among_smoothed_windows_does_not_change_the_result) {
    CHECK(results<3>({0.9f, 0.9f, 0.1f, 0.9f}) == std::vector<int>(4, kRock));
    const std::vector<int> expected = {kRock, kUncertain, kClassical, kClassical};
    CHECK(results<3>({0.9f, 0.1f, 0.1f, 0.1f}) == expected);
}

TEST(the_mean_covers_only_the_scores_since_clear) {
    Decision<2, 4> decision;
    const float rock[] = {0.1f, 0.9f}, classical[] = {0.8f, 0.2f};
    decision.update(rock, 0.6f, 0.05f);
    decision.update(rock, 0.6f, 0.05f);
    decision.clear();
    CHECK_EQUAL(decision.update(classical, 0.6f, 0.05f), kClassical);
    CHECK_NEAR(decision.mean(kClassical), 0.8, 1e-6);
}

TEST(another_label_wins_when_it_is_better_by_more_than_the_hysteresis) {
    Decision<3, 1> decision;
    const float first[] = {0.50f, 0.48f, 0.02f}, slightly_better[] = {0.47f, 0.51f, 0.02f}, better[] = {0.4f, 0.58f, 0};
    CHECK_EQUAL(decision.update(first, 0.3f, 0.05f), 0);
    CHECK_EQUAL(decision.update(slightly_better, 0.3f, 0.05f), 0);
    CHECK_EQUAL(decision.update(better, 0.3f, 0.05f), 1);
}

TEST(a_recognised_label_stays_for_the_hold_time) {
    Decision<2, 1> decision;
    const float rock[] = {0.1f, 0.9f}, classical[] = {0.9f, 0.1f};
    const int expected[] = {kRock, kRock, kRock, kClassical, kClassical};
    const float* windows[] = {rock, classical, classical, classical, rock};
    for (int i = 0; i < 5; ++i) CHECK_EQUAL(decision.update(windows[i], 0.6f, 0.05f, 2), expected[i]);
    decision.clear();
    CHECK_EQUAL(decision.update(rock, 0.6f, 0.05f, 2), kRock);
}
