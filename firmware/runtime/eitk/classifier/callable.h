// A function, a function pointer or a small lambda, kept in place: what std::function is to sketches, without a heap.
#ifndef EITK_CLASSIFIER_CALLABLE_H
#define EITK_CLASSIFIER_CALLABLE_H

#include <stddef.h>

#include <new>

namespace eitk {

template <typename Signature>
class Callable;

// Holds any callable of at most four pointers that can be copied byte by byte and needs no destructor.
template <typename Result, typename... Arguments>
class Callable<Result(Arguments...)> {
public:
    Callable() = default;

    Callable(Result (*function)(Arguments...)) { keep(function); }  // NOLINT: sketches assign functions

    template <typename Function>
    Callable(const Function& function) {  // NOLINT: sketches assign lambdas
        keep(function);
    }

    Result operator()(Arguments... arguments) const { return call_(storage_, arguments...); }

    explicit operator bool() const { return call_ != nullptr; }

private:
    template <typename Function>
    void keep(const Function& function) {
        static_assert(sizeof(Function) <= sizeof storage_, "a lambda for get_data may capture at most four pointers");
        static_assert(__has_trivial_destructor(Function), "a lambda for get_data may capture plain values only");
        new (storage_) Function(function);
        call_ = [](const void* kept, Arguments... arguments) -> Result {
            return (*static_cast<const Function*>(kept))(arguments...);
        };
    }

    alignas(void*) unsigned char storage_[4 * sizeof(void*)] = {};
    Result (*call_)(const void*, Arguments...) = nullptr;
};

}  // namespace eitk

#endif
