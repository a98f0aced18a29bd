#include "request.h"

#include "check.h"
#include "json_text.h"

namespace {

float samples[4];

// The error of a request; empty if there is none.
std::string read(const std::string& text, Request* request) {
    const char* error = read_request(text.c_str(), text.size(), samples, 4, request);
    return error != nullptr ? error : "";
}

std::string error_of(const std::string& text) {
    Request request;
    return read(text, &request);
}

}  // namespace

TEST(a_request_has_an_id_and_a_command) {
    Request request;
    CHECK_EQUAL(read(R"({"hello": 1, "id": -7})", &request), std::string());
    CHECK(request.command == Command::kHello && request.has_id);
    CHECK_EQUAL(request.id, -7);
    CHECK_EQUAL(request.value, 1.0);
}

TEST(samples_are_numbers_of_every_form) {
    Request request;
    CHECK_EQUAL(read(R"({"id":1,"classify":[-32768, 0.5, 1e2 ,-1234567890.25]})", &request), std::string());
    CHECK(request.command == Command::kClassify);
    CHECK_EQUAL(request.count, size_t{4});
    CHECK_EQUAL(samples[0], -32768.0f);
    CHECK_EQUAL(samples[1], 0.5f);
    CHECK_EQUAL(samples[2], 100.0f);
    CHECK_EQUAL(samples[3], -1234567890.25f);
}

TEST(numbers_are_rounded_as_the_compiler_rounds_them) {
    const char* const text = R"({"a":[0.1,-0.0,123456789012345,12345678901234.5,1234567890123456.7,0.000000000000001,
        1.7976931348623157e308,0.30000000000000004,99999999999999999999999999,2.5E-3]})";
    const double expected[] = {0.1,
                               -0.0,
                               123456789012345,
                               12345678901234.5,
                               1234567890123456.7,
                               0.000000000000001,
                               1.7976931348623157e308,
                               0.30000000000000004,
                               99999999999999999999999999.0,
                               2.5E-3};
    json::Reader reader(text, std::string(text).size());
    size_t count = 0;
    const bool valid = reader.object([&](const json::Text&) {
        return reader.array([&] {
            double value = 0;
            const bool read = reader.number(&value);
            CHECK_EQUAL(value, expected[count++]);
            return read;
        });
    });
    CHECK(valid && reader.finished());
    CHECK_EQUAL(count, sizeof expected / sizeof *expected);
}

TEST(more_samples_than_there_is_room_for_are_counted_only) {
    Request request;
    CHECK_EQUAL(read(R"({"id":1,"classify_continuous":[1,2,3,4,5,6]})", &request), std::string());
    CHECK_EQUAL(request.count, size_t{6});
}

TEST(samples_in_shared_memory_are_counted) {
    Request request;
    CHECK_EQUAL(read(R"({"classify_shm":{"elements":48000,"x":[]},"id":1,"debug":true})", &request), std::string());
    CHECK(request.command == Command::kClassifyShared && request.debug);
    CHECK_EQUAL(request.count, size_t{48000});
    CHECK_EQUAL(error_of(R"({"id":1,"classify_shm":{}})"), std::string("the request has no valid 'elements'"));
    CHECK_EQUAL(error_of(R"({"id":1,"classify_shm":{"elements":-1}})"),
                std::string("the request has no valid 'elements'"));
}

TEST(unknown_members_are_skipped) {
    const std::string known = R"("id":1,"hello":1)";
    CHECK_EQUAL(error_of("{\"x\":{\"y\":[null,true,false,\"\\u00e9\\n\",{}]},\"z\":-0.1E+3," + known + "}"),
                std::string());
}

TEST(the_id_is_known_when_another_member_is_invalid) {
    Request request;
    CHECK_EQUAL(read(R"({"id":5,"classify":[1,"2"]})", &request), std::string("expected a number"));
    CHECK(request.has_id);
    CHECK_EQUAL(request.id, 5);
}

TEST(a_request_that_is_incomplete_or_ambiguous_is_rejected) {
    CHECK_EQUAL(error_of(R"({"hello":1})"), std::string("the message has no 'id'"));
    CHECK_EQUAL(error_of(R"({"id":1})"), std::string("the message has no known request"));
    CHECK_EQUAL(error_of(R"({"id":1,"hello":1,"classify":[]})"), std::string("the message has more than one request"));
    CHECK_EQUAL(error_of(R"({"id":1.5,"hello":1})"), std::string("'id' is not an integer"));
    CHECK_EQUAL(error_of(R"({"id":1e300,"hello":1})"), std::string("'id' is not an integer"));
}

TEST(text_that_is_not_json_is_rejected) {
    for (const char* text : {"",
                             "{",
                             "{}}",
                             "[]",
                             R"({"id"})",
                             R"({"id":})",
                             R"({"id":1,})",
                             "{,}",
                             R"({"id":01})",
                             R"({"id":-})",
                             R"({"id":1.})",
                             R"({"id":.5})",
                             R"({"id":1e})",
                             R"({"id":+1})",
                             R"({"id":1e999})",
                             R"({"id":nan})",
                             "{'id':1}",
                             R"({"id":1 2})",
                             R"({"x":tru})",
                             R"({"x":truely})",
                             R"({"x":"\x"})",
                             R"({"x":"\u12g4"})",
                             "{\"x\":\"\t\"}",
                             R"({"x":"a})",
                             R"({"x":[1})",
                             R"({"x":[1,]})",
                             R"({"x":[,1]})",
                             R"({"debug":1})",
                             R"({"hello":"1"})",
                             R"({"classify":{}})"}) {
        CHECK(!error_of(text).empty());
    }
    CHECK_EQUAL(error_of(R"({"id":1,"x":)" + std::string(100, '[') + std::string(100, ']') + "}"),
                std::string("the text is nested too deeply"));
}

TEST(strings_are_quoted) {
    CHECK_EQUAL(json::quoted("a\"b\\\n\x7f\xc3\xa9"), std::string("\"a\\\"b\\\\\\u000a\\u007f\xc3\xa9\""));
}
