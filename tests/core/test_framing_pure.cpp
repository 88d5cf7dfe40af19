#include <catch2/catch.hpp>

#include <functional>

#include <weir/framing.hpp>

#include "fake_connection.hpp"

using namespace std::string_literals;
using weir::Connection;
using weir::testing::Deliverer;
using weir::testing::FakeConnection;

namespace {

using Seen = std::vector<std::string>;

class Lines final : public weir::LineHandler {
 public:
  using LineHandler::LineHandler;

  void on_line(Connection& self, std::string_view line) override {
    seen.emplace_back(line);
    if (then) then(self);
  }
  void on_long_line(Connection& self) override {
    seen.emplace_back("<long>");
    if (close_when_long) self.close();
  }
  void on_end(Connection&) override { seen.emplace_back("<end>"); }

  Seen seen;
  std::function<void(Connection&)> then;
  bool close_when_long = true;
};

class Frames final : public weir::FrameHandler {
 public:
  using FrameHandler::FrameHandler;

  void on_frame(Connection& self, weir::Bytes frame) override {
    seen.emplace_back(weir::as_text(frame));
    if (then) then(self);
  }
  void on_long_frame(Connection& self) override {
    seen.emplace_back("<long>");
    FrameHandler::on_long_frame(self);
  }
  void on_end(Connection&, weir::Bytes unfinished) override {
    seen.push_back("<end>" + std::string(weir::as_text(unfinished)));
  }

  Seen seen;
  std::function<void(Connection&)> then;
};

Seen lines_of(std::string_view input, std::size_t chunk, std::size_t line_max = 8) {
  Lines handler(line_max);
  FakeConnection connection;
  Deliverer peer(handler, connection);
  peer.send(input, chunk);
  peer.eof();
  return handler.seen;
}

}  // namespace

TEST_CASE("lines: the same lines come however they were cut") {
  struct Row {
    std::string input;
    Seen seen;
  };
  const Row row = GENERATE(
      Row{"", {"<end>"}}, Row{"a\n", {"a", "<end>"}}, Row{"a\r\n\nb", {"a", "", "b", "<end>"}},
      Row{"a\rb\r\r\n", {"a\rb\r", "<end>"}}, Row{"\r\n", {"", "<end>"}},
      Row{"a\0b\n"s, {"a\0b"s, "<end>"}}, Row{"last\r", {"last", "<end>"}},
      Row{"\n\n\n", {"", "", "", "<end>"}}, Row{"a\n12345678", {"a", "12345678", "<end>"}});
  const std::size_t chunk = GENERATE(1u, 2u, 7u, 4096u);

  CHECK(lines_of(row.input, chunk) == row.seen);
}

TEST_CASE("lines: the limit counts the line without its end") {
  struct Row {
    std::string input;
    Seen seen;
  };
  const Row row =
      GENERATE(Row{"12345678\n", {"12345678", "<end>"}}, Row{"12345678\r\n", {"12345678", "<end>"}},
               Row{"123456789\n", {"<long>"}}, Row{"123456789", {"<long>"}},
               Row{"12345678\rx", {"<long>"}}, Row{"12345678\r", {"12345678", "<end>"}},
               Row{"12345678\r\r\n", {"<long>"}}, Row{"a\n123456789\nb\n", {"a", "<long>"}});
  const std::size_t chunk = GENERATE(1u, 2u, 7u, 4096u);

  CHECK(lines_of(row.input, chunk) == row.seen);
}

TEST_CASE("lines: a limit of zero lets empty lines through and no others") {
  const std::size_t chunk = GENERATE(1u, 4096u);

  CHECK(lines_of("\n\r\nx\n", chunk, 0) == Seen{"", "", "<long>"});
}

TEST_CASE("lines: a line without end is refused before it can fill the buffer") {
  Lines handler(8);
  FakeConnection connection;
  Deliverer peer(handler, connection);

  peer.send("123456789", 1);

  CHECK(handler.seen == Seen{"<long>"});
  CHECK(peer.unused().empty());
}

TEST_CASE("lines: after a long line nothing more is looked at, even if it was not the end") {
  const std::size_t chunk = GENERATE(1u, 2u, 7u, 4096u);
  Lines handler(3);
  handler.close_when_long = false;
  FakeConnection connection;
  Deliverer peer(handler, connection);

  peer.send("abcd\nx\ny", chunk);
  peer.eof();

  CHECK(handler.seen == Seen{"<long>", "<end>"});
  CHECK(peer.unused().empty());
}

TEST_CASE("lines: bytes known to hold no end are not looked at again") {
  Lines handler;
  FakeConnection connection;

  REQUIRE(handler.on_data(connection, weir::as_bytes("abc")) == 0);
  // Core never changes what it offers again; done here, it shows where the search began.
  handler.on_data(connection, weir::as_bytes("a\nc\n"));

  CHECK(handler.seen == Seen{"a\nc"});
}

TEST_CASE("lines: none comes after the one that closed") {
  const std::size_t chunk = GENERATE(1u, 2u, 7u, 4096u);
  Lines handler;
  handler.then = [](Connection& self) { self.close(); };
  FakeConnection connection;
  Deliverer peer(handler, connection);

  peer.send("a\nb\nc", chunk);
  peer.eof();

  CHECK(handler.seen == Seen{"a"});
}

