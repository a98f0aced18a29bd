#include "eitk/dsp/stream.h"

namespace eitk {
namespace dsp {

void Stream::reset() {
    count_ = start_ = frames_ = 0;
    slice_ = nullptr;
}

// What is kept, and behind it the slice.
int Stream::read(const void* context, size_t offset, size_t length, float* out) {
    const Stream& stream = *static_cast<const Stream*>(context);
    for (; length > 0 && offset < stream.count_; --length) *out++ = stream.kept_[offset++];
    const SampleSource& slice = *stream.slice_;
    return length == 0 ? 0 : slice.read(slice.context, offset - stream.count_, length, out);
}

void Stream::begin(const SampleSource& slice) {
    slice_ = &slice;
    if (frames_ > 0 || count_ > 0 || start_ > 0) return;
    while (count_ < block_.reach()) kept_[count_++] = 0.0f;  // silence before the stream's first sample
    start_ = count_;
}

int Stream::failed(int error) {
    reset();
    return error;
}

bool Stream::frame_ready() const { return start_ + block_.framing().used <= count_ + slice_->length; }

// Keeps what the next frame needs of the samples heard so far, and forgets the slice.
int Stream::end() {
    const size_t heard = count_ + slice_->length, from = start_ - block_.reach();
    const size_t wanted = from < heard ? heard - from : 0;
    if (wanted > 0)
        if (const int error = read(this, from, wanted, kept_)) return failed(error);
    count_ = wanted;
    start_ -= heard - wanted;
    slice_ = nullptr;
    return 0;
}

}  // namespace dsp
}  // namespace eitk
