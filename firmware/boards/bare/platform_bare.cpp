// Cortex-M under QEMU: files input.bin, output.bin and report.bin by semihosting, the CMSDK timer as a clock.
#include "platform.h"

namespace {

constexpr uint32_t kOpen = 0x01, kWrite = 0x05, kRead = 0x06, kExitExtended = 0x20;
constexpr uint32_t kModeRead = 1, kModeWrite = 5;  // "rb", "wb"
constexpr uint32_t kStackPaint = 0xA5A5A5A5u;
constexpr uint32_t kApplicationExit = 0x20026;

struct Timer {
  volatile uint32_t control, value, reload;
};

Timer* timer() { return reinterpret_cast<Timer*>(0x40000000); }

uint32_t semihost(uint32_t operation, const void* argument) {
  register uint32_t r0 __asm__("r0") = operation;
  register const void* r1 __asm__("r1") = argument;
  __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
}

template <uint32_t kLength>
uint32_t open(const char (&name)[kLength], uint32_t mode) {
  const uint32_t arguments[3] = {reinterpret_cast<uint32_t>(name), mode, kLength - 1};
  return semihost(kOpen, arguments);
}

// Bytes not transferred.
uint32_t transfer(uint32_t operation, uint32_t file, const void* memory, uint32_t bytes) {
  const uint32_t arguments[3] = {file, reinterpret_cast<uint32_t>(memory), bytes};
  return semihost(operation, arguments);
}

uint32_t stack_pointer() {
  uint32_t sp;
  __asm__ volatile("mov %0, sp" : "=r"(sp));
  return sp;
}

}  // namespace

extern "C" {
extern uint32_t eitk_bss_end[];

void eitk_exit(int status) {
  const uint32_t arguments[2] = {kApplicationExit, static_cast<uint32_t>(status)};
  semihost(kExitExtended, arguments);
  for (;;) {
  }
}
}

namespace platform {

bool read_input(void* to, int bytes) {
  static const uint32_t file = open("input.bin", kModeRead);
  return transfer(kRead, file, to, bytes) == 0;
}

void write_output(const void* from, int bytes) {
  static const uint32_t file = open("output.bin", kModeWrite);
  transfer(kWrite, file, from, bytes);
}

void report(uint32_t value) {
  static const uint32_t file = open("report.bin", kModeWrite);
  transfer(kWrite, file, &value, sizeof(value));
}

uint32_t ticks() {
  if (timer()->control == 0) {
    timer()->reload = 0xFFFFFFFFu;
    timer()->value = 0xFFFFFFFFu;
    timer()->control = 1;
  }
  return 0xFFFFFFFFu - timer()->value;
}

void paint_stack() {
  for (uint32_t* word = eitk_bss_end; word < reinterpret_cast<uint32_t*>(stack_pointer() - 64); ++word) {
    *word = kStackPaint;
  }
}

uint32_t used_stack() {
  const uint32_t* word = eitk_bss_end;
  while (*word == kStackPaint) ++word;
  return stack_pointer() - reinterpret_cast<uint32_t>(word);
}

}  // namespace platform