TEST_CASE("lines: those behind one that paused come after resume, one batch each") {
  const std::size_t chunk = GENERATE(1u, 2u, 7u, 4096u);
  Lines handler;
  handler.then = [](Connection& self) { self.pause(); };
  FakeConnection connection;
  Deliverer peer(handler, connection);

  peer.send("longer\ntwo\r\nthree", chunk);
  CHECK(handler.seen == Seen{"longer"});

  peer.resume();
  CHECK(handler.seen == Seen{"longer", "two"});

  peer.resume();
  CHECK(handler.seen == Seen{"longer", "two"});

  peer.send("!\n", chunk);
  CHECK(handler.seen == Seen{"longer", "two", "three!"});
}

TEST_CASE("lines: whole lines that are still there at EOF all come, before the end") {
  Lines handler;
  handler.then = [](Connection& self) { self.pause(); };
  FakeConnection connection;
  Deliverer peer(handler, connection);

  peer.send("a\nb\nc\nd", 4096);
  connection.resume();
  peer.eof();

  CHECK(handler.seen == Seen{"a", "b", "c", "d", "<end>"});
}

TEST_CASE("lines: no end is told when the last line closed") {
  Lines handler;
  handler.then = [](Connection& self) { self.close(); };
  FakeConnection connection;
  Deliverer peer(handler, connection);

  peer.send("a", 1);
  peer.eof();

  CHECK(handler.seen == Seen{"a"});
}

TEST_CASE(
    "lines: unless told otherwise the peer's end is answered with ours, a long line by closing") {
  struct Default final : weir::LineHandler {
    using LineHandler::LineHandler;
    void on_line(Connection&, std::string_view) override {}
  };
  Default ends;
  FakeConnection first;
  Deliverer(ends, first).eof();
  CHECK(first.ended);

  Default closes(1);
  FakeConnection second;
  Deliverer(closes, second).send("long", 4);
  CHECK(second.closing());
}

TEST_CASE("frames: what write_frame wrote comes back, however it was cut") {
  using Prefix = weir::FrameHandler::Prefix;
  const Prefix prefix = GENERATE(Prefix::one, Prefix::two, Prefix::four);
  const std::size_t chunk = GENERATE(1u, 2u, 7u, 4096u);
  const Seen sent{"", "a", "a\nb\0"s, std::string(255, 'x')};
  FakeConnection writer;
  for (const auto& frame : sent) {
    weir::FrameHandler::write_frame(writer, weir::as_bytes(frame), prefix);
  }

  Frames handler(prefix);
  FakeConnection connection;
  Deliverer(handler, connection).send(writer.written, chunk);

  CHECK(handler.seen == sent);
}

TEST_CASE("frames: the length is big endian and does not count itself") {
  FakeConnection out;
  const std::string frame(0x102, 'x');

  weir::FrameHandler::write_frame(out, weir::as_bytes(frame), weir::FrameHandler::Prefix::four);

  CHECK(out.written == "\0\0\1\2"s + frame);
}

TEST_CASE("frames: one longer than its prefix can say is not written") {
  using Prefix = weir::FrameHandler::Prefix;
  FakeConnection out;
  const std::string longest(255, 'x');
  const std::string too_long(256, 'x');

  CHECK_NOTHROW(weir::FrameHandler::write_frame(out, weir::as_bytes(longest), Prefix::one));
  out.written.clear();
  CHECK_THROWS_WITH(weir::FrameHandler::write_frame(out, weir::as_bytes(too_long), Prefix::one),
                    "a frame of 256 bytes is longer than its prefix of 1 byte can say");
  CHECK(out.written.empty());
}

TEST_CASE("frames: one at the limit passes, a longer one is refused at its length") {
  const std::size_t chunk = GENERATE(1u, 2u, 7u, 4096u);
  Frames handler(weir::FrameHandler::Prefix::one, 3);
  FakeConnection connection;

  Deliverer(handler, connection).send("\3abc\4", chunk);

  CHECK(handler.seen == Seen{"abc", "<long>"});
  CHECK(connection.aborted);
}

TEST_CASE("frames: what there is of an unfinished one comes with the end") {
  struct Row {
    std::string input;
    Seen seen;
  };
  const Row row = GENERATE(Row{"", {"<end>"}}, Row{"\0\1x\0\3ab"s, {"x", "<end>\0\3ab"s}},
                           Row{"\0"s, {"<end>\0"s}}, Row{"\0\0"s, {"", "<end>"}});
  const std::size_t chunk = GENERATE(1u, 2u, 4096u);
  Frames handler(weir::FrameHandler::Prefix::two);
  FakeConnection connection;
  Deliverer peer(handler, connection);

  peer.send(row.input, chunk);
  peer.eof();

  CHECK(handler.seen == row.seen);
}

TEST_CASE("frames: none comes after one that closed, and the rest waits behind one that paused") {
  const bool close = GENERATE(true, false);
  Frames handler(weir::FrameHandler::Prefix::one);
  handler.then = [close](Connection& self) { close ? self.close() : self.pause(); };
  FakeConnection connection;
  Deliverer peer(handler, connection);

  peer.send("\1a\1b\1c", 4096);
  CHECK(handler.seen == Seen{"a"});

  peer.resume();
  CHECK(handler.seen == (close ? Seen{"a"} : Seen{"a", "b"}));
}

TEST_CASE("frames: those still there at EOF all come before the end") {
  Frames handler(weir::FrameHandler::Prefix::one);
  handler.then = [](Connection& self) { self.pause(); };
  FakeConnection connection;
  Deliverer peer(handler, connection);

  peer.send("\1a\1b\2c", 4096);
  connection.resume();
  peer.eof();

  CHECK(handler.seen == Seen{"a", "b", "<end>\2c"});
}
