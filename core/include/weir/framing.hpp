// Handlers that cut the byte stream into lines or length-prefixed frames, and the pace of a peer.
#pragma once

#include <weir/handler.hpp>
#include <weir/loop.hpp>

namespace weir {

// A line ends at LF; one CR before it is dropped. Bytes are looked at once, however they arrive.
// Lines that arrived together come one by one in the same turn, until the handler pauses or closes
// or the connection is full; the others come when that is over.
class WEIR_API LineHandler : public Handler {
 public:
  static constexpr std::size_t kLineMax = 8 << 10;  // Bytes, without the line's end.

  explicit LineHandler(std::size_t line_max = kLineMax) : line_max_(line_max) {}

  virtual void on_line(Connection&, std::string_view line) = 0;

  // A line longer than the limit. The rest of the input is not looked at. May answer before closing.
  virtual void on_long_line(Connection& self) { self.close(); }

  // At EOF an unfinished line still counts as one; then on_end.
  virtual void on_end(Connection& self) { self.end(); }

  std::size_t on_data(Connection& self, Bytes data) final;
  void on_eof(Connection& self, Bytes unused) final;

 private:
  std::size_t lines(Connection& self, Bytes data, bool may_pause);

  std::size_t line_max_;
  std::size_t scanned_ = 0;  // Unused bytes known to hold no LF.
  bool overlong_ = false;
};

// Holds one peer to a pace. What comes faster is read more slowly: nothing is lost or refused.
class WEIR_API Pace {
 public:
  // Messages in a second; as many may come at once. 0: any.
  explicit Pace(std::int64_t per_second = 0) : per_second_(per_second) {}

  // One message came: pauses the connection until its time.
  void spend(Connection& self);

 private:
  std::int64_t per_second_;
  std::chrono::microseconds due_{0};  // When all there was would have come at the pace.
  Timer resume_;
};

// A frame is a length (big endian, 1, 2 or 4 bytes, not counting itself), then as many bytes.
class WEIR_API FrameHandler : public Handler {
 public:
  enum class Prefix : std::uint8_t { one = 1, two = 2, four = 4 };

  static constexpr std::size_t kFrameMax = 32 << 10;  // At most Limits::unread_max less the prefix.

  explicit FrameHandler(Prefix prefix = Prefix::four, std::size_t frame_max = kFrameMax)
      : prefix_(prefix), frame_max_(frame_max) {}

  virtual void on_frame(Connection&, Bytes frame) = 0;

  // A length above the limit. The rest of the input is not looked at.
  virtual void on_long_frame(Connection& self) { self.abort(); }

  // EOF; `unfinished` is what there is of a frame.
  virtual void on_end(Connection& self, Bytes /*unfinished*/) { self.end(); }

  // Writes a frame. Throws SetupError if it is longer than the prefix can say.
  static Flow write_frame(Connection& to, Bytes frame, Prefix prefix = Prefix::four);

  std::size_t on_data(Connection& self, Bytes data) final;
  void on_eof(Connection& self, Bytes unused) final;

 private:
  std::size_t frames(Connection& self, Bytes data, bool may_pause);

  Prefix prefix_;
  std::size_t frame_max_;
  bool overlong_ = false;
};

}  // namespace weir
