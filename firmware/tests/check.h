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

#include <cmath>
#include <iostream>
#include <string>
#include <vector>

namespace check {

struct Test {
    const char* name;
    void (*run)();
};

inline std::vector<Test>& tests() {
    static std::vector<Test> all;
    return all;
}

inline int& failures() {
    static int count = 0;
    return count;
}

struct Registration {
    Registration(const char* name, void (*run)()) { tests().push_back({name, run}); }
};

inline std::ostream& report_failure(const char* file, int line) {
    ++failures();
    return std::cerr << file << ":" << line << ": ";
}

template <typename Value>
void print(const Value& value) {
    std::cerr << +value;  // small integers as numbers, not as characters
}

inline void print(const std::string& value) { std::cerr << '"' << value << '"'; }

inline void check_true(bool holds, const char* expression, const char* file, int line) {
    if (!holds) report_failure(file, line) << expression << " is false\n";
}

template <typename Actual, typename Expected>
void check_equal(const Actual& actual, const Expected& expected, const char* expression, const char* file, int line) {
    if (actual == expected) return;
    report_failure(file, line) << expression << " is ";
    print(actual);
    std::cerr << ", not ";
    print(expected);
    std::cerr << "\n";
}

// False for NaN as well.
inline void check_near(double actual, double expected, double tolerance, const char* expression, const char* file,
                       int line) {
    if (std::fabs(actual - expected) <= tolerance) return;
    report_failure(file, line) << expression << " is " << actual << ", not within " << tolerance << " of " << expected
                               << "\n";
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
