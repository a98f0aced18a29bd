// Classifies the sound at the microphone continuously, shows the result on the RGB LED and on the serial line, and
// records sound for the computer.
//
// Every hop the newest window passes through level, processing blocks and network. The LED has one colour for each
// label, is blue while the result is uncertain, and white during a recording. Commands on the serial line, one on each
// line:
//   ?        print information
//   c        run the self-test
//   s        stop
//   r        run
//   t 0.7    set the threshold
//   m 48000  record that many samples, sent in blocks as recording.h describes; m without a number records until s
//   b        stop, as in Edge Impulse's AT command set, whose commands (AT+...) record to the buffer
// The sketch uses the public API of an Edge Impulse library only, so a library exported by Edge Impulse works as well.

#include "acquisition.h"
#include "at_commands.h"
#include "commands.h"
#include "decision.h"
#include "device_id.h"
#include "eitk_config.h"
#include "led.h"
#include "microphone.h"
#include "recording.h"
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

namespace {
enum class Activity { kStopped, kClassifying, kStreaming, kBuffering };
}
static Activity activity = Activity::kStopped;
static bool classify_afterwards = false;  // when the streamed recording has ended
static StreamedRecording<AudioMicrophone::Ring> recording;
static AcquisitionFile<AudioMicrophone::Ring> buffered;  // what AT+SAMPLESTART has recorded
static uint32_t buffered_recordings = 0;
static AtCommands at_commands("ARDUINO_NANO33BLE", AudioMicrophone::kSampleRate, AudioWindow::kLength);

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
    set_led(kLedBlue);
}

static void report_overrun(const __FlashStringHelper* message) {
    ++overruns;
    Serial.println(message);
}

