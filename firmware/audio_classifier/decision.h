// From the scores of each window to a stable result: mean of the last scores, threshold, hysteresis.
#pragma once

template <int Labels, int Depth>
class Decision {
public:
    static constexpr int kUncertain = -1;

    void clear() {
        count_ = 0;
        next_ = 0;
        winner_ = kUncertain;
    }

    // Adds the scores of one window. Returns the label that is recognised now, or kUncertain.
    int update(const float* scores, float threshold, float hysteresis) {
        for (int i = 0; i < Labels; ++i) history_[next_][i] = scores[i];
        next_ = (next_ + 1) % Depth;
        if (count_ < Depth) ++count_;
        const int best = best_label();
        if (!keeps_winner(best, threshold, hysteresis)) winner_ = mean(best) >= threshold ? best : kUncertain;
        return winner_;
    }

    // Mean of the last scores of one label; at most `Depth` of them.
    float mean(int label) const {
        float sum = 0;
        for (int i = 0; i < count_; ++i) sum += history_[i][label];
        return sum / static_cast<float>(count_);
    }

private:
    int best_label() const {
        int best = 0;
        for (int i = 1; i < Labels; ++i) {
            if (mean(i) > mean(best)) best = i;
        }
        return best;
    }

    // The recognised label stays until its mean falls below threshold - hysteresis, or until the mean of another label
    // exceeds it by more than the hysteresis.
    bool keeps_winner(int best, float threshold, float hysteresis) const {
        if (winner_ == kUncertain || mean(winner_) < threshold - hysteresis) return false;
        return mean(best) - mean(winner_) <= hysteresis;
    }

    float history_[Depth][Labels] = {};
    int count_ = 0;  // valid rows of history_
    int next_ = 0;   // row that is written next
    int winner_ = kUncertain;
};
