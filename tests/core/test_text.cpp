#include <catch2/catch.hpp>

#include <weir/text.hpp>

using weir::escape;
using weir::nearest;

TEST_CASE("escape: printable text in any script is left alone") {
  const std::string text = GENERATE(as<std::string>(), "", "hello, it's me", "Grüße, 世界 🎉",
                                    "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf", "\xc2\xa0");

  CHECK(escape(text) == text);
}

TEST_CASE("escape: what could forge a line, a quote or a screen is spelt out") {
  struct Row {
    std::string_view text;
    const char* escaped;
  };
  const Row row =
      GENERATE(Row{"a\nb", "a\\nb"}, Row{"a\r\n", "a\\r\\n"}, Row{"\t", "\\t"},
               Row{std::string_view("\0", 1), "\\x00"}, Row{"\x1b[2J", "\\x1b[2J"},
               Row{"\x7f", "\\x7f"}, Row{"\"", "\\x22"}, Row{"\\", "\\x5c"},
               Row{"\xc2\x85", "\\u{0085}"}, Row{"\xc2\x9b", "\\u{009b}"},
               Row{"\xd8\x9c", "\\u{061c}"}, Row{"\u200e\u200f", "\\u{200e}\\u{200f}"},
               Row{"\u2028\u2029", "\\u{2028}\\u{2029}"}, Row{"\u202a\u202e", "\\u{202a}\\u{202e}"},
               Row{"\u2066\u2069", "\\u{2066}\\u{2069}"}, Row{"\ufeff", "\\u{feff}"});

  CHECK(escape(row.text) == row.escaped);
}

TEST_CASE("escape: what is not UTF-8 is shown byte by byte") {
  struct Row {
    const char* text;
    const char* escaped;
  };
  const Row row = GENERATE(
      Row{"\x80", "\\x80"}, Row{"\xff", "\\xff"}, Row{"\xc3", "\\xc3"}, Row{"\xc3(", "\\xc3("},
      Row{"\xc0\xaf", "\\xc0\\xaf"}, Row{"\xe0\x80\xaf", "\\xe0\\x80\\xaf"},
      Row{"\xf0\x80\x80\xaf", "\\xf0\\x80\\x80\\xaf"}, Row{"\xed\xa0\x80", "\\xed\\xa0\\x80"},
      Row{"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"}, Row{"\xe2\x82", "\\xe2\\x82"},
      Row{"\xf5\x80\x80\x80", "\\xf5\\x80\\x80\\x80"}, Row{"\xe2\x28\xa1", "\\xe2(\\xa1"});

  CHECK(escape(row.text) == row.escaped);
}

TEST_CASE("escape: longer output than allowed is cut between characters") {
  CHECK(escape("abcdef", 6) == "abcdef");
  CHECK(escape("abcdefg", 6) == "abc...");
  CHECK(escape("ab\ncde", 6) == "ab...");
  CHECK(escape("üüüü", 7) == "üü...");
  CHECK(escape("\xff\xff", 6) == "...");
  CHECK(escape("abcdef", 3) == "...");
  CHECK(escape("abcdef", 2) == "..");
  CHECK(escape("abcdef", 0).empty());
  CHECK(escape(std::string(5000, 'x')).size() == 1024);
}

TEST_CASE("escape: no control byte is ever left, whatever comes in") {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const std::string out =
          escape(std::string{static_cast<char>(first), static_cast<char>(second)});
      const bool clean = std::none_of(out.begin(), out.end(), [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '"';
      });
      if (!clean) FAIL("bytes " << first << ' ' << second << " gave " << out);
      if (escape(out).find("\\x5cx") == std::string::npos && escape(out) != out) {
        const bool spelt = out.find('\\') != std::string::npos;
        if (!spelt) FAIL("bytes " << first << ' ' << second << " are not printable text");
      }
    }
  }
  SUCCEED();
}

TEST_CASE("nearest: a slip of the fingers finds the word that was meant") {
  struct Row {
    const char* word;
    const char* meant;
  };
  const std::vector<std::string> words{"tcp", "tls", "udp", "unix", "line-max", "backlog-max"};
  const Row row = GENERATE(Row{"tpc", "tcp"}, Row{"TCP", "tcp"}, Row{"line_max", "line-max"},
                           Row{"linemax", "line-max"}, Row{"backlog-mxa", "backlog-max"},
                           Row{"uinx", "unix"}, Row{"tl", "tls"});

  CHECK(nearest(row.word, words) == row.meant);
}

TEST_CASE("nearest: what resembles nothing finds nothing") {
  const std::vector<std::string> words{"tcp", "unix", "a"};
  const std::string word =
      GENERATE(as<std::string>(), "", "http", "gopher", "z", "xyz", std::string(1'000'000, 't'));

  CHECK(nearest(word, words).empty());
}

TEST_CASE("nearest: of two that are equally near the first is taken") {
  CHECK(nearest("bat", std::vector<std::string>{"cat", "rat"}) == "cat");
  CHECK(nearest("bat", std::vector<std::string>{"rat", "cat"}) == "rat");
  CHECK(nearest("bat", std::vector<std::string>{}).empty());
}

TEST_CASE("clean: what is printable stays, and the rest can do nothing to a screen") {
  struct Row {
    std::string_view text;
    std::string_view clean;
  };
  const auto row = GENERATE(Row{"", ""}, Row{"plain", "plain"}, Row{"a\tb", "a b"},
                            Row{"\x1b[31mred\x1b[0m", "[31mred[0m"}, Row{"a\r\nb\x7f", "ab"},
                            Row{"na\xc3\xafve \xe2\x82\xac \xf0\x9f\x8c\x8a",
                                "na\xc3\xafve \xe2\x82\xac \xf0\x9f\x8c\x8a"},
                            Row{"\xc2\x9b", ""}, Row{"\xe2\x80\xae", ""}, Row{"\xe2\x80\xa8", ""},
                            Row{"\xef\xbb\xbf", ""}, Row{"\xff", "\xef\xbf\xbd"},
                            Row{"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},
                            Row{"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"});

  CHECK(weir::clean(row.text) == row.clean);
}

TEST_CASE("lower: ASCII letters are made small and nothing else changes") {
  CHECK(weir::lower("Ab-Z_9 \xc3\x84") == "ab-z_9 \xc3\x84");
}

TEST_CASE("name: letters, digits, _ and - are a name, up to its length") {
  CHECK(weir::is_name("Az09_-", 6));
  CHECK_FALSE(weir::is_name("Az09_-", 5));
  CHECK_FALSE(weir::is_name("", 5));
  for (const std::string_view bad : {"a b", "a.b", "\xc3\xa4", "a/", "a\n"}) {
    CHECK_FALSE(weir::is_name(bad, 5));
  }
}
