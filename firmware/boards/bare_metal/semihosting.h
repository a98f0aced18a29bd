// Files of the host, through ARM semihosting. QEMU needs -semihosting-config enable=on,target=native.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace semihosting {

enum class Mode : uint32_t { kRead = 1, kWrite = 5 };  // "rb" and "wb"

// The handle of a file in the folder that QEMU was started in, or a negative number.
int32_t open(const char* name, Mode mode);
void close(int32_t file);

// Both return the number of bytes that were transferred.
size_t read(int32_t file, void* to, size_t bytes);
size_t write(int32_t file, const void* from, size_t bytes);

}  // namespace semihosting
