// The platform functions that the classifier uses. Every definition is weak: a sketch or a board may replace it.
#ifndef EITK_CLASSIFIER_PORTING_H
#define EITK_CLASSIFIER_PORTING_H

#include <stddef.h>
#include <stdint.h>

#include "eitk/classifier/errors.h"

// Called between the steps of a classification; EI_IMPULSE_CANCELED stops it.
EI_IMPULSE_ERROR ei_run_impulse_check_canceled();
EI_IMPULSE_ERROR ei_sleep(int32_t time_ms);
uint64_t ei_read_timer_ms();
uint64_t ei_read_timer_us();

void ei_printf(const char* format, ...) __attribute__((format(printf, 1, 2)));
void ei_printf_float(float value);  // with six decimals
void ei_putchar(char character);

// For sketches. The classifier itself does not use the heap.
void* ei_malloc(size_t size);
void* ei_calloc(size_t count, size_t size);
void ei_free(void* pointer);

#endif
