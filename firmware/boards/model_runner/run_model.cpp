// Runs a compiled model on every input. On a platform with a timer the program reports, as 32-bit numbers: the stack
// bytes of an inference; then for each inference the ticks of an empty measurement and the ticks of the inference;
// and, where EITK_STEPS is defined, the tick at which each step of the first inference started, counted from the
// start of the inference. Where EITK_RESET_EACH is defined, the variables of the model have their initial values before
// each inference; else they keep their values from one to the next.
#include "model.h"
#include "platform.h"

namespace model = eitk::model;

#if defined(EITK_STEPS)
static uint32_t step_start[EITK_STEPS + 1];
extern "C" void eitk_on_layer(int layer) { step_start[layer] = platform::ticks(); }
#endif

#if defined(EITK_MODEL_ROW_INPUT)
// An input that the model takes row by row is read when the model asks for its rows, but for the first: whether there
// is one decides about the inference.
struct RowReader {
    model::Input row[model::kInputRowSize];
    int given;

    bool read() { return platform::read_input(row, sizeof(row)); }
    static const model::Input* next(void* self) {
        RowReader& reader = *static_cast<RowReader*>(self);
        if (reader.given++ > 0) reader.read();
        return reader.row;
    }
    void skip_rest() {
        for (; given < model::kInputRows; ++given) read();
    }
};
static RowReader rows;

static bool read_inputs() {
    rows.given = 0;
    return rows.read();
}

static void invoke() { model::invoke(RowReader::next, &rows); }
#else
static void invoke() { model::invoke(); }

// Reads all inputs of one inference. False at the end of the inputs.
static bool read_inputs() {
    bool complete = true;
#define READ(type, function) \
    complete = complete && platform::read_input(model::function(), sizeof(model::type) * model::k##type##Size);
    EITK_MODEL_INPUTS(READ)
#undef READ
    return complete;
}
#endif

static void write_outputs() {
#define WRITE(type, function) platform::write_output(model::function(), sizeof(model::type) * model::k##type##Size);
    EITK_MODEL_OUTPUTS(WRITE)
#undef WRITE
}

int main() {
    bool first = true;
    while (read_inputs()) {
#if defined(EITK_RESET_EACH)
        model::reset();
#endif
        if (first) platform::fill_unused_stack();
        const uint32_t before = platform::ticks();
        const uint32_t start = platform::ticks();
        invoke();
        const uint32_t end = platform::ticks();
        if (first) platform::report(platform::used_stack());
        platform::report(start - before);
        platform::report(end - start);
#if defined(EITK_MODEL_ROW_INPUT)
        rows.skip_rest();
#endif
        write_outputs();
#if defined(EITK_STEPS)
        if (first) {
            for (int i = 0; i < EITK_STEPS; ++i) platform::report(step_start[i] - start);
        }
#endif
        first = false;
    }
    return 0;
}
