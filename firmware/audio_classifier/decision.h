// From scores to one answer that does not flicker: the mean of the last scores, a threshold, and hysteresis.
#pragma once

template <int Labels, int Depth>
class Decision {
public:
    static constexpr int kUndecided = -1;

    void clear() {
        filled_ = 0;
        next_ = 0;
        winner_ = kUndecided;
    }

    // Takes one set of scores and gives the label that holds now, or kUndecided.
    int update(const float* scores, float threshold, float hysteresis) {
        for (int i = 0; i < Labels; ++i) history_[next_][i] = scores[i];
        next_ = (next_ + 1) % Depth;
        if (filled_ < Depth) ++filled_;
        const int best = best_label();
        if (keeps(best, threshold, hysteresis)) return winner_;
        winner_ = mean(best) >= threshold ? best : kUndecided;
        return winner_;
    }

    float mean(int label) const {
        float sum = 0;
        for (int i = 0; i < filled_; ++i) sum += history_[i][label];
        return sum / static_cast<float>(filled_);
    }

private:
    int best_label() const {
        int best = 0;
        for (int i = 1; i < Labels; ++i) {
            if (mean(i) > mean(best)) best = i;
        }
        return best;
    }

    // A label that holds goes on until it falls clearly below the threshold or another is clearly better.
    bool keeps(int best, float threshold, float hysteresis) const {
        if (winner_ == kUndecided || mean(winner_) < threshold - hysteresis) return false;
        return mean(best) - mean(winner_) <= hysteresis;
    }

    float history_[Depth][Labels];
    int filled_ = 0;
    int next_ = 0;
    int winner_ = kUndecided;
};
