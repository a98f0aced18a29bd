// Finds the messages in a stream of bytes. A message is a JSON object; clients end it with a zero byte, with a newline,
// or not at all, so it ends with the brace that closes the object.
#pragma once

#include <stddef.h>

enum class Framed {
    kNothing,    // no message has ended
    kMessage,    // text() is a message
    kMalformed,  // bytes outside of an object, or an object that a zero byte cut off; they were dropped
    kTooLong,    // a message with more bytes than there is room for; the rest of it will be dropped
};

class Framer {
public:
    // `text` has room for `capacity` bytes and a zero byte behind them.
    Framer(char* text, size_t capacity) : text_(text), capacity_(capacity) {}

    // Begins a new stream.
    void reset() { *this = Framer(text_, capacity_); }

    // Drops what follows a message that is not valid, up to a zero byte, a newline or the next object.
    void drop_rest() { dropping_ = true; }

    // Adds one byte.
    Framed add(char c) { return depth_ == 0 ? add_outside(c) : add_inside(c); }

    // The message, until the next byte is added.
    const char* text() const { return text_; }
    size_t length() const { return length_; }

private:
    Framed add_outside(char c) {
        const bool was_dropping = dropping_;
        if (c == '{') {
            reset();
            depth_ = 1;
            return store(c);
        }
        if (c == '\0' || c == '\n') dropping_ = false;
        if (c == '\0' || c == '\n' || c == ' ' || c == '\t' || c == '\r') return Framed::kNothing;
        dropping_ = true;
        return was_dropping ? Framed::kNothing : Framed::kMalformed;
    }

    Framed add_inside(char c) {
        if (c == '\0' || (in_string_ && c == '\n')) {  // valid JSON contains neither
            const bool reported = dropping_;
            reset();
            return reported ? Framed::kNothing : Framed::kMalformed;
        }
        if (in_string_) {
            in_string_ = escaped_ || c != '"';
            escaped_ = !escaped_ && c == '\\';
        } else if (c == '"') {
            in_string_ = true;
        } else if (c == '{') {
            ++depth_;
        } else if (c == '}') {
            --depth_;
        }
        const Framed stored = store(c);
        if (depth_ > 0 || stored == Framed::kTooLong) return stored;
        if (dropping_) {
            dropping_ = false;
            return Framed::kNothing;
        }
        text_[length_] = '\0';
        return Framed::kMessage;
    }

    Framed store(char c) {
        if (dropping_) return Framed::kNothing;
        if (length_ == capacity_) {
            dropping_ = true;
            return Framed::kTooLong;
        }
        text_[length_++] = c;
        return Framed::kNothing;
    }

    char* text_;
    size_t capacity_;
    size_t length_ = 0;
    size_t depth_ = 0;
    bool in_string_ = false, escaped_ = false;
    bool dropping_ = false;  // of the bytes that are being dropped, the first has been reported
};
