#include "led.h"

#include "check.h"

namespace {

// The state of the three active-low pins, as 1 for lit: red, green, blue.
std::string lit() {
    std::string state;
    for (const int pin : {LEDR, LEDG, LEDB}) state += digitalRead(pin) == LOW ? '1' : '0';
    return state;
}

}  // namespace

TEST(every_colour_lights_its_channels) {
    const std::pair<Colour, const char*> cases[] = {
        {Colour::kOff, "000"},    {Colour::kRed, "100"},  {Colour::kGreen, "010"},   {Colour::kBlue, "001"},
        {Colour::kYellow, "110"}, {Colour::kCyan, "011"}, {Colour::kMagenta, "101"}, {Colour::kWhite, "111"},
    };
    for (const auto& one : cases) {
        set_led(one.first);
        CHECK_EQUAL(lit(), std::string(one.second));
    }
}

TEST(the_led_is_off_at_the_start) {
    set_led(Colour::kWhite);
    begin_led();
    CHECK_EQUAL(lit(), std::string("000"));
}

TEST(labels_have_their_colours_and_others_are_white) {
    constexpr LabelColour kColours[] = {{"rock", Colour::kRed}, {"classical", Colour::kGreen}};
    CHECK(colour_of("classical", kColours) == Colour::kGreen);
    CHECK(colour_of("Classical", kColours) == Colour::kWhite);
    CHECK_EQUAL(std::string(colour_name(colour_of("rock", kColours))), std::string("red"));
}
