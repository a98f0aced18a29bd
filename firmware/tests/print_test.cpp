#include "check.h"

#include <cmath>
#include "string_print.h"

namespace {

template <typename... Arguments>
std::string printed(Arguments... arguments) {
    StringPrint out;
    const size_t count = out.print(arguments...);
    CHECK_EQUAL(count, out.text.size());
    return out.text;
}

}  // namespace

TEST(integers_are_printed_in_any_base) {
    CHECK_EQUAL(printed(0), std::string("0"));
    CHECK_EQUAL(printed(-42), std::string("-42"));
    CHECK_EQUAL(printed(255, HEX), std::string("FF"));
    CHECK_EQUAL(printed(5u, 2), std::string("101"));
    CHECK_EQUAL(printed(static_cast<long>(INT32_MIN)), std::string("-2147483648"));
}

TEST(numbers_with_a_fraction_are_rounded) {
    CHECK_EQUAL(printed(0.6, 3), std::string("0.600"));
    CHECK_EQUAL(printed(-20.807, 2), std::string("-20.81"));
    CHECK_EQUAL(printed(0.99999, 2), std::string("1.00"));
    CHECK_EQUAL(printed(1.5, 0), std::string("2"));
    CHECK_EQUAL(printed(std::nan(""), 2), std::string("nan"));
    CHECK_EQUAL(printed(1e10, 2), std::string("ovf"));
}

TEST(text_and_characters_are_printed_as_they_are) {
    CHECK_EQUAL(printed("text"), std::string("text"));
    CHECK_EQUAL(printed(F("flash")), std::string("flash"));
    CHECK_EQUAL(printed('c'), std::string("c"));
}

TEST(println_ends_the_line) {
    StringPrint out;
    out.println(0.25, 5);
    out.println();
    CHECK_EQUAL(out.text, std::string("0.25000\r\n\r\n"));
}
