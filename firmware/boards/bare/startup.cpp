// Reset of a Cortex-M4F: memory, floating-point unit, main. The names come from image.ld.
#include <stdint.h>

extern "C" {
extern uint32_t eitk_data_begin[], eitk_data_end[], eitk_data_image[], eitk_bss_begin[], eitk_bss_end[];
extern uint32_t eitk_stack_top[];
int main();
void eitk_exit(int status);

void eitk_reset() {
  volatile uint32_t* const cpacr = reinterpret_cast<volatile uint32_t*>(0xE000ED88);
  *cpacr |= 0xFu << 20;  // full access to the floating-point unit
  __asm__ volatile("dsb\n isb");
  const uint32_t* image = eitk_data_image;
  for (uint32_t* word = eitk_data_begin; word < eitk_data_end;) *word++ = *image++;
  for (uint32_t* word = eitk_bss_begin; word < eitk_bss_end;) *word++ = 0;
  eitk_exit(main());
}

// Any fault ends the run with a status of its own.
void eitk_fault() { eitk_exit(99); }
}

__attribute__((section(".vectors"), used)) const void* const vectors[16] = {
    eitk_stack_top,
    reinterpret_cast<const void*>(&eitk_reset),
    reinterpret_cast<const void*>(&eitk_fault),
    reinterpret_cast<const void*>(&eitk_fault),
    reinterpret_cast<const void*>(&eitk_fault),
    reinterpret_cast<const void*>(&eitk_fault),
    reinterpret_cast<const void*>(&eitk_fault),
};
