#include "request.h"

#include <math.h>

#include "json_text.h"

namespace {

struct CommandName {
    const char* name;
    Command command;
};

constexpr CommandName kCommands[] = {
    {"hello", Command::kHello},
    {"classify", Command::kClassify},
    {"classify_shm", Command::kClassifyShared},
    {"classify_continuous", Command::kClassifyContinuous},
    {"classify_continuous_shm", Command::kClassifyContinuousShared},
    {"set_threshold", Command::kSetThreshold},
};

constexpr double kLargestId = 9007199254740991.0;  // 2^53 - 1

class RequestReader {
public:
    RequestReader(const char* text, size_t length, float* samples, size_t capacity, Request* request)
        : reader_(text, length), samples_(samples), capacity_(capacity), request_(*request) {}

    const char* read() {
        const bool valid = reader_.object([this](const json::Text& name) { return member(name); });
        if (!valid || !reader_.finished()) return error_ != nullptr ? error_ : reader_.error();
        if (!request_.has_id) return "the message has no 'id'";
        return request_.command == Command::kNone ? "the message has no known request" : nullptr;
    }

private:
    bool member(const json::Text& name) {
        if (name == "id") return id();
        if (name == "debug") return reader_.boolean(&request_.debug);
        for (const CommandName& known : kCommands) {
            if (name == known.name) return command(known.command);
        }
        return reader_.skip();
    }

    bool id() {
        double value = 0;
        if (!reader_.number(&value)) return false;
        if (value != floor(value) || fabs(value) > kLargestId) return fail("'id' is not an integer");
        request_.id = static_cast<int64_t>(value);
        request_.has_id = true;
        return true;
    }

    bool command(Command command) {
        if (request_.command != Command::kNone) return fail("the message has more than one request");
        request_.command = command;
        switch (command) {
            case Command::kHello:
                return reader_.number(&request_.value);
            case Command::kClassify:
            case Command::kClassifyContinuous:
                return reader_.array([this] { return sample(); });
            case Command::kSetThreshold:
                return number_in_object("id", &request_.value);
            default:
                return shared();
        }
    }

    bool sample() {
        double value = 0;
        if (!reader_.number(&value)) return false;
        if (request_.count < capacity_) samples_[request_.count] = static_cast<float>(value);
        ++request_.count;
        return true;
    }

    bool shared() {
        double elements = -1;
        if (!number_in_object("elements", &elements)) return false;
        if (elements < 0 || elements > kLargestId) return fail("the request has no valid 'elements'");
        request_.count = static_cast<size_t>(elements);
        return true;
    }

    // Reads an object and the number of the given name in it.
    bool number_in_object(const char* wanted, double* value) {
        return reader_.object([this, wanted, value](const json::Text& name) {
            return name == wanted ? reader_.number(value) : reader_.skip();
        });
    }

    bool fail(const char* error) {
        error_ = error;
        return false;
    }

    json::Reader reader_;
    float* samples_;
    size_t capacity_;
    Request& request_;
    const char* error_ = nullptr;
};

}  // namespace

const char* read_request(const char* text, size_t length, float* samples, size_t capacity, Request* request) {
    *request = Request();
    return RequestReader(text, length, samples, capacity, request).read();
}
