// A replacement for std::function that does not use the heap.
#ifndef EITK_CLASSIFIER_CALLABLE_H
#define EITK_CLASSIFIER_CALLABLE_H

#include <stddef.h>

#include <new>
#include <type_traits>

namespace eitk {

template <typename Signature>
class Callable;

// Stores a function pointer or a lambda of at most four pointers in size. A lambda must have a trivial destructor.
template <typename Result, typename... Arguments>
class Callable<Result(Arguments...)> {
public:
    Callable() = default;

    Callable(Result (*function)(Arguments...)) { store(function); }  // NOLINT: sketches assign functions

    template <typename Function>
    Callable(const Function& function) {  // NOLINT: sketches assign lambdas
        store(function);
    }

    Result operator()(Arguments... arguments) const { return call_(storage_, arguments...); }

    explicit operator bool() const { return call_ != nullptr; }

private:
    template <typename Function>
    void store(const Function& function) {
        static_assert(sizeof(Function) <= sizeof storage_, "a lambda for get_data may capture at most four pointers");
        static_assert(std::is_trivially_destructible<Function>::value,
                      "a lambda for get_data may capture plain values only");
        new (storage_) Function(function);
        call_ = [](const void* stored, Arguments... arguments) -> Result {
            return (*static_cast<const Function*>(stored))(arguments...);
        };
    }

    alignas(void*) unsigned char storage_[4 * sizeof(void*)] = {};
    Result (*call_)(const void*, Arguments...) = nullptr;
};

}  // namespace eitk

#endif
