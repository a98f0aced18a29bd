#include "json.h"

#include "check.h"
#include "string_print.h"

namespace {

std::string json_of(const std::string& text) {
    StringPrint out;
    print_json_string(out, text.c_str());
    return out.text;
}

std::string decimal(uint64_t value) {
    StringPrint out;
    print_uint64(out, value);
    return out.text;
}

}  // namespace

TEST(text_is_quoted) {
    CHECK_EQUAL(json_of("rock"), std::string("\"rock\""));
    CHECK_EQUAL(json_of(""), std::string("\"\""));
}

TEST(quotes_and_backslashes_are_escaped) {
    CHECK_EQUAL(json_of("hip-hop \"live\""), std::string("\"hip-hop \\\"live\\\"\""));
    CHECK_EQUAL(json_of("a\\b"), std::string("\"a\\\\b\""));
}

TEST(control_characters_are_escaped_with_four_digits) {
    CHECK_EQUAL(json_of("a\tb\n"), std::string("\"a\\u0009b\\u000a\""));
    CHECK_EQUAL(json_of("\x01\x1f\x7f"), std::string("\"\\u0001\\u001f\\u007f\""));
}

TEST(utf8_is_printed_as_it_is) { CHECK_EQUAL(json_of("Größe 音"), std::string("\"Größe 音\"")); }

TEST(a_maximum_length_cuts_the_text) {
    StringPrint out;
    print_json_string(out, "0123456789abcdef", 12);
    CHECK_EQUAL(out.text, std::string("\"0123456789ab\""));
}

TEST(integers_of_64_bits_have_all_their_digits) {
    for (const uint64_t value : {uint64_t{0}, uint64_t{999999999}, uint64_t{1000000000}, uint64_t{1000000001},
                                 uint64_t{4294967296}, uint64_t{1000000000000000007}, UINT64_MAX}) {
        CHECK_EQUAL(decimal(value), std::to_string(value));
    }
}
