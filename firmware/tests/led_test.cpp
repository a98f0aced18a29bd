#include "led.h"

#include "check.h"

namespace {

// The light of the three active-low pins, 0 to 255: red, green, blue.
std::string lit() {
    std::string state;
    for (const int pin : {LEDR, LEDG, LEDB}) state += std::to_string(255 - written(pin)) + " ";
    return state;
}

}  // namespace

TEST(a_colour_lights_its_parts_with_their_brightness) {
    set_led({"orange", 255, 64, 0});
    CHECK_EQUAL(lit(), std::string("255 64 0 "));
    set_led(kLedBlue);
    CHECK_EQUAL(lit(), std::string("0 0 255 "));
}

TEST(the_led_is_off_at_the_start) {
    set_led(kLedWhite);
    begin_led();
    CHECK_EQUAL(lit(), std::string("0 0 0 "));
}

TEST(labels_have_their_colours_and_others_are_white) {
    constexpr LabelColour kColours[] = {{"rock", {"red", 255, 0, 0}}, {"classical", {"green", 0, 255, 0}}};
    CHECK_EQUAL(std::string(colour_of("rock", kColours).name), std::string("red"));
    CHECK_EQUAL(static_cast<int>(colour_of("classical", kColours).green), 255);
    CHECK_EQUAL(std::string(colour_of("Classical", kColours).name), std::string("white"));
}
