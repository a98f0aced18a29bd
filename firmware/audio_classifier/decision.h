// From the scores of each window to a stable result: mean of the last scores, threshold, hysteresis, hold time.
// ei_toolkit/impulse/decision.py computes the same; `eitk calibrate` chooses the settings with it.
#pragma once

template <int Labels, int Depth>
class Decision {
public:
    static constexpr int kUncertain = -1;

    void clear() {
        count_ = 0;
        next_ = 0;
        held_ = 0;
        winner_ = kUncertain;
    }

    // Adds the scores of one window. Returns the label that is recognised now, or kUncertain. A label that becomes
    // recognised stays for `hold` more windows, whatever their scores are.
    int update(const float* scores, float threshold, float hysteresis, int hold = 0) {
        for (int i = 0; i < Labels; ++i) history_[next_][i] = scores[i];
        next_ = (next_ + 1) % Depth;
        if (count_ < Depth) ++count_;
        if (held_ > 0) {
            --held_;
            return winner_;
        }
        const int best = best_label();
        if (!keeps_winner(best, threshold, hysteresis)) {
            winner_ = mean(best) >= threshold ? best : kUncertain;
            held_ = winner_ == kUncertain ? 0 : hold;
        }
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
    int held_ = 0;   // further windows for which the winner stays
    int winner_ = kUncertain;
};
