// Listens to music and says which it is: red for rock, green for classical, blue while undecided.
//
// The microphone never stops. Every hop the last window goes through level, DSP and network, and the answer goes to
// the LED and the serial line. Commands, one a line: ? information, c self-test, s stop, r run, t 0.7 threshold.
// Only the public API of an Edge Impulse library is used, so one exported by Edge Impulse serves as well.

#include "commands.h"
#include "decision.h"
#include "eitk_config.h"
#include "lights.h"
#include "microphone.h"
#include "report.h"
#include "selftest.h"
#include "window.h"

static_assert(EI_CLASSIFIER_FREQUENCY == Microphone::kRate, "the microphone gives 16000 samples a second");
static_assert(EI_CLASSIFIER_RAW_SAMPLES_PER_FRAME == 1, "the impulse must take one axis of audio");

static CommandLine commands;
static Decision<EI_CLASSIFIER_LABEL_COUNT, config::kSmoothing> decision;
static float threshold = config::kThreshold;
static uint32_t next_end = 0;       // number of the sample after the next window, as the ring counts
static uint64_t end_of_window = 0;  // the same, without wrapping
static uint32_t answers = 0;
static uint32_t overruns = 0;

static int16_t heard_sample(uint32_t place) { return microphone.ring.at_place(place); }

static void listen_afresh() {
    decision.clear();
    next_end = Window::kSamples;
    end_of_window = Window::kSamples;
    show(Colour::kBlue);
}

static void overrun(const __FlashStringHelper* what) {
    ++overruns;
    Serial.println(what);
}

static void decide() {
    ei_impulse_result_t result = {};
    const uint32_t start = next_end - Window::kSamples;
    window.open(heard_sample, microphone.ring.place(start));
    const EI_IMPULSE_ERROR error = classify_window(&result);
    const bool intact = microphone.ring.holds(start);
    if (error != EI_IMPULSE_OK) {
        Serial.print(F("ERR: Failed to run classifier ("));
        Serial.print(static_cast<int>(error));
        Serial.println(')');
    } else if (intact) {
        float scores[EI_CLASSIFIER_LABEL_COUNT];
        for (int i = 0; i < EI_CLASSIFIER_LABEL_COUNT; ++i) scores[i] = result.classification[i].value;
        const int winner = decision.update(scores, threshold, config::kHysteresis);
        const Colour colour =
            winner < 0 ? Colour::kBlue : colour_of(result.classification[winner].label, config::kColours);
        show(colour);
        print_text(result);
        print_json(Answer{answers++, end_of_window, winner, colour, overruns}, result);
    } else {
        overrun(F("ERR: window overrun, a decision takes longer than the hop"));
    }
    next_end += config::kHopSamples;
    end_of_window += config::kHopSamples;
}

// Leaves out windows whose first samples are gone already.
static void catch_up() {
    while (!microphone.ring.holds(next_end - Window::kSamples)) {
        overrun(F("ERR: window overrun, a decision was left out"));
        next_end += config::kHopSamples;
        end_of_window += config::kHopSamples;
    }
}

static void run() {
    if (!microphone.running()) {
        if (!microphone.begin()) {
            Serial.println(F("ERR: Failed to start PDM!"));
            return;
        }
        listen_afresh();
    }
    print_state("running");
}

static void stop() {
    microphone.end();
    decision.clear();
    show(Colour::kOff);
    print_state("stopped");
}

static void obey(const Command& command) {
    if (command.name == '?') print_info(threshold, microphone.running());
    if (command.name == 'c') print_self_test(self_test());
    if (command.name == 's') stop();
    if (command.name == 'r') run();
    if (command.name == 't') {
        if (command.has_value) threshold = command.value;
        print_info(threshold, microphone.running());
    }
}

void setup() {
    Serial.begin(115200);
    begin_lights();
    print_settings();
    run();
}

void loop() {
    const Command command = commands.poll();
    if (command.name != 0) obey(command);
    if (microphone.restarted()) {
        overrun(F("ERR: PDM buffer overrun"));
        listen_afresh();
    }
    if (!microphone.running()) return;
    catch_up();
    if (static_cast<int32_t>(microphone.ring.heard() - next_end) >= 0) decide();
}
