#include <cmath>
#include <cstdio>
#include <cstring>
#include <vector>

#include "check.h"

namespace {

struct Test {
    const char* name;
    void (*run)();
};

int failed_checks = 0;

std::vector<Test>& tests() {
    static std::vector<Test> all;  // exists before the first registration, in whatever order the sources are linked
    return all;
}

}  // namespace

namespace check {

Registration::Registration(const char* name, void (*run)()) { tests().push_back({name, run}); }

int failures() { return failed_checks; }

void check_true(bool holds, const char* expression, const char* file, int line) {
    if (holds) return;
    ++failed_checks;
    std::fprintf(stderr, "%s:%d: %s is false\n", file, line, expression);
}

void check_near(double actual, double expected, double tolerance, const char* expression, const char* file, int line) {
    if (std::fabs(actual - expected) <= tolerance) return;
    ++failed_checks;
    std::fprintf(stderr, "%s:%d: %s is %.9g, not within %g of %.9g\n", file, line, expression, actual, tolerance,
                 expected);
}

void report_difference(const std::string& actual, const std::string& expected, const char* expression, const char* file,
                       int line) {
    ++failed_checks;
    std::fprintf(stderr, "%s:%d: %s is %s, not %s\n", file, line, expression, actual.c_str(), expected.c_str());
}

}  // namespace check

int main(int argc, char** argv) {
    int run = 0, failed = 0;
    for (const Test& test : tests()) {
        if (argc > 1 && std::strstr(test.name, argv[1]) == nullptr) continue;
        const int failures_before = check::failures();
        test.run();
        ++run;
        if (check::failures() == failures_before) continue;
        ++failed;
        std::fprintf(stderr, "FAILED %s\n", test.name);
    }
    std::fprintf(stderr, "%d tests, %d failed\n", run, failed);
    return failed > 0 || run == 0 ? 1 : 0;
}
