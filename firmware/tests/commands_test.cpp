#include "commands.h"

#include <vector>

#include "check.h"

namespace {

// The commands in a text.
std::vector<Command> commands_of(const std::string& text) {
    CommandParser parser;
    std::vector<Command> commands;
    for (const char c : text) {
        const Command command = parser.add(c);
        if (command.name != 0) commands.push_back(command);
    }
    return commands;
}

}  // namespace

TEST(letters_are_commands) {
    std::string names;
    for (const Command& command : commands_of("?\nc\r\ns\nr\nt\nb\rm\n")) {
        names += command.name;
        CHECK(!command.has_value);
    }
    CHECK_EQUAL(names, std::string("?csrtbm"));
}

TEST(a_threshold_is_a_decimal_number_from_0_to_1) {
    const std::pair<const char*, double> cases[] = {
        {"t 0.6\r\n", 0.6}, {"t .25\n", 0.25},         {"t 1.000000\n", 1},
        {"t 0\n", 0},       {"t 0.7000000000\n", 0.7}, {"t 1.\n", 1},
    };
    for (const auto& one : cases) {
        const std::vector<Command> commands = commands_of(one.first);
        CHECK_EQUAL(commands.size(), 1u);
        if (commands.size() != 1) continue;
        CHECK(commands[0].name == 't' && commands[0].has_value);
        CHECK_NEAR(commands[0].value, one.second, 1e-6);
    }
}

TEST(lines_that_are_not_commands_are_ignored) {
    for (const char* text :
         {"t \n", "t .\n", "t 1.1\n", "t 2\n", "t -1\n", "t 0.5x\n", "t 1e1\n", "x\n", "ss\n", "\n\r\n", "t 0.5.5\n",
          " ?\n", "\x01?\n", "?\x7f\n", "\xff\n", "t 99999999999999999999\n"}) {
        CHECK(commands_of(text).empty());
    }
}

TEST(a_recording_has_a_number_of_samples) {
    const std::vector<Command> commands = commands_of("m 48000\nm 4294967295\n");
    CHECK_EQUAL(commands.size(), 2u);
    CHECK(commands[0].name == 'm' && commands[0].samples == 48000);
    CHECK_EQUAL(commands[1].samples, 4294967295u);
    CHECK(commands_of("m 4294967296\nm -1\nm 1.5\nm \nm x\nm 99999999999999999999999\n").empty());
}

TEST(a_line_that_begins_with_AT_is_passed_on) {
    CommandParser parser;
    Command command;
    for (const char c : std::string("AT+CONFIG?\r")) command = parser.add(c);
    CHECK_EQUAL(command.name, 'A');
    CHECK_EQUAL(std::string(command.text), std::string("AT+CONFIG?"));
}

TEST(a_line_of_any_length_is_ignored_as_a_whole) {
    for (const size_t length : {250u, 251u, 252u, 253u, 1000u}) {
        const std::vector<Command> commands = commands_of("t 0." + std::string(length, '1') + "\n?\n");
        // Lines of up to 255 characters fit: "t 0." and 251 digits.
        CHECK_EQUAL(commands.size(), length <= 251 ? 2u : 1u);
        CHECK(!commands.empty() && commands.back().name == '?');
    }
}

TEST(a_line_without_its_end_is_not_yet_a_command) { CHECK(commands_of("t 0.5").empty()); }
