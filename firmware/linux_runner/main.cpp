// The program of an Edge Impulse model file (.eim): answers requests with the features and the model of one impulse.
//
//   model.eim SOCKET         listens on a Unix socket, for one client after the other
//   model.eim stdin          reads requests from standard input
//   model.eim --print-info   describes project and model
//
// A request is a JSON object with an `id`; its response is a JSON object with the same `id`, ended by a zero byte.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "framing.h"
#include "model-parameters/model_variables.h"
#include "request.h"
#include "responses.h"
#include "shared_memory.h"
#include "window_level.h"

namespace {

constexpr size_t kWindow = EI_CLASSIFIER_DSP_INPUT_FRAME_SIZE;
constexpr size_t kSlice = EI_CLASSIFIER_SLICE_SIZE;
constexpr size_t kMaxMessage = 4096 + 32 * kWindow;  // a sample has at most 24 characters and a separator

char message[kMaxMessage + 1];
float samples[kWindow];
float levelled[kWindow];
float newest[kWindow];                            // of a stream whose windows are brought to a level
size_t newest_samples = 0;                        // samples of the stream so far, at most kWindow
char socket_path[sizeof(sockaddr_un::sun_path)];  // to be removed at the end; empty: there is none

std::string with_number(const char* text, size_t number) { return text + std::to_string(number); }

void begin_stream() {
    run_classifier_init();
    newest_samples = 0;
}

std::string greet(const Request& request) {
    if (request.value != 1) return failure(&request.id, "this version of 'hello' is not known; use 1");
    begin_stream();
    const char* const error = shared_memory::create(kWindow);
    return model_description(request.id, error);
}

EI_IMPULSE_ERROR classify_window(const float* window, ei_impulse_result_t* result, bool debug) {
    if (kLevelMode != LevelMode::kNone) write_levelled(window, kWindow, levelled);
    ei::signal_t signal;
    ei::numpy::signal_from_buffer(kLevelMode == LevelMode::kNone ? window : levelled, kWindow, &signal);
    return run_classifier(&signal, result, debug);
}

EI_IMPULSE_ERROR classify_slice(const float* slice, ei_impulse_result_t* result, bool debug) {
    if (kLevelMode == LevelMode::kNone) {
        ei::signal_t signal;
        ei::numpy::signal_from_buffer(slice, kSlice, &signal);
        return run_classifier_continuous(&signal, result, debug);
    }
    // The gain of a window depends on all of its samples, so each window is computed as a whole.
    memmove(newest, newest + kSlice, sizeof newest - kSlice * sizeof *newest);
    memcpy(newest + kWindow - kSlice, slice, kSlice * sizeof *newest);
    newest_samples += kSlice;
    if (newest_samples >= kWindow) {
        newest_samples = kWindow;
        return classify_window(newest, result, debug);
    }
    *result = {};
    for (int i = 0; i < EI_CLASSIFIER_LABEL_COUNT; ++i) {
        result->classification[i].label = ei_classifier_inferencing_categories[i];
    }
    return EI_IMPULSE_OK;
}

std::string classify(const Request& request, const float* from, bool continuous) {
    const size_t wanted = continuous ? kSlice : kWindow;
    if (from == nullptr) return failure(&request.id, "there is no shared memory: send 'hello' first");
    if (request.count != wanted) {
        return failure(&request.id, with_number("there are ", request.count) + " samples, but " +
                                        (continuous ? "a slice" : "a window") + with_number(" has ", wanted));
    }
    ei_impulse_result_t result;
    const EI_IMPULSE_ERROR error =
        continuous ? classify_slice(from, &result, request.debug) : classify_window(from, &result, request.debug);
    fflush(stdout);
    if (error != EI_IMPULSE_OK) return failure(&request.id, "classification failed: " + std::to_string(error));
    return classification(request.id, result);
}

std::string respond(Framer* framer) {
    Request request;
    if (const char* const error = read_request(framer->text(), framer->length(), samples, kWindow, &request)) {
        framer->drop_rest();
        return failure(request.has_id ? &request.id : nullptr, error);
    }
    switch (request.command) {
        case Command::kHello:
            return greet(request);
        case Command::kClassify:
            return classify(request, samples, false);
        case Command::kClassifyContinuous:
            return classify(request, samples, true);
        case Command::kClassifyShared:
            return classify(request, shared_memory::samples(), false);
        case Command::kClassifyContinuousShared:
            return classify(request, shared_memory::samples(), true);
        default:
            return failure(&request.id, "this model has no threshold that can be set: it returns all scores");
    }
}

bool send(int to, const std::string& response) {
    const char* at = response.c_str();
    size_t left = response.size() + 1;  // with the zero byte
    while (left > 0) {
        const ssize_t written = write(to, at, left);
        if (written < 0 && errno != EINTR) return false;
        if (written > 0) {
            at += written;
            left -= static_cast<size_t>(written);
        }
    }
    return true;
}

// Answers requests until the client closes the connection.
void answer(int from, int to) {
    static char received[65536];
    Framer framer(message, kMaxMessage);
    for (;;) {
        const ssize_t count = read(from, received, sizeof received);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return;
        for (ssize_t i = 0; i < count; ++i) {
            const Framed framed = framer.add(received[i]);
            if (framed == Framed::kNothing) continue;
            std::string response;
            if (framed == Framed::kMessage) response = respond(&framer);
            if (framed == Framed::kMalformed) response = failure(nullptr, "a request is one complete JSON object");
            if (framed == Framed::kTooLong) {
                response = failure(nullptr, with_number("a request has at most ", kMaxMessage) + " bytes");
            }
            if (!send(to, response + "\n")) return;
        }
    }
}

void serve(int from, int to) {
    begin_stream();
    answer(from, to);
    shared_memory::remove();
}

int fail(const char* what, const char* path) {
    fprintf(stderr, "error: %s %s: %s\n", what, path, strerror(errno));
    return 1;
}

// Returns a socket that listens at `path`, or -1. The path exists only when clients can connect: official clients
// connect as soon as it does.
int listen_at(const char* path) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    const size_t length = strlen(path);
    if (length == 0 || length + 1 >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    struct stat found = {};
    if (lstat(path, &found) == 0 && !S_ISSOCK(found.st_mode)) {
        errno = EEXIST;
        return -1;
    }
    snprintf(address.sun_path, sizeof address.sun_path, "%s~", path);
    unlink(address.sun_path);
    const int listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool bound = listening >= 0 && bind(listening, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    if (!bound || listen(listening, 8) != 0 || rename(address.sun_path, path) != 0) return -1;
    snprintf(socket_path, sizeof socket_path, "%s", path);
    return listening;
}

int serve_socket(const char* path) {
    const int listening = listen_at(path);
    if (listening < 0) return fail("cannot listen at", path);
    for (;;) {
        const int client = accept4(listening, nullptr, nullptr, SOCK_CLOEXEC);
        if (client < 0 && errno != EINTR && errno != ECONNABORTED) return fail("cannot accept clients at", path);
        if (client < 0) continue;
        serve(client, client);
        close(client);
    }
}

int print_description() {
    puts(model_description(1, nullptr).c_str());
    return 0;
}

// The official clients end the program with SIGINT, and take another exit status than 0 for a failure.
void end(int) {
    shared_memory::remove();
    if (socket_path[0] != '\0') unlink(socket_path);
    _exit(0);
}

void handle_signals() {
    struct sigaction action = {};
    action.sa_handler = end;
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaction(number, &action, nullptr);
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, nullptr);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: %s SOCKET, or stdin, or --print-info\n", argc > 0 ? argv[0] : "model.eim");
        return 2;
    }
    handle_signals();
    if (strcmp(argv[1], "--print-info") == 0) return print_description();
    if (strcmp(argv[1], "stdin") != 0) return serve_socket(argv[1]);
    serve(STDIN_FILENO, STDOUT_FILENO);
    return 0;
}
