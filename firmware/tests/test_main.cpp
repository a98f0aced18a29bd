#include <cstring>

#include "check.h"

int main(int argc, char** argv) {
    int run = 0, failed = 0;
    for (const check::Test& test : check::tests()) {
        if (argc > 1 && std::strstr(test.name, argv[1]) == nullptr) continue;
        const int failures_before = check::failures();
        test.run();
        ++run;
        if (check::failures() == failures_before) continue;
        ++failed;
        std::cerr << "FAILED " << test.name << "\n";
    }
    std::cerr << run << " tests, " << failed << " failed\n";
    return failed > 0 || run == 0 ? 1 : 0;
}
