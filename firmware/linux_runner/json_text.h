// JSON (RFC 8259): a strict reader of texts in memory that uses no heap, and the text of a string.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <string>

namespace json {

// The raw text of a string, without its quotes and with its escapes.
struct Text {
    const char* begin;
    size_t length;

    bool operator==(const char* other) const { return strlen(other) == length && memcmp(begin, other, length) == 0; }
};

enum class Kind { kObject, kArray, kString, kNumber, kBoolean, kNull, kInvalid };

// Reads one value after the other. Each function returns false if the text is not valid there; error() is then the
// reason, and all further calls return false. The text must be followed by a zero byte.
class Reader {
public:
    Reader(const char* text, size_t length) : at_(text), end_(text + length) {}

    // The kind of the next value.
    Kind next();

    // Calls `member(name)` for each member of an object; it must read the value.
    template <typename Member>
    bool object(Member member);

    // Calls `element()` for each element of an array; it must read the value.
    template <typename Element>
    bool array(Element element);

    bool number(double* value);
    bool boolean(bool* value);
    bool skip();  // a value of any kind

    // Whether nothing but white space follows.
    bool finished();

    const char* error() const { return error_; }

private:
    static constexpr int kMaxDepth = 32;

    void skip_space();
    bool is_next(char c);  // skips white space, and the character if it is `c`
    bool enter(char open);
    bool comma_or(char close, bool* more);
    bool string(Text* text);
    bool escape();
    bool word(const char* expected);
    bool is_at(char c) const { return at_ != end_ && *at_ == c; }
    bool digits(uint64_t* value);
    bool slow_number(const char* start, double* value);
    bool fail(const char* error);

    const char* at_;
    const char* end_;
    const char* error_ = nullptr;
    int depth_ = 0;
};

template <typename Member>
bool Reader::object(Member member) {  // NOLINT(misc-no-recursion)
    if (!enter('{')) return false;
    bool more = !is_next('}');
    while (more) {
        skip_space();
        Text name = {};
        if (!string(&name)) return false;
        if (!is_next(':')) return fail("expected ':' after the name of a member");
        if (!member(name) || !comma_or('}', &more)) return false;
    }
    --depth_;
    return true;
}

template <typename Element>
bool Reader::array(Element element) {  // NOLINT(misc-no-recursion)
    if (!enter('[')) return false;
    bool more = !is_next(']');
    while (more) {
        if (!element() || !comma_or(']', &more)) return false;
    }
    --depth_;
    return true;
}

// A string with its quotes. Bytes from 0x80 on are copied.
std::string quoted(const char* text);

}  // namespace json
