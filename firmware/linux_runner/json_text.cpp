#include "json_text.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

namespace json {
namespace {

constexpr int kExactDigits = 15;  // a double represents all integers with so many digits
constexpr double kPowersOfTen[kExactDigits + 1] = {1,   1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                   1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_hex_digit(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

}  // namespace

Kind Reader::next() {
    skip_space();
    if (error_ != nullptr || at_ == end_) return Kind::kInvalid;
    switch (*at_) {
        case '{':
            return Kind::kObject;
        case '[':
            return Kind::kArray;
        case '"':
            return Kind::kString;
        case 't':
        case 'f':
            return Kind::kBoolean;
        case 'n':
            return Kind::kNull;
        default:
            return *at_ == '-' || is_digit(*at_) ? Kind::kNumber : Kind::kInvalid;
    }
}

bool Reader::number(double* value) {
    if (next() != Kind::kNumber) return fail("expected a number");
    const char* const start = at_;
    if (*at_ == '-') ++at_;
    const char* const whole = at_;
    uint64_t mantissa = 0;  // all digits; of more than 19 the low bits only
    if (!digits(&mantissa)) return false;
    if (*whole == '0' && at_ - whole > 1) return fail("a number has a leading zero");
    const ptrdiff_t whole_digits = at_ - whole;
    const char* const point = at_;
    if (is_at('.')) {
        ++at_;
        if (!digits(&mantissa)) return false;
    }
    const ptrdiff_t places = at_ > point ? at_ - point - 1 : 0;
    if (is_at('e') || is_at('E') || whole_digits + places > kExactDigits) return slow_number(start, value);
    // Both numbers are exact, so their quotient is rounded once. This is several times as fast as strtod.
    const double size = static_cast<double>(mantissa) / kPowersOfTen[places];
    *value = *start == '-' ? -size : size;
    return true;
}

bool Reader::slow_number(const char* start, double* value) {
    if (is_at('e') || is_at('E')) {
        ++at_;
        if (is_at('+') || is_at('-')) ++at_;
        uint64_t exponent = 0;
        if (!digits(&exponent)) return false;
    }
    *value = strtod(start, nullptr);
    return isfinite(*value) || fail("a number is out of range");
}

bool Reader::boolean(bool* value) {
    if (next() != Kind::kBoolean) return fail("expected true or false");
    *value = *at_ == 't';
    return word(*value ? "true" : "false");
}

bool Reader::skip() {  // NOLINT(misc-no-recursion): at most kMaxDepth levels
    double number_value = 0;
    bool boolean_value = false;
    Text text = {};
    switch (next()) {
        case Kind::kObject:
            return object([this](const Text&) { return skip(); });  // NOLINT(misc-no-recursion)
        case Kind::kArray:
            return array([this] { return skip(); });  // NOLINT(misc-no-recursion)
        case Kind::kString:
            return string(&text);
        case Kind::kNumber:
            return number(&number_value);
        case Kind::kBoolean:
            return boolean(&boolean_value);
        case Kind::kNull:
            return word("null");
        default:
            return fail("expected a value");
    }
}

bool Reader::finished() {
    skip_space();
    return at_ == end_ || fail("expected the end of the text");
}

void Reader::skip_space() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
}

bool Reader::is_next(char c) {
    skip_space();
    if (error_ != nullptr || at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
}

bool Reader::enter(char open) {
    if (!is_next(open)) return fail(open == '{' ? "expected an object" : "expected an array");
    return ++depth_ <= kMaxDepth || fail("the text is nested too deeply");
}

bool Reader::comma_or(char close, bool* more) {
    *more = is_next(',');
    return *more || is_next(close) || fail("expected ',' or the end of an object or array");
}

bool Reader::string(Text* text) {
    if (!is_next('"')) return fail("expected a string");
    text->begin = at_;
    while (at_ != end_ && *at_ != '"') {
        const char c = *at_++;
        if (static_cast<unsigned char>(c) < ' ') return fail("a string contains a control character");
        if (c == '\\' && !escape()) return false;
    }
    if (at_ == end_) return fail("a string has no end");
    text->length = static_cast<size_t>(at_ - text->begin);
    ++at_;
    return true;
}

bool Reader::escape() {
    const char kind = at_ == end_ ? '\0' : *at_++;
    if (kind != '\0' && strchr("\"\\/bfnrt", kind) != nullptr) return true;
    if (kind != 'u' || end_ - at_ < 4) return fail("a string contains an invalid escape");
    for (int i = 0; i < 4; ++i) {
        if (!is_hex_digit(*at_++)) return fail("a string contains an invalid escape");
    }
    return true;
}

bool Reader::word(const char* expected) {
    const size_t length = strlen(expected);
    if (static_cast<size_t>(end_ - at_) < length || memcmp(at_, expected, length) != 0) {
        return fail("expected a value");
    }
    at_ += length;
    return true;
}

bool Reader::digits(uint64_t* value) {
    if (at_ == end_ || !is_digit(*at_)) return fail("expected a digit");
    for (; at_ != end_ && is_digit(*at_); ++at_) *value = *value * 10 + static_cast<uint64_t>(*at_ - '0');
    return true;
}

bool Reader::fail(const char* error) {
    if (error_ == nullptr) error_ = error;
    at_ = end_;
    return false;
}

std::string quoted(const char* text) {
    static const char digits[] = "0123456789abcdef";
    std::string out = "\"";
    for (const char* at = text; *at != '\0'; ++at) {
        const unsigned char c = static_cast<unsigned char>(*at);
        if (c < ' ' || c == 0x7F) {
            out += "\\u00";
            out += digits[c >> 4];
            out += digits[c & 0xF];
        } else {
            if (c == '"' || c == '\\') out += '\\';
            out += *at;
        }
    }
    return out + '"';
}

}  // namespace json
