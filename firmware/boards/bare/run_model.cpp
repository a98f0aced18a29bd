// Runs a compiled model on every input it is given. Where the platform has a clock it reports, as 32-bit numbers:
// stack bytes of an inference, then for each inference the ticks of an empty measurement and of the inference,
// and with EITK_STEPS set the ticks at which each step of the first inference began, from its start.
#include "model.h"
#include "platform.h"

namespace model = eitk::model;

#if defined(EITK_STEPS)
static uint32_t step_began[EITK_STEPS + 1];
extern "C" void eitk_on_layer(int layer) { step_began[layer] = platform::ticks(); }
#endif

int main() {
  bool first = true;
  while (platform::read_input(model::input(), sizeof(model::Input) * model::kInputSize)) {
    if (first) platform::paint_stack();
    const uint32_t before = platform::ticks();
    const uint32_t start = platform::ticks();
    model::invoke();
    const uint32_t end = platform::ticks();
    if (first) platform::report(platform::used_stack());
    platform::report(start - before);
    platform::report(end - start);
    platform::write_output(model::output(), sizeof(model::Output) * model::kOutputSize);
#if defined(EITK_STEPS)
    if (first) {
      for (int i = 0; i < EITK_STEPS; ++i) platform::report(step_began[i] - start);
    }
#endif
    first = false;
  }
  return 0;
}
