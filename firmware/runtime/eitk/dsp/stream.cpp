#include "eitk/dsp/stream.h"

namespace eitk {
namespace dsp {

void Stream::reset() {
    count_ = start_ = frames_ = 0;
    slice_ = nullptr;
}

// Reads from the kept samples followed by the slice.
int Stream::read(const void* context, size_t offset, size_t length, float* out) {
    const Stream& stream = *static_cast<const Stream*>(context);
    for (; length > 0 && offset < stream.count_; --length) *out++ = stream.kept_[offset++];
    const SampleSource& slice = *stream.slice_;
    return length == 0 ? 0 : slice.read(slice.context, offset - stream.count_, length, out);
}

void Stream::begin(const SampleSource& slice) {
    slice_ = &slice;
    if (frames_ > 0 || count_ > 0 || start_ > 0) return;
    while (count_ < block_.lookback()) kept_[count_++] = 0.0f;  // silence before the first sample of the stream
    start_ = count_;
}

int Stream::reset_after(int error) {
    reset();
    return error;
}

bool Stream::frame_ready() const { return start_ + block_.framing().used <= count_ + slice_->length; }

// Keeps the received samples that the next frame needs.
int Stream::end() {
    const size_t received = count_ + slice_->length, first_needed = start_ - block_.lookback();
    const size_t needed = first_needed < received ? received - first_needed : 0;
    if (needed > 0) {
        if (const int error = read(this, first_needed, needed, kept_)) return reset_after(error);
    }
    count_ = needed;
    start_ -= received - needed;
    slice_ = nullptr;
    return 0;
}

}  // namespace dsp
}  // namespace eitk
