#include "shared_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

namespace shared_memory {
namespace {

constexpr int kTries = 8;  // of names that others have
char current_name[32];     // empty: there is none
float* mapped = nullptr;
size_t mapped_bytes = 0;

// Opens a new object under a random name. Returns its file descriptor, or -1.
int open_new() {
    for (int i = 0; i < kTries; ++i) {
        unsigned char random[8];
        if (getrandom(random, sizeof random, 0) != static_cast<ssize_t>(sizeof random)) return -1;
        size_t length = static_cast<size_t>(snprintf(current_name, sizeof current_name, "/eitk-"));
        for (const unsigned char byte : random) {
            length += static_cast<size_t>(snprintf(current_name + length, sizeof current_name - length, "%02x", byte));
        }
        const int file = shm_open(current_name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
        if (file >= 0 || errno != EEXIST) return file;
    }
    return -1;
}

const char* fail() {
    const char* const error = strerror(errno);  // NOLINT(concurrency-mt-unsafe): there is one thread
    remove();
    return error;
}

}  // namespace

const char* create(size_t count) {
    remove();
    const int file = open_new();
    if (file < 0) {
        current_name[0] = '\0';
        return fail();
    }
    mapped_bytes = count * sizeof *mapped;
    void* memory = MAP_FAILED;
    if (ftruncate(file, static_cast<off_t>(mapped_bytes)) == 0) {
        memory = mmap(nullptr, mapped_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    }
    const char* const error = memory == MAP_FAILED ? fail() : nullptr;
    close(file);
    if (error == nullptr) mapped = static_cast<float*>(memory);
    return error;
}

float* samples() { return mapped; }

const char* name() { return mapped != nullptr ? current_name : nullptr; }

void remove() {
    if (mapped != nullptr) munmap(mapped, mapped_bytes);
    mapped = nullptr;
    if (current_name[0] != '\0') shm_unlink(current_name);
    current_name[0] = '\0';
}

}  // namespace shared_memory
