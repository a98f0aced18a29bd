// Edge Impulse's AT command set, version 1.8: its tools configure the board with it and record through it.
//
// A reply begins with an end of line, in place of the echo of the command, and ends with the prompt "\r\n> ". The
// settings are kept until the board is reset.
#pragma once

#include <Arduino.h>
#include <stdint.h>
#include <string.h>

#include "commands.h"

// What the sketch does for a command, beyond the settings. It prints the prompt when it has done it.
struct AtRequest {
    enum Action { kNone, kSample, kReadBuffer, kRunImpulse } action = kNone;
    uint32_t from = 0, to = 0;  // bytes of the buffer, for kReadBuffer
};

inline void print_prompt(Print& out) { out.print(F("\r\n> ")); }

class AtCommands {
public:
    static constexpr const char* kSensor = "Built-in microphone";

    // The buffer holds recordings of up to `max_samples` samples.
    AtCommands(const char* device_type, uint32_t sample_rate, uint32_t max_samples)
        : device_type_(device_type), sample_rate_(sample_rate), max_samples_(max_samples) {}

    // `id` has at most 32 characters. A command may set another one.
    void set_device_id(const char* id) { copy(id, strlen(id), device_id_, sizeof device_id_); }

    const char* device_id() const { return device_id_; }
    const char* device_type() const { return device_type_; }
    const char* label() const { return label_; }

    // The samples of a recording of the set length; more than max_samples() if it does not fit.
    uint64_t samples() const { return uint64_t{length_ms_} * sample_rate_ / 1000; }
    uint32_t max_samples() const { return max_samples_; }

    // Carries out one line that begins with "AT" and prints its reply.
    AtRequest handle(const char* line, Print& out) {
        AtRequest request;
        out.println();
        const char* name = nullptr;
        if (begins_with(line, "AT+", &name)) {
            request = handle_name(name, out);
        } else if (!is(line, "AT")) {  // which is answered with the prompt
            out.print(F("Not a valid AT command"));
        }
        if (request.action == AtRequest::kNone) print_prompt(out);
        return request;
    }

private:
    static bool is(const char* text, const char* expected) { return strcmp(text, expected) == 0; }

    // Whether `text` begins with `prefix`; `rest` becomes what is behind it.
    static bool begins_with(const char* text, const char* prefix, const char** rest) {
        const size_t length = strlen(prefix);
        if (strncmp(text, prefix, length) != 0) return false;
        *rest = text + length;
        return true;
    }

    AtRequest handle_name(const char* name, Print& out) {
        AtRequest request;
        const char* arguments = nullptr;
        if (is(name, "CONFIG?")) {
            print_config(out);
        } else if (is(name, "DEVICEINFO?")) {
            print_device(out);
        } else if (is(name, "SENSORS?")) {
            print_sensors(out);
        } else if (is(name, "SAMPLESETTINGS?")) {
            print_sampling(out);
        } else if (is(name, "UPLOADSETTINGS?")) {
            print_upload(out);
        } else if (is(name, "CLEARCONFIG")) {
            clear_settings();
            out.print(F("OK"));
        } else if (begins_with(name, "DEVICEID=", &arguments)) {
            print_result(out, read_arguments(arguments, {{device_id_, sizeof device_id_}}, 1));
        } else if (begins_with(name, "UPLOADSETTINGS=", &arguments)) {
            print_result(out, read_arguments(arguments, {{api_key_, sizeof api_key_}, {path_, sizeof path_}}, 2));
        } else if (begins_with(name, "UPLOADHOST=", &arguments)) {
            print_result(out, read_arguments(arguments, {{host_, sizeof host_}}, 1));
        } else if (begins_with(name, "MGMTSETTINGS=", &arguments)) {
            print_result(out, read_arguments(arguments, {{management_url_, sizeof management_url_}}, 1));
        } else if (begins_with(name, "SAMPLESETTINGS=", &arguments)) {
            print_result(out, read_sampling(arguments));
        } else if (begins_with(name, "SAMPLESTART=", &arguments)) {
            if (can_sample(arguments, out)) request.action = AtRequest::kSample;
        } else if (begins_with(name, "READBUFFER=", &arguments)) {
            if (read_range(arguments, &request)) {
                request.action = AtRequest::kReadBuffer;
            } else {
                out.print(F("ERR: the arguments are START,END,n"));
            }
        } else if (is(name, "RUNIMPULSE") || is(name, "RUNIMPULSECONT") ||
                   begins_with(name, "RUNIMPULSEDEBUG", &arguments)) {
            request.action = AtRequest::kRunImpulse;
        } else if (!begins_with(name, "UNLINKFILE=", &arguments)) {  // there are no files: nothing is left of one
            out.print(F("Not a valid AT command"));
        }
        return request;
    }