static void report_prediction(const ei_impulse_result_t& result) {
    float scores[EI_CLASSIFIER_LABEL_COUNT];
    for (int i = 0; i < EI_CLASSIFIER_LABEL_COUNT; ++i) scores[i] = result.classification[i].value;
    const int winner = decision.update(scores, threshold, config::kHysteresis, config::kHoldWindows);
    const Colour colour = winner < 0 ? kLedBlue : colour_of(result.classification[winner].label, config::kColours);
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

// Starts the microphone with sample 0. False, with a message, if it does not start.
static bool start_microphone() {
    if (microphone.running()) microphone.end();
    buffered.clear();
    if (microphone.begin(receive_buffer)) return true;
    activity = Activity::kStopped;
    Serial.println(F("ERR: Failed to start PDM!"));
    return false;
}

static const char* state_name() {
    if (activity == Activity::kStopped) return "stopped";
    return activity == Activity::kClassifying ? "running" : "recording";
}

static void end_streaming(const char* reason) {
    if (recording.active()) recording.end(Serial, reason);
}

static void run() {
    end_streaming("stopped");
    if (activity != Activity::kClassifying) {
        if (!start_microphone()) return;
        activity = Activity::kClassifying;
        restart_capture();
    }
    print_state(Serial, "running");
}

static void stop_microphone() {
    end_streaming("stopped");
    activity = Activity::kStopped;
    microphone.end();
    decision.clear();
    set_led(kLedOff);
}

static void stop() {
    stop_microphone();
    print_state(Serial, "stopped");
}

static void start_streaming(uint32_t samples) {
    end_streaming("stopped");
    if (activity == Activity::kClassifying || activity == Activity::kStopped) {
        classify_afterwards = activity == Activity::kClassifying;
    }
    if (!start_microphone()) return;
    activity = Activity::kStreaming;
    set_led(kLedWhite);
    recording.begin(Serial, samples, AudioMicrophone::kSampleRate, AudioMicrophone::kGain);
}

// Returns to what the sketch did before the recording.
static void finish_streaming() {
    if (classify_afterwards) {
        run();
    } else {
        stop();
    }
}

static void start_buffering() {
    end_streaming("stopped");
    if (!start_microphone()) {
        print_prompt(Serial);
        return;
    }
    activity = Activity::kBuffering;
    set_led(kLedWhite);
    Serial.println(F("Starting in 0 ms...\r\nSampling..."));
}

static void finish_buffering() {
    stop_microphone();
    const uint32_t samples = static_cast<uint32_t>(at_commands.samples());
    buffered.begin(microphone.ring(), samples, at_commands.device_id(), at_commands.device_type());
    Serial.print(F("Done sampling, total samples collected: "));
    Serial.println(static_cast<unsigned long>(samples));
    Serial.println(F("Processing...\r\nDone processing\r\nUploading..."));
    // Edge Impulse's tools take the label from the name of the file.
    Serial.print(F("File name: /fs/"));
    Serial.print(at_commands.label());
    Serial.print('.');
    Serial.print(static_cast<unsigned long>(++buffered_recordings));
    Serial.println(F(".cbor"));
    Serial.print(F("Not uploading file, not connected to WiFi. Used buffer, from=0, to="));
    Serial.print(static_cast<unsigned long>(buffered.size()));
    Serial.print('.');
    print_prompt(Serial);
}

// Prints bytes of the buffered recording in base64.
static void print_buffer(uint32_t from, uint32_t to) {
    constexpr uint32_t kBytesInLine = 576;  // 768 characters
    if (to > buffered.size()) {
        Serial.print(F("ERR: the buffer has "));
        Serial.print(static_cast<unsigned long>(buffered.size()));
        Serial.print(F(" bytes"));
    }
    for (uint32_t start = from; start < to && to <= buffered.size(); start += kBytesInLine) {
        LineBuffer line;
        Base64Encoder encoder(line);
        for (uint32_t i = start; i < to && i < start + kBytesInLine; ++i) encoder.add(buffered.byte(i));
        encoder.finish();
        line.println();
        line.send(Serial);
    }
    print_prompt(Serial);
}

static void handle_at_line(const char* line) {
    const AtRequest request = at_commands.handle(line, Serial);
    if (request.action == AtRequest::kSample) start_buffering();
    if (request.action == AtRequest::kReadBuffer) print_buffer(request.from, request.to);
    if (request.action == AtRequest::kRunImpulse) run();
}

static Command read_command() {
    while (Serial.available() > 0) {
        const Command command = command_parser.add(static_cast<char>(Serial.read()));
        if (command.name != 0) return command;
    }
    return Command{};
}

static void handle_command(const Command& command) {
    if (command.name == '?') print_info(Serial, threshold, state_name());
    if (command.name == 'c') print_self_test(Serial, run_self_test(window, classify_window));
    if (command.name == 's') stop();
    if (command.name == 'r') run();
    if (command.name == 't') {
        if (command.has_value) threshold = command.value;
        print_info(Serial, threshold, state_name());
    }
    if (command.name == 'm') start_streaming(command.samples);
    if (command.name == 'b') {
        stop_microphone();
        print_prompt(Serial);
    }
    if (command.name == 'A') handle_at_line(command.text);
}

static void handle_overrun() {
    report_overrun(F("ERR: PDM buffer overrun"));
    if (activity == Activity::kClassifying) {
        restart_capture();
    } else if (activity == Activity::kStreaming) {
        end_streaming("microphone overrun");
        finish_streaming();
    } else {
        stop_microphone();
        print_prompt(Serial);
    }
}

void setup() {
    Serial.begin(115200);
    begin_led();
    char device_id[18];
    write_device_id(device_id);
    at_commands.set_device_id(device_id);
    print_settings(Serial);
    run();
}

void loop() {
    const Command command = read_command();
    if (command.name != 0) handle_command(command);
    if (microphone.restart_if_stalled()) handle_overrun();
    if (activity == Activity::kStreaming) {
        recording.send_blocks(Serial, microphone.ring());
        if (!recording.active()) finish_streaming();
    } else if (activity == Activity::kBuffering) {
        if (microphone.ring().written_up_to(at_commands.samples())) finish_buffering();
    } else if (activity == Activity::kClassifying) {
        skip_overwritten_windows();
        if (microphone.ring().written_up_to(window_end)) classify_next_window();
    }
}
