#include "framing.h"

#include <vector>

#include "check.h"

namespace {

constexpr size_t kCapacity = 24;

// What a stream of bytes contains: the messages, and "malformed" or "too long" for what was dropped.
std::vector<std::string> frames(const std::string& stream) {
    char text[kCapacity + 1];
    Framer framer(text, kCapacity);
    std::vector<std::string> found;
    for (const char c : stream) {
        const Framed framed = framer.add(c);
        if (framed == Framed::kMessage) found.emplace_back(framer.text(), framer.length());
        if (framed == Framed::kMalformed) found.emplace_back("malformed");
        if (framed == Framed::kTooLong) found.emplace_back("too long");
    }
    return found;
}

std::string joined(const std::string& stream) {
    std::string out;
    for (const std::string& frame : frames(stream)) out += frame + ";";
    return out;
}

// A literal with the zero bytes in it.
template <size_t N>
std::string bytes(const char (&text)[N]) {
    return {text, N - 1};
}

}  // namespace

TEST(messages_end_with_a_zero_byte_a_newline_or_their_last_brace) {
    CHECK_EQUAL(joined(bytes("{\"id\":1}\0{\"id\":2}\n{\"id\":3}{}")),
                std::string(R"({"id":1};{"id":2};{"id":3};{};)"));
}

TEST(a_message_contains_objects_and_white_space) {
    CHECK_EQUAL(joined(" \r\n{\"a\" :\n {\"b\":{} } }"), std::string("{\"a\" :\n {\"b\":{} } };"));
}

TEST(braces_in_strings_do_not_count) {
    CHECK_EQUAL(joined("{\"}\":\"\\\"}{\\\\\"}"), std::string("{\"}\":\"\\\"}{\\\\\"};"));
}

TEST(bytes_outside_of_a_message_are_reported_once) {
    CHECK_EQUAL(joined("[1, 2] oops{}"), std::string("malformed;{};"));
    CHECK_EQUAL(joined("1\n2"), std::string("malformed;malformed;"));
}

TEST(a_message_that_is_cut_off_does_not_damage_the_next) {
    CHECK_EQUAL(joined(bytes("{\"a\":[1\0{}")), std::string("malformed;{};"));
    CHECK_EQUAL(joined("{\"a\n{}"), std::string("malformed;{};"));
}

TEST(a_message_that_is_too_long_is_dropped_whole) {
    const std::string longest = R"({"a":)" + std::string(kCapacity - 6, '1') + '}';
    CHECK_EQUAL(joined(longest + "{}"), longest + ";{};");
    CHECK_EQUAL(joined(R"({"a":)" + std::string(100, '1') + "}{}"), std::string("too long;{};"));
    CHECK_EQUAL(joined(R"({"a":)" + std::string(kCapacity - 5, '1') + "}{}"), std::string("too long;{};"));
    CHECK_EQUAL(joined(R"({"a":")" + std::string(100, '}') + "\n{}"), std::string("too long;{};"));
}

TEST(the_rest_of_an_invalid_message_is_dropped) {
    char text[kCapacity + 1];
    Framer framer(text, kCapacity);
    CHECK(framer.add('{') == Framed::kNothing && framer.add('}') == Framed::kMessage);
    framer.drop_rest();
    CHECK(framer.add(']') == Framed::kNothing && framer.add('}') == Framed::kNothing);
    CHECK(framer.add('\0') == Framed::kNothing && framer.add(']') == Framed::kMalformed);
}
