// A protocol with options, a timer and something shared: counts its guests, and does not wait for
// ever.
#pragma once

#include <string>

#include <weir/framing.hpp>
#include <weir/loop.hpp>
#include <weir/service_type.hpp>

namespace examples {

class Greet;

// Says one name, is greeted, and goes.
class Guest final : public weir::LineHandler {
 public:
  static constexpr std::size_t kNameMax = 64;  // Bytes.

  explicit Guest(Greet& greet) : LineHandler(kNameMax), greet_(greet) {}

  void on_open(weir::Connection& peer) override;
  void on_line(weir::Connection& peer, std::string_view name) override;

 private:
  Greet& greet_;
  weir::Timer patience_;
};

// What the guests of one loop share. It needs no lock.
class Greet final : public weir::Service {
 public:
  struct Options {
    std::string hello = "Hello";
    weir::Millis patience{10'000};

    void read(weir::OptionReader& in) {
      in.text("hello", hello, "what comes before the name");
      in.duration("patience", patience, weir::Millis{100}, weir::Millis{3'600'000},
                  "how long a guest may take to say a name");
    }
  };

  explicit Greet(const Options& options) : options_(options) {}
  std::unique_ptr<weir::Handler> accept(weir::Connection& peer) override;

  const Options& options() const { return options_; }
  std::uint64_t next_number() { return ++guests_; }

 private:
  const Options& options_;
  std::uint64_t guests_ = 0;
};

inline constexpr weir::ServiceType kGreet =
    weir::service_type<Greet>("greet", "Greets each guest by name and number.");

}  // namespace examples
