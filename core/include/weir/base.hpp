// The words every other header uses: bytes, times, callables, log levels, and the one exception.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#define WEIR_API __attribute__((visibility("default")))

namespace weir {

// A view of bytes somebody else owns. In a callback it is valid until the callback returns.
using Bytes = std::span<const std::byte>;

inline Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

inline std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

using Millis = std::chrono::milliseconds;

// Monotonic time of a loop's turn. Only differences mean anything.
using SteadyTime = std::chrono::time_point<std::chrono::steady_clock, Millis>;

// Civil time, for protocols that tell it. It may jump; never measure with it.
using WallTime = std::chrono::system_clock::time_point;

enum class Level : std::uint8_t { trace, debug, info, warn, error };

// Thrown by setup only (options, URLs, listening, opening a service), never on the data path.
// what() is one sentence: what is wrong, where, what was expected. Outside text in it is escaped.
class WEIR_API SetupError : public std::runtime_error {
 public:
  // What kind of fault it is, so that a program can choose its exit code.
  enum class Kind : std::uint8_t {
    usage,        // A wrong option, URL or name on the caller's side.
    unresolved,   // A host name that has no address.
    unavailable,  // An address in use or not ours.
    permission,   // The system forbids it.
    creation,     // A file or socket node cannot be made where it should be.
    system,       // Any other refusal of the system.
  };

  explicit SetupError(const std::string& sentence, Kind kind = Kind::usage, std::string option = {})
      : std::runtime_error(sentence), kind_(kind), option_(std::move(option)) {}
  ~SetupError() override;

  Kind kind() const { return kind_; }
  const std::string& option() const { return option_; }  // That it is about; empty: none.

 private:
  Kind kind_;
  std::string option_;
};

// A callable that is moved, not copied, so that it may own what it needs. Calling an empty one is a
// mistake of the caller's.
template <class... Args>
class Callback {
 public:
  Callback() = default;

  template <class F>
    requires(std::is_invocable_v<F&, Args...> && !std::is_same_v<std::decay_t<F>, Callback>)
  Callback(F&& callable)  // NOLINT: implicit, so that a lambda can be passed as it is.
      : body_(std::make_unique<Body<std::decay_t<F>>>(std::forward<F>(callable))) {}

  explicit operator bool() const { return body_ != nullptr; }
  void operator()(Args... args) { body_->call(std::forward<Args>(args)...); }

 private:
  struct Callable {
    virtual ~Callable() = default;
    virtual void call(Args... args) = 0;
  };

  template <class F>
  struct Body final : Callable {
    explicit Body(F&& callable) : callable_(std::move(callable)) {}
    explicit Body(const F& callable) : callable_(callable) {}
    void call(Args... args) override { callable_(std::forward<Args>(args)...); }
    F callable_;
  };

  std::unique_ptr<Callable> body_;
};

using Task = Callback<>;

}  // namespace weir
