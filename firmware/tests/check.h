// A small unit-test framework. It depends on nothing, so that the tests build wherever the firmware builds, also with
// -fno-exceptions and -fno-rtti.
//
//   TEST(an_empty_ring_has_no_samples) {
//       CHECK(ring.samples_written() == 0);
//       CHECK_EQUAL(ring.samples_written(), 0u);
//   }
//
// Every source file with tests links test_main.cpp. The program runs all tests, prints what failed, and exits with 1
// if anything did. With an argument it runs the tests whose names contain the argument.
#pragma once

#include <string>

namespace check {

// Adds a test to those that the program runs.
struct Registration {
    Registration(const char* name, void (*run)());
};

// Returns how many checks have failed so far.
int failures();

void check_true(bool holds, const char* expression, const char* file, int line);

// False for NaN as well.
void check_near(double actual, double expected, double tolerance, const char* expression, const char* file, int line);

void report_difference(const std::string& actual, const std::string& expected, const char* expression, const char* file,
                       int line);

inline std::string printed(const std::string& value) { return '"' + value + '"'; }

template <typename Value>
std::string printed(const Value& value) {
    return std::to_string(+value);  // small integers as numbers, not as characters
}

template <typename Actual, typename Expected>
void check_equal(const Actual& actual, const Expected& expected, const char* expression, const char* file, int line) {
    if (!(actual == expected)) report_difference(printed(actual), printed(expected), expression, file, line);
}

}  // namespace check

#define TEST(name)                                                            \
    static void test_##name();                                                \
    static const check::Registration registration_##name(#name, test_##name); \
    static void test_##name()

#define CHECK(expression) check::check_true((expression), #expression, __FILE__, __LINE__)
#define CHECK_EQUAL(actual, expected) check::check_equal((actual), (expected), #actual, __FILE__, __LINE__)
#define CHECK_NEAR(actual, expected, tolerance) \
    check::check_near((actual), (expected), (tolerance), #actual, __FILE__, __LINE__)
