// Classifies the sound at the microphone continuously, and shows the result on the RGB LED and on the serial line.
//
// Every hop the newest window passes through level, processing blocks and network. The LED has one colour for each
// label and is blue while the result is uncertain. Commands on the serial line, one on each line:
//   ?      print information
//   c      run the self-test
//   s      stop
//   r      run
//   t 0.7  set the threshold
// The sketch uses the public API of an Edge Impulse library only, so a library exported by Edge Impulse works as well.

#include "commands.h"
#include "decision.h"
#include "eitk_config.h"
#include "led.h"
#include "microphone.h"
#include "report.h"
#include "selftest.h"
#include "window.h"

using AudioWindow = Window<EI_CLASSIFIER_RAW_SAMPLE_COUNT, config::kLevelMode>;
using AudioMicrophone = Microphone<AudioWindow::kLength + config::kSlackSamples>;

static_assert(EI_CLASSIFIER_FREQUENCY == AudioMicrophone::kSampleRate, "the sample rate of the microphone is 16000 Hz");
static_assert(EI_CLASSIFIER_RAW_SAMPLES_PER_FRAME == 1, "the impulse must take one axis of audio");

static AudioMicrophone microphone(config::kWarmupBuffers);
static AudioWindow window({config::kLevelTarget, config::kLevelMaxGainQ16});
static CommandParser command_parser;
static Decision<EI_CLASSIFIER_LABEL_COUNT, config::kSmoothing> decision;
static float threshold = config::kThreshold;
static uint64_t window_end = 0;  // number of the sample behind the next window, counted from the start of the capture
static uint32_t predictions = 0;
static uint32_t overruns = 0;

static void receive_buffer() { microphone.receive(); }

static int read_window(size_t offset, size_t length, float* out) { return window.read(offset, length, out); }

static EI_IMPULSE_ERROR classify_window(ei_impulse_result_t* result) {
    signal_t signal;
    signal.total_length = AudioWindow::kLength;
    signal.get_data = &read_window;
    return run_classifier(&signal, result, false);
}

static void restart_capture() {
    decision.clear();
    window_end = AudioWindow::kLength;
    set_led(Colour::kBlue);
}

static void report_overrun(const __FlashStringHelper* message) {
    ++overruns;
    Serial.println(message);
}

static void report_prediction(const ei_impulse_result_t& result) {
    float scores[EI_CLASSIFIER_LABEL_COUNT];
    for (int i = 0; i < EI_CLASSIFIER_LABEL_COUNT; ++i) scores[i] = result.classification[i].value;
    const int winner = decision.update(scores, threshold, config::kHysteresis, config::kHoldWindows);
    const Colour colour = winner < 0 ? Colour::kBlue : colour_of(result.classification[winner].label, config::kColours);
    set_led(colour);
    print_text(Serial, result);
    print_prediction(Serial, {result, window.level(), predictions++, window_end, winner, colour, overruns});
}

static void classify_next_window() {
    ei_impulse_result_t result = {};
    const uint64_t window_start = window_end - AudioWindow::kLength;
    window.open(microphone.ring(), AudioMicrophone::Ring::index(window_start));
    const EI_IMPULSE_ERROR error = classify_window(&result);
    if (error != EI_IMPULSE_OK) {
        Serial.print(F("ERR: Failed to run classifier ("));
        Serial.print(static_cast<int>(error));
        Serial.println(')');
    } else if (microphone.ring().holds(window_start)) {
        report_prediction(result);
    } else {
        report_overrun(F("ERR: window overrun, a classification takes longer than the hop"));
    }
    window_end += config::kHopSamples;
}

// Skips windows whose first samples have been overwritten.
static void skip_overwritten_windows() {
    while (!microphone.ring().holds(window_end - AudioWindow::kLength)) {
        report_overrun(F("ERR: window overrun, a window was skipped"));
        window_end += config::kHopSamples;
    }
}

static void run() {
    if (!microphone.running()) {
        if (!microphone.begin(receive_buffer)) {
            Serial.println(F("ERR: Failed to start PDM!"));
            return;
        }
        restart_capture();
    }
    print_state(Serial, "running");
}

static void stop() {
    microphone.end();
    decision.clear();
    set_led(Colour::kOff);
    print_state(Serial, "stopped");
}

static Command read_command() {
    while (Serial.available() > 0) {
        const Command command = command_parser.add(static_cast<char>(Serial.read()));
        if (command.name != 0) return command;
    }
    return Command{};
}

static void handle_command(const Command& command) {
    if (command.name == '?') print_info(Serial, threshold, microphone.running());
    if (command.name == 'c') print_self_test(Serial, run_self_test(window, classify_window));
    if (command.name == 's') stop();
    if (command.name == 'r') run();
    if (command.name == 't') {
        if (command.has_value) threshold = command.value;
        print_info(Serial, threshold, microphone.running());
    }
}

void setup() {
    Serial.begin(115200);
    begin_led();
    print_settings(Serial);
    run();
}

void loop() {
    const Command command = read_command();
    if (command.name != 0) handle_command(command);
    if (microphone.restart_if_stalled()) {
        report_overrun(F("ERR: PDM buffer overrun"));
        restart_capture();
    }
    if (!microphone.running()) return;
    skip_overwritten_windows();
    if (microphone.ring().written_up_to(window_end)) classify_next_window();
}