    struct Text {
        char* into;
        size_t size;
    };

    static void print_result(Print& out, bool ok) {
        out.print(ok ? F("OK") : F("ERR: an argument is missing or too long"));
    }

    static bool copy(const char* text, size_t length, char* into, size_t size) {
        if (length >= size) return false;
        memcpy(into, text, length);
        into[length] = 0;
        return true;
    }

    // Copies `count` arguments, which commas separate; the last one is the rest of the line. None if one is too long.
    static bool read_arguments(const char* text, const Text (&texts)[2], int count) {
        const char* const comma = strchr(text, ',');
        if (count == 1) return copy(text, strlen(text), texts[0].into, texts[0].size);
        if (comma == nullptr) return false;
        const size_t first = static_cast<size_t>(comma - text);
        if (first >= texts[0].size) return false;
        return copy(comma + 1, strlen(comma + 1), texts[1].into, texts[1].size) &&
               copy(text, first, texts[0].into, texts[0].size);
    }

    // LABEL,INTERVAL_MS,LENGTH_MS[,HMAC_KEY]. The label may contain commas, the numbers and the key may not.
    bool read_sampling(const char* text) {
        const char* comma = strchr(text, ',');
        while (comma != nullptr) {
            const char *end = nullptr, *next = nullptr;
            uint32_t interval_us = 0, length_ms = 0;
            if (parse_milliseconds(comma + 1, &end, &interval_us) && *end == ',' &&
                parse_uint32(end + 1, &next, &length_ms)) {
                if (*next == '.') next += 1 + strspn(next + 1, "0123456789");
                if (*next == 0 || *next == ',') return set_sampling(text, comma, interval_us, length_ms, next);
            }
            comma = strchr(comma + 1, ',');
        }
        return false;
    }

    bool set_sampling(const char* text, const char* comma, uint32_t interval_us, uint32_t length_ms, const char* rest) {
        const char* key = *rest == ',' ? rest + 1 : nullptr;
        const size_t label = static_cast<size_t>(comma - text);
        if (label >= sizeof label_ || (key != nullptr && strlen(key) >= sizeof hmac_key_)) return false;
        copy(text, label, label_, sizeof label_);
        if (key != nullptr) copy(key, strlen(key), hmac_key_, sizeof hmac_key_);
        interval_us_ = interval_us;
        length_ms_ = length_ms;
        return true;
    }

    // Parses decimal milliseconds to whole microseconds.
    static bool parse_milliseconds(const char* text, const char** end, uint32_t* microseconds) {
        uint32_t whole = 0, scale = 1000;
        if (!parse_uint32(text, end, &whole) || whole > 1000000) return false;
        *microseconds = whole * scale;
        if (**end != '.') return true;
        for (++*end; **end >= '0' && **end <= '9'; ++*end) {
            scale /= 10;
            *microseconds += static_cast<uint32_t>(**end - '0') * scale;
        }
        return true;
    }

