// The second server of many a course: prints what it is told and says that it got it.
#pragma once

#include <weir/connection.hpp>
#include <weir/service_type.hpp>

namespace weir::protocols {

// What arrives first is the message. Prints it, escaped, answers, and closes.
class Ack final : public Handler {
 public:
  struct Options {
    std::string reply = "I got your message";

    void read(OptionReader& in) { in.text("reply", reply, "answer to every message"); }
  };

  explicit Ack(const Options& options) : options_(options) {}
  std::size_t on_data(Connection& peer, Bytes data) override;

 private:
  const Options& options_;
};

inline constexpr ServiceType kAck =
    handler_type<Ack>("ack", "Prints a message and answers that it was got.");

}  // namespace weir::protocols
