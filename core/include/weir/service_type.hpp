// How a protocol is registered: one value, made in one line. Built-ins and plugins are described by
// the same type.
#pragma once

#include <concepts>

#include <weir/handler.hpp>
#include <weir/options.hpp>

namespace weir {

struct ServiceType {
  const char* name;                                  // Lower case, as in "weir serve echo".
  const char* help;                                  // One sentence.
  void (*declare)(OptionReader&);                    // Declares the options, does no more.
  std::unique_ptr<Protocol> (*make)(OptionReader&);  // Reads them and makes the protocol.
  unsigned descriptors_per_connection = 1;           // Two for a forwarder.
  bool reloads = false;                              // The protocol overrides reload().
  bool waits = false;                                // Its peers may be silent for hours.
};

namespace detail {

struct NoOptions {
  void read(OptionReader&) {}
};

template <class T>
struct OptionsOf {
  using type = NoOptions;
};

template <class T>
  requires requires { typename T::Options; }
struct OptionsOf<T> {
  using type = typename T::Options;
};

template <class T>
using options_of = typename OptionsOf<T>::type;

template <class T>
void declare(OptionReader& in) {
  options_of<T> options;
  options.read(in);
}

template <class T>
options_of<T> read(OptionReader& in) {
  options_of<T> options;
  options.read(in);
  return options;
}

// A service of handlers that share nothing.
template <class H>
class PlainService final : public Service {
 public:
  explicit PlainService(const options_of<H>& options) : options_(options) {}
  std::unique_ptr<Handler> accept(Connection&) override {
    if constexpr (std::constructible_from<H, const options_of<H>&>) {
      return std::make_unique<H>(options_);
    } else {
      return std::make_unique<H>();
    }
  }

 private:
  const options_of<H>& options_;
};

// Opens an S (or a PlainService) per loop. The options outlive every service.
template <class S, class Options>
class PlainProtocol final : public Protocol {
 public:
  explicit PlainProtocol(Options options) : options_(std::move(options)) {}
  std::unique_ptr<Service> open(Loop& loop) override {
    if constexpr (std::constructible_from<S, Loop&, const Options&>) {
      return std::make_unique<S>(loop, options_);
    } else if constexpr (std::constructible_from<S, const Options&>) {
      return std::make_unique<S>(options_);
    } else {
      return std::make_unique<S>(loop);
    }
  }

 private:
  const Options options_;
};

}  // namespace detail

// H is a Handler; made as H(const H::Options&) if it has Options, else as H().
template <class H>
constexpr ServiceType handler_type(const char* name, const char* help) {
  return {name, help, &detail::declare<H>, [](OptionReader& in) -> std::unique_ptr<Protocol> {
            using Plain = detail::PlainProtocol<detail::PlainService<H>, detail::options_of<H>>;
            return std::make_unique<Plain>(detail::read<H>(in));
          }};
}

// S is a Service; made on each loop as S(Loop&, const S::Options&), or with one of the two.
template <class S>
constexpr ServiceType service_type(const char* name, const char* help) {
  return {name, help, &detail::declare<S>, [](OptionReader& in) -> std::unique_ptr<Protocol> {
            return std::make_unique<detail::PlainProtocol<S, detail::options_of<S>>>(
                detail::read<S>(in));
          }};
}

// P is a Protocol; made once as P(P::Options) if it has Options, else as P().
template <class P>
constexpr ServiceType protocol_type(const char* name, const char* help) {
  ServiceType type{name, help, &detail::declare<P>,
                   [](OptionReader& in) -> std::unique_ptr<Protocol> {
                     if constexpr (std::constructible_from<P, detail::options_of<P>>) {
                       return std::make_unique<P>(detail::read<P>(in));
                     } else {
                       return std::make_unique<P>();
                     }
                   }};
  type.reloads = !std::is_same_v<decltype(&P::reload), decltype(&Protocol::reload)>;
  return type;
}

// The same, for peers that may be silent for hours: no idle timeout unless it is asked for.
constexpr ServiceType that_waits(ServiceType type) {
  type.waits = true;
  return type;
}

// The same, for connections that take more than one descriptor each.
constexpr ServiceType with_descriptors(ServiceType type, unsigned per_connection) {
  type.descriptors_per_connection = per_connection;
  return type;
}

}  // namespace weir
