// The lines of the serial line, with the labels and the model of the generated library.
#include "report.h"

#include "check.h"
#include "string_print.h"

namespace {

ei_impulse_result_t result_with_scores(float classical, float rock) {
    ei_impulse_result_t result = {};
    result.classification[0] = {"classical", classical};
    result.classification[1] = {"rock", rock};
    result.timing.dsp = 45;
    result.timing.dsp_us = 45355;
    result.timing.classification = 3;
    result.timing.classification_us = 2871;
    return result;
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST(scores_are_printed_as_edge_impulse_prints_them) {
    StringPrint out;
    print_text(out, result_with_scores(0.25f, 0.75f));
    CHECK_EQUAL(out.text, std::string("Predictions (DSP: 45 ms., Classification: 3 ms., Anomaly: 0 ms.): \r\n"
                                      "    classical: 0.25000\r\n    rock: 0.75000\r\n"));
}

TEST(a_prediction_is_one_json_line) {
    const ei_impulse_result_t result = result_with_scores(0.25f, 0.75f);
    const Level level = {0, 3277 * 256, 65536};
    StringPrint out;
    print_prediction(out, {result, level, 7, 5000000000, 1, {"red", 255, 0, 0}, 2});
    CHECK(contains(out.text, "{\"eitk\":1,\"seq\":7,\"end\":5000000000,\"ms\":"));
    CHECK(contains(out.text, ",\"level_dbfs\":-20.00,\"scores\":{\"classical\":0.25000,\"rock\":0.75000}"));
    CHECK(
        contains(out.text, ",\"winner\":\"rock\",\"led\":\"red\",\"dsp_us\":45355,\"nn_us\":2871,\"overruns\":2}\r\n"));
    CHECK_EQUAL(out.text.find('\n'), out.text.size() - 1);
    const std::string name = std::string(model_sha256()).substr(0, 12);
    CHECK(contains(out.text, ",\"model\":\"" + name + "\","));
}

TEST(an_uncertain_prediction_has_no_label) {
    const ei_impulse_result_t result = result_with_scores(0.5f, 0.5f);
    StringPrint out;
    print_prediction(out, {result, Level{}, 0, 48000, -1, kLedBlue, 0});
    CHECK(contains(out.text, ",\"winner\":\"uncertain\",\"led\":\"blue\","));
}

TEST(information_names_the_labels_and_the_window) {
    StringPrint out;
    print_info(out, 0.6f, "running");
    CHECK(contains(out.text, "\"labels\":[\"classical\",\"rock\"],\"window\":48000,\"hop\":8000,\"threshold\":0.600,"));
    CHECK(contains(out.text, "\"model_sha256\":\"" + std::string(model_sha256()) + "\""));
    CHECK(contains(out.text, "\"state\":\"running\"}}\r\n"));
}

TEST(the_state_is_one_json_line) {
    StringPrint out;
    print_state(out, "stopped");
    CHECK_EQUAL(out.text, std::string("{\"eitk\":1,\"state\":\"stopped\"}\r\n"));
}

TEST(the_self_test_is_one_json_line) {
    StringPrint out;
    SelfTest test;
    test.samples_crc = 4294967295u;
    test.scores_crc = 1;
    test.ok = false;
    print_self_test(out, test);
    CHECK_EQUAL(out.text, std::string("{\"eitk\":1,\"selftest\":{\"ok\":false,\"samples_crc\":4294967295,"
                                      "\"scores_crc\":1}}\r\n"));
}

TEST(the_settings_are_those_of_the_library) {
    StringPrint out;
    print_settings(out);
    CHECK(contains(out.text, "Edge Impulse Inferencing Demo\r\n"));
    CHECK(contains(out.text, "\tInterval: 0.06 ms.\r\n\tFrame size: 48000\r\n\tSample length: 3000 ms.\r\n"));
    CHECK(contains(out.text, "\tNo. of classes: 2\r\n"));
}

TEST(the_level_is_relative_to_full_scale) {
    CHECK_NEAR(level_dbfs({0, 32768 * 256, 0}), 0, 1e-5);
    CHECK_NEAR(level_dbfs({0, 328 * 256, 0}), -40, 0.01);
    CHECK_NEAR(level_dbfs({0, 0, 0}), -138.5, 0.05);
}

TEST(the_crc_is_that_of_zlib) {
    uint32_t crc = 0xFFFFFFFFu;
    for (const char c : std::string("123456789")) crc = add_to_crc32(crc, static_cast<uint8_t>(c));
    CHECK_EQUAL(~crc, 0xCBF43926u);
}
