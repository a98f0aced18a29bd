// The replies to Edge Impulse's AT commands.
#include "at_commands.h"

#include "check.h"
#include "string_print.h"

namespace {

constexpr uint32_t kMaxSamples = 48000;

struct Board {
    AtCommands commands{"ARDUINO_NANO33BLE", 16000, kMaxSamples};
    AtRequest request;

    // Handles a line; returns the reply.
    std::string reply(const std::string& line) {
        StringPrint out;
        request = commands.handle(line.c_str(), out);
        return out.text;
    }
};

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

const std::string kOk = "\r\nOK\r\n> ", kError = "\r\nERR: an argument is missing or too long\r\n> ";

}  // namespace

TEST(the_configuration_has_the_sections_of_edge_impulse) {
    Board board;
    board.commands.set_device_id("02:00:01:02:03:04");
    const std::string config = board.reply("AT+CONFIG?");
    for (const char* line :
         {"= Device info =",
          "\r\nID:         02:00:01:02:03:04\r\nType:       ARDUINO_NANO33BLE\r\nAT Version: 1.8.0\r\n",
          "= Sensors =", "\r\nName: Built-in microphone, Max sample length: 3s, Frequencies: [16000.00Hz]\r\n",
          "= Inference =", "= Snapshot =", "\r\nHas snapshot: 0\r\n", "= WIFI =", "\r\nPresent:    0\r\n",
          "= Sampling parameters =", "\r\nInterval:   0.06 ms.\r\nLength:     1000 ms.\r\n",
          "= Upload settings =", "= Remote management =", "\r\nLast error: \r\n> "}) {
        CHECK(contains(config, line));
    }
    CHECK_EQUAL(config.find("> "), config.size() - 2);  // the tools take the first "> " for the prompt
}

TEST(settings_are_kept_until_they_are_cleared) {
    Board board;
    CHECK_EQUAL(board.reply("AT+DEVICEID=kitchen"), kOk);
    CHECK_EQUAL(board.reply("AT+UPLOADSETTINGS=ei_0123,/api/training/data"), kOk);
    CHECK_EQUAL(board.reply("AT+UPLOADHOST=127.0.0.1"), kOk);
    CHECK_EQUAL(board.reply("AT+MGMTSETTINGS=ws://127.0.0.1:4802"), kOk);
    CHECK_EQUAL(board.reply("AT+SAMPLESETTINGS=hip, hop,0.0625,1500,secret"), kOk);
    const std::string config = board.reply("AT+CONFIG?");
    for (const char* line : {"ID:         kitchen\r\n", "Api Key:    ei_0123\r\n", "Path:       /api/training/data\r\n",
                             "Host:       127.0.0.1\r\n", "URL:        ws://127.0.0.1:4802\r\n",
                             "Label:      hip, hop\r\n", "Length:     1500 ms.\r\n", "HMAC key:   secret\r\n"}) {
        CHECK(contains(config, line));
    }
    CHECK_EQUAL(board.reply("AT+CLEARCONFIG"), kOk);
    CHECK(!contains(board.reply("AT+CONFIG?"), "ei_0123"));
}

TEST(a_setting_that_is_too_long_or_incomplete_changes_nothing) {
    Board board;
    board.reply("AT+UPLOADSETTINGS=key,path");
    board.reply("AT+SAMPLESETTINGS=rock,0.0625,500,");
    for (const std::string& line :
         {std::string("AT+UPLOADSETTINGS=other"), "AT+UPLOADSETTINGS=" + std::string(129, 'k') + ",path",
          "AT+UPLOADSETTINGS=other," + std::string(65, 'p'), std::string("AT+SAMPLESETTINGS=jazz,0.0625"),
          std::string("AT+SAMPLESETTINGS=jazz,x,500,"), std::string("AT+SAMPLESETTINGS=jazz,0.0625,99999999999,"),
          "AT+SAMPLESETTINGS=" + std::string(65, 'j') + ",0.0625,500,", "AT+DEVICEID=" + std::string(33, 'd')}) {
        CHECK_EQUAL(board.reply(line), kError);
    }
    const std::string config = board.reply("AT+CONFIG?");
    CHECK(contains(config, "Api Key:    key\r\n") && contains(config, "Path:       path\r\n"));
    CHECK(contains(config, "Label:      rock\r\n") && contains(config, "Length:     500 ms.\r\n"));
}

TEST(a_recording_starts_if_the_microphone_and_the_buffer_can_do_it) {
    Board board;
    for (const char* interval : {"0.0625", "0.06", "0.062"}) {
        board.reply(std::string("AT+SAMPLESETTINGS=rock,") + interval + ",3000,");
        CHECK_EQUAL(board.reply("AT+SAMPLESTART=Built-in microphone"), std::string("\r\n"));
        CHECK(board.request.action == AtRequest::kSample);
        CHECK_EQUAL(board.commands.samples(), 48000u);
    }
    CHECK(
        contains(board.reply("AT+SAMPLESTART=Camera"), "ERR: Failed to find sensor 'Camera' in the sensor list\r\n> "));
    board.reply("AT+SAMPLESETTINGS=rock,10,3000,");
    CHECK(contains(board.reply("AT+SAMPLESTART=Built-in microphone"), "ERR: the microphone has one frequency"));
    for (const char* length : {"3001", "36000000", "4294967295", "0"}) {
        board.reply(std::string("AT+SAMPLESETTINGS=rock,0.0625,") + length + ",");
        CHECK(contains(board.reply("AT+SAMPLESTART=Built-in microphone"),
                       "ERR: the buffer holds recordings of 1 to 3000 ms\r\n> "));
        CHECK(board.request.action == AtRequest::kNone);
    }
}

TEST(the_buffer_is_read_without_another_baud_rate) {
    Board board;
    for (const char* line : {"AT+READBUFFER=3,9", "AT+READBUFFER=3,9,n"}) {
        CHECK_EQUAL(board.reply(line), std::string("\r\n"));
        CHECK(board.request.action == AtRequest::kReadBuffer);
        CHECK(board.request.from == 3 && board.request.to == 9);
    }
    for (const char* line : {"AT+READBUFFER=3,9,y", "AT+READBUFFER=3", "AT+READBUFFER=9,3", "AT+READBUFFER=a,b"}) {
        CHECK(contains(board.reply(line), "ERR: "));
        CHECK(board.request.action == AtRequest::kNone);
    }
}

TEST(other_commands) {
    Board board;
    for (const char* line : {"AT+RUNIMPULSE", "AT+RUNIMPULSECONT", "AT+RUNIMPULSEDEBUG", "AT+RUNIMPULSEDEBUG=n"}) {
        board.reply(line);
        CHECK(board.request.action == AtRequest::kRunImpulse);
    }
    CHECK_EQUAL(board.reply("AT"), std::string("\r\n\r\n> "));
    CHECK_EQUAL(board.reply("AT+UNLINKFILE=/fs/a"), std::string("\r\n\r\n> "));
    for (const char* line : {"ATX", "AT+", "AT+SNAPSHOT=1,1", "AT+CONFIG"}) {
        CHECK_EQUAL(board.reply(line), std::string("\r\nNot a valid AT command\r\n> "));
    }
}
