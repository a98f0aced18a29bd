// Operations on pairs of 16-bit numbers in one word: instructions of the Cortex-M4's DSP extension, or portable code
// with the same results.
#pragma once

#include <stdint.h>
#include <string.h>

// For functions whose assembler uses every register. Inlined, they could need a register that is already in use.
#define EITK_ALL_REGISTERS __attribute__((noinline))

namespace eitk {
namespace kernels {

// Loads four bytes from any address as one word (a single LDR on Cortex-M4).
inline uint32_t load_word(const void* from) {
    uint32_t word = 0;
    memcpy(&word, from, sizeof(word));
    return word;
}

inline int32_t low_half(uint32_t pair) { return static_cast<int16_t>(pair & 0xFFFFu); }
inline int32_t high_half(uint32_t pair) { return static_cast<int16_t>(pair >> 16); }

#if defined(__ARM_FEATURE_DSP)
// NOLINTBEGIN(cppcoreguidelines-init-variables): the assembler writes to these variables

// sum + a.low * b.low + a.high * b.high, modulo 2^32.
inline int32_t dual_mac(uint32_t a, uint32_t b, int32_t sum) {
    int32_t result;
    __asm__("smlad %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(sum));
    return result;
}

// The sums of the halves of two words.
inline uint32_t add_pairs(uint32_t a, uint32_t b) {
    uint32_t result;
    __asm__("sadd16 %0, %1, %2" : "=r"(result) : "r"(a), "r"(b));
    return result;
}

// The differences of the halves of two words.
inline uint32_t subtract_pairs(uint32_t a, uint32_t b) {
    uint32_t result;
    __asm__("ssub16 %0, %1, %2" : "=r"(result) : "r"(a), "r"(b));
    return result;
}

// Bytes 0 and 2 of a word, each sign-extended to a half.
inline uint32_t bytes_02(uint32_t word) {
    uint32_t result;
    __asm__("sxtb16 %0, %1" : "=r"(result) : "r"(word));
    return result;
}

// Bytes 1 and 3 of a word, each sign-extended to a half.
inline uint32_t bytes_13(uint32_t word) {
    uint32_t result;
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(result) : "r"(word));
    return result;
}

// (2 * a * b + 2^31) >> 32 for |a| < 2^30: the doubling high multiplication with rounding of gemmlowp.
inline int32_t doubling_high_mul(int32_t a, int32_t b) {
    int32_t result;
    __asm__("smmulr %0, %1, %2" : "=r"(result) : "r"(a * 2), "r"(b));
    return result;
}

// sum + a * b / 2^32, rounded down.
inline int32_t high_mul_add(int32_t a, int32_t b, int32_t sum) {
    int32_t result;
    __asm__("smmla %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(sum));
    return result;
}

// value, saturated to -128 .. 127.
inline int32_t saturate_int8(int32_t value) {
    int32_t result;
    __asm__("ssat %0, #8, %1" : "=r"(result) : "r"(value));
    return result;
}

// value / 2, rounded down and saturated to -128 .. 127.
inline int32_t saturate_half_int8(int32_t value) {
    int32_t result;
    __asm__("ssat %0, #8, %1, asr #1" : "=r"(result) : "r"(value));
    return result;
}

// NOLINTEND(cppcoreguidelines-init-variables)

#else

inline int32_t dual_mac(uint32_t a, uint32_t b, int32_t sum) {
    const uint32_t low = static_cast<uint32_t>(low_half(a) * low_half(b));
    const uint32_t high = static_cast<uint32_t>(high_half(a) * high_half(b));
    return static_cast<int32_t>(static_cast<uint32_t>(sum) + low + high);
}

inline uint32_t add_pairs(uint32_t a, uint32_t b) {
    return ((a + b) & 0xFFFFu) | ((a & 0xFFFF0000u) + (b & 0xFFFF0000u));
}

inline uint32_t subtract_pairs(uint32_t a, uint32_t b) {
    return ((a - b) & 0xFFFFu) | ((a & 0xFFFF0000u) - (b & 0xFFFF0000u));
}

inline uint32_t bytes_02(uint32_t word) {
    const uint32_t low = static_cast<uint16_t>(static_cast<int8_t>(word & 0xFFu));
    const uint32_t high = static_cast<uint16_t>(static_cast<int8_t>((word >> 16) & 0xFFu));
    return low | (high << 16);
}

inline uint32_t bytes_13(uint32_t word) { return bytes_02((word >> 8) | (word << 24)); }

inline int32_t doubling_high_mul(int32_t a, int32_t b) {
    return static_cast<int32_t>((static_cast<int64_t>(a) * b + (INT64_C(1) << 30)) >> 31);
}

inline int32_t high_mul_add(int32_t a, int32_t b, int32_t sum) {
    return sum + static_cast<int32_t>((static_cast<int64_t>(a) * b) >> 32);
}

inline int32_t saturate_int8(int32_t value) { return value < -128 ? -128 : (value > 127 ? 127 : value); }

inline int32_t saturate_half_int8(int32_t value) { return saturate_int8(value >> 1); }

#endif

// Copies blocks of sixteen bytes up to `end`; both addresses are multiples of four. Moves the pointers behind the
// blocks.
inline void copy_blocks_of_words(char*& to, const char*& from, const char* end) {
#if defined(__ARM_FEATURE_DSP)
    if (from == end) return;
    __asm__ volatile(
        "1:\n\t"
        "ldmia %[from]!, {r4, r5, r6, r8}\n\t"
        "stmia %[to]!, {r4, r5, r6, r8}\n\t"
        "cmp %[from], %[end]\n\t"
        "bne 1b\n\t"
        : [to] "+r"(to), [from] "+r"(from)
        : [end] "r"(end)
        : "r4", "r5", "r6", "r8", "memory", "cc");
#else
    for (; from != end; from += 16, to += 16) memmove(to, from, 16);
#endif
}

// Copies to a lower address; the ranges may overlap. With kWords both addresses and the count are multiples of four.
template <bool kWords>
inline void move_down(void* to, const void* from, int bytes) {
    char* target = static_cast<char*>(to);
    const char* source = static_cast<const char*>(from);
    const char* const end = source + bytes;
    if (kWords) copy_blocks_of_words(target, source, source + bytes / 16 * 16);
    for (const char* const words = end - (end - source) % 4; source != words; source += 4, target += 4) {
        const uint32_t word = load_word(source);
        memcpy(target, &word, sizeof(word));
    }
    while (source != end) *target++ = *source++;
}

// Copies `count` int8 values as int16.
inline void widen(const int8_t* from, int16_t* to, int count) {
    const int8_t* const end_of_words = from + count / 4 * 4;
    const int8_t* const end = from + count;
    for (; from != end_of_words; from += 4, to += 4) {
        const uint32_t word = load_word(from);
        const uint32_t even = bytes_02(word), odd = bytes_13(word);
        const uint32_t first = (even & 0xFFFFu) | (odd << 16), second = (even >> 16) | (odd & 0xFFFF0000u);
        memcpy(to, &first, sizeof(first));
        memcpy(to + 2, &second, sizeof(second));
    }
    while (from != end) *to++ = *from++;
}

inline void widen(const float* from, float* to, int count) {
    move_down<true>(to, from, static_cast<int>(sizeof(float)) * count);
}
inline void widen(const int8_t* from, int8_t* to, int count) { move_down<false>(to, from, count); }

inline void widen(const int16_t* from, int16_t* to, int count) { move_down<false>(to, from, 2 * count); }

}  // namespace kernels
}  // namespace eitk
