// One request of a client.
#pragma once

#include <stddef.h>
#include <stdint.h>

enum class Command {
    kNone,
    kHello,
    kClassify,            // one window, in the message
    kClassifyShared,      // one window, in shared memory
    kClassifyContinuous,  // the next slice of a stream, in the message
    kClassifyContinuousShared,
    kSetThreshold,
};

struct Request {
    bool has_id = false;
    int64_t id = 0;
    Command command = Command::kNone;
    double value = 0;  // of a hello: the version of the protocol. Of a set_threshold: the id of the block.
    size_t count = 0;  // samples in the message or in shared memory
    bool debug = false;
};

// Reads a request. Samples are written to `samples`, at most `capacity` of them; more are counted only. Returns null,
// or the error: the id is still valid if it was read.
const char* read_request(const char* text, size_t length, float* samples, size_t capacity, Request* request);
