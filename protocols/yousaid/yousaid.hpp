// The classic first server of many a course: one line in, the same line out, goodbye.
#pragma once

#include <weir/framing.hpp>
#include <weir/service_type.hpp>

namespace weir::protocols {

// Answers the first line with "You said: " and the line, and closes. Logs who said what.
class YouSaid final : public LineHandler {
 public:
  void on_line(Connection& peer, std::string_view line) override;
  void on_long_line(Connection& peer) override;
  void on_end(Connection& peer) override;
};

inline constexpr ServiceType kYouSaid = handler_type<YouSaid>(
    "yousaid", "Answers one line with \"You said: \" and the line, and closes.");

}  // namespace weir::protocols