    bool can_sample(const char* sensor, Print& out) const {
        const uint32_t interval_us = 1000000 / sample_rate_;
        if (!is(sensor, kSensor)) {
            out.print(F("ERR: Failed to find sensor '"));
            out.print(sensor);
            out.print(F("' in the sensor list"));
        } else if (interval_us_ + 2 < interval_us || interval_us_ > interval_us + 1) {
            // The tools send 0.06 (as in the list of settings), 0.062 or 0.0625.
            out.print(F("ERR: the microphone has one frequency, 16000 Hz: set the interval to 0.0625"));
        } else if (samples() == 0 || samples() > max_samples_) {
            out.print(F("ERR: the buffer holds recordings of 1 to "));
            out.print(static_cast<unsigned long>(uint64_t{max_samples_} * 1000 / sample_rate_));
            out.print(F(" ms"));
        } else {
            return true;
        }
        return false;
    }

    // START,END with an optional third argument, which must not ask for another baud rate.
    static bool read_range(const char* text, AtRequest* request) {
        const char *end = nullptr, *rest = nullptr;
        if (!parse_uint32(text, &end, &request->from) || *end != ',') return false;
        if (!parse_uint32(end + 1, &rest, &request->to) || request->to < request->from) return false;
        return *rest == 0 || is(rest, ",n");
    }

    void clear_settings() {
        char* const texts[] = {api_key_, path_, host_, management_url_, label_, hmac_key_};
        for (char* text : texts) text[0] = 0;
        interval_us_ = kDefaultIntervalUs;
        length_ms_ = kDefaultLengthMs;
    }

    static void print_line(Print& out, const char* key, const char* value) {
        out.print(key);
        out.println(value);
    }

    void print_device(Print& out) const {
        print_line(out, "ID:         ", device_id_);
        print_line(out, "Type:       ", device_type_);
        out.println(F("AT Version: 1.8.0"));
        out.println(F("Data Transfer Baudrate: 115200"));
    }

    void print_sensors(Print& out) const {
        out.print(F("Name: "));
        out.print(kSensor);
        out.print(F(", Max sample length: "));
        out.print(static_cast<unsigned long>(max_samples_ / sample_rate_));
        out.print(F("s, Frequencies: ["));
        out.print(static_cast<double>(sample_rate_), 2);
        out.println(F("Hz]"));
    }

    void print_sampling(Print& out) const {
        print_line(out, "Label:      ", label_);
        out.print(F("Interval:   "));
        out.print(static_cast<double>(interval_us_) / 1000.0, 2);
        out.println(F(" ms."));
        out.print(F("Length:     "));
        out.print(static_cast<unsigned long>(length_ms_));
        out.println(F(" ms."));
        print_line(out, "HMAC key:   ", hmac_key_);
    }

    void print_upload(Print& out) const {
        print_line(out, "Api Key:    ", api_key_);
        print_line(out, "Host:       ", host_);
        print_line(out, "Path:       ", path_);
    }

    void print_config(Print& out) const {
        out.println(F("===== Device info ====="));
        print_device(out);
        out.println(F("\r\n===== Sensors ====="));
        print_sensors(out);
        out.println(F("\r\n===== Inference ====="));
        out.println(F("Sensor:     1\r\nModel type: classification"));
        out.println(F("\r\n===== Snapshot ====="));
        out.println(F("Has snapshot: 0"));
        out.println(F("\r\n===== WIFI ====="));
        out.println(F("Present:    0"));
        out.println(F("\r\n===== Sampling parameters ====="));
        print_sampling(out);
        out.println(F("\r\n===== Upload settings ====="));
        print_upload(out);
        out.println(F("\r\n===== Remote management ====="));
        print_line(out, "URL:        ", management_url_);
        out.print(F("Connected:  0\r\nLast error: "));
    }

    static constexpr uint32_t kDefaultIntervalUs = 62, kDefaultLengthMs = 1000;

    const char* device_type_;
    uint32_t sample_rate_;
    uint32_t max_samples_;
    uint32_t interval_us_ = kDefaultIntervalUs;  // rounded down from 62.5
    uint32_t length_ms_ = kDefaultLengthMs;
    char device_id_[33] = {};
    char api_key_[129] = {};
    char path_[65] = {};
    char host_[97] = {};
    char management_url_[97] = {};
    char label_[65] = {};
    char hmac_key_[65] = {};
};
