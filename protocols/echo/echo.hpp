// The echo protocol (RFC 862), and its older cousin that answers line by line.
#pragma once

#include <string>

#include <weir/framing.hpp>
#include <weir/service_type.hpp>

namespace weir::protocols {

// Sends back what it receives.
class Echo final : public Handler {
  std::size_t on_data(Connection& peer, Bytes data) override;
  bool freeze(State&) override { return true; }  // Nothing of its own to carry.
};

// Answers each line with the prefix, the line and CRLF.
class LineEcho final : public LineHandler {
 public:
  LineEcho(std::string_view prefix, std::size_t line_max);

  void on_line(Connection& peer, std::string_view line) override;
  void on_long_line(Connection& peer) override;
  void on_drain(Connection& peer) override;

 private:
  std::string_view prefix_;  // The service's.
};

// Raw echo, or line by line where there is a prefix.
class EchoService final : public Service {
 public:
  struct Options {
    std::string prefix;                            // Empty: bytes go back as they come.
    std::size_t line_max = LineHandler::kLineMax;  // The sender of a longer line is closed.

    void read(OptionReader& in);
  };

  explicit EchoService(const Options& options) : options_(options) {}
  std::unique_ptr<Handler> accept(Connection& peer) override;

 private:
  const Options& options_;
};

inline constexpr ServiceType kEcho =
    service_type<EchoService>("echo", "Sends back what it receives (RFC 862).");

}  // namespace weir::protocols
