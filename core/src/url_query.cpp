#include "url_query.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include <weir/text.hpp>

#include "units.hpp"

namespace weir {

namespace {

using Scheme = Url::Scheme;

constexpr std::int64_t kKeepaliveMost = 32'767;  // What Linux takes for TCP_KEEPIDLE.
constexpr std::int64_t kProbesMost = 127;        // And for TCP_KEEPCNT.
constexpr std::size_t kBufferLeast = 1 << 10;
constexpr std::size_t kBufferMost = 64 << 20;
constexpr std::size_t kInterfaceMost = 15;  // IFNAMSIZ less its end.
constexpr std::size_t kHostMost = 253;      // RFC 1035, as written with dots.
constexpr std::size_t kWordMost = 255;      // A protocol's name in ALPN.
constexpr std::size_t kWordsMost = 32;

bool set_int(std::optional<int>& to, std::string_view text, std::int64_t least, std::int64_t most) {
  const auto number = parse_number(text);
  if (!number || *number < least || *number > most) return false;
  to = static_cast<int>(*number);
  return true;
}

bool set_buffer(std::optional<int>& to, std::string_view text) {
  const auto size = parse_size(text);
  if (!size || *size < kBufferLeast || *size > kBufferMost) return false;
  to = static_cast<int>(*size);
  return true;
}

bool set_flag(std::optional<bool>& to, std::string_view text) {
  to = parse_flag(text);
  return to.has_value();
}

bool set_text(std::optional<std::string>& to, std::string_view text) {
  to = text;
  return !text.empty();
}

bool set_mode(std::optional<mode_t>& to, std::string_view text) {
  if (text.empty() || text.size() > 4) return false;
  mode_t mode = 0;
  for (const char c : text) {
    if (c < '0' || c > '7') return false;
    mode = mode << 3 | static_cast<mode_t>(c - '0');
  }
  to = mode;
  return mode <= 0777;
}

bool set_keepalive(std::optional<Keepalive>& to, std::string_view text) {
  if (text == "off") {
    to = Keepalive{};
    return true;
  }
  std::array<std::optional<int>, 3> numbers;
  std::size_t given = 0;
  for (bool more = true; more; ++given) {
    if (given == numbers.size()) return false;
    const std::size_t comma = text.find(',');
    more = comma != std::string_view::npos;
    const std::int64_t most = given == 2 ? kProbesMost : kKeepaliveMost;
    if (!set_int(numbers[given], text.substr(0, comma), 1, most)) return false;
    if (more) text.remove_prefix(comma + 1);
  }
  to = Keepalive{true, numbers[0].value_or(0), numbers[1].value_or(0), numbers[2].value_or(0)};
  return given != 2;
}

bool is_graphic(char c) { return c > 0x20 && c < 0x7f; }

// The words between separators; none may be empty or longer than what a name in ALPN may be.
std::optional<std::vector<std::string>> words_of(std::string_view text,
                                                 std::string_view separators) {
  std::vector<std::string> words;
  for (bool more = true; more;) {
    const std::size_t end = text.find_first_of(separators);
    more = end != std::string_view::npos;
    const std::string_view word = text.substr(0, end);
    const bool good = std::all_of(word.begin(), word.end(), is_graphic);
    if (word.empty() || word.size() > kWordMost || !good) return {};
    words.emplace_back(word);
    if (words.size() > kWordsMost) return {};
    if (more) text.remove_prefix(end + 1);
  }
  return words;
}

bool set_words(std::vector<std::string>& to, std::string_view text) {
  auto words = words_of(text, ",");
  if (words) to = std::move(*words);
  return words.has_value();
}

// Kept as OpenSSL writes lists, with colons.
bool set_list(std::optional<std::string>& to, std::string_view text) {
  if (!words_of(text, ",:")) return false;
  to = text;
  std::replace(to->begin(), to->end(), ',', ':');
  return true;
}

bool set_choice(std::optional<std::string>& to, std::string_view text, std::string_view one,
                std::string_view other) {
  to = text;
  return text == one || text == other;
}

bool add_text(std::vector<std::string>& to, std::string_view text) {
  to.emplace_back(text);
  return !text.empty();
}

bool set_address(std::optional<Address>& to, std::string_view text) {
  to = Address::parse(text, 0);
  return to.has_value();
}

constexpr unsigned bit(Scheme scheme) { return 1u << static_cast<unsigned>(scheme); }

constexpr unsigned kTls = bit(Scheme::tls) | bit(Scheme::tls_unix);
constexpr unsigned kStreams = bit(Scheme::tcp) | bit(Scheme::tls);
constexpr unsigned kUdp = bit(Scheme::udp);
constexpr unsigned kUnixStream = bit(Scheme::unix_stream) | bit(Scheme::tls_unix);
constexpr unsigned kUnix = kUnixStream | bit(Scheme::unix_datagram);

// One key: where it may stand, what it sets, what it takes. Said once, for all of these.
struct Key {
  std::string_view name;
  unsigned schemes;
  bool (*set)(SocketSettings&, std::string_view);
  std::string_view expected;
};

constexpr std::string_view kBufferForm = "a size from 1KiB to 64MiB";
constexpr std::string_view kFileForm = "a file";
constexpr std::string_view kListForm = "names between colons";

constexpr std::array kKeys{
    Key{"backlog", kStreams | kUnixStream,
        [](SocketSettings& s, std::string_view v) { return set_int(s.backlog, v, 1, 65'535); },
        "a number from 1 to 65535"},
    Key{"nodelay", kStreams,
        [](SocketSettings& s, std::string_view v) { return set_flag(s.nodelay, v); }, "on or off"},
    Key{"keepalive", kStreams,
        [](SocketSettings& s, std::string_view v) { return set_keepalive(s.keepalive, v); },
        "off, IDLE or IDLE,INTERVAL,COUNT in seconds"},
    Key{"rcvbuf", kStreams | kUdp | kUnix,
        [](SocketSettings& s, std::string_view v) { return set_buffer(s.rcvbuf, v); }, kBufferForm},
    Key{"sndbuf", kStreams | kUdp | kUnix,
        [](SocketSettings& s, std::string_view v) { return set_buffer(s.sndbuf, v); }, kBufferForm},
    Key{"source", kStreams,
        [](SocketSettings& s, std::string_view v) { return set_address(s.source, v); },
        "an IPv4 or IPv6 address"},
    Key{"mode", kUnix, [](SocketSettings& s, std::string_view v) { return set_mode(s.mode, v); },
        "an octal mode from 0 to 0777"},
    Key{"group", kUnix, [](SocketSettings& s, std::string_view v) { return set_text(s.group, v); },
        "a group's name or number"},
    Key{"broadcast", kUdp,
        [](SocketSettings& s, std::string_view v) { return set_flag(s.broadcast, v); },
        "on or off"},
    Key{"iface", kUdp,
        [](SocketSettings& s, std::string_view v) {
          return v.size() <= kInterfaceMost && set_text(s.iface, v);
        },
        "an interface's name of at most 15 bytes"},
    Key{"ttl", kUdp,
        [](SocketSettings& s, std::string_view v) { return set_int(s.ttl, v, 0, 255); },
        "a number from 0 to 255"},

    Key{"cert", kTls, [](SocketSettings& s, std::string_view v) { return add_text(s.tls.cert, v); },
        kFileForm},
    Key{"key", kTls, [](SocketSettings& s, std::string_view v) { return add_text(s.tls.key, v); },
        kFileForm},
    Key{"passphrase", kTls,
        [](SocketSettings& s, std::string_view v) { return set_text(s.tls.passphrase, v); },
        kFileForm},
    Key{"client-ca", kTls,
        [](SocketSettings& s, std::string_view v) { return set_text(s.tls.client_ca, v); },
        kFileForm},
    Key{"client-cert", kTls,
        [](SocketSettings& s, std::string_view v) {
          return set_choice(s.tls.client_cert, v, "required", "optional");
        },
        "required or optional"},
    Key{"crl", kTls, [](SocketSettings& s, std::string_view v) { return set_text(s.tls.crl, v); },
        kFileForm},
    Key{"ca", kTls, [](SocketSettings& s, std::string_view v) { return set_text(s.tls.ca, v); },
        kFileForm},
    Key{"name", kTls,
        [](SocketSettings& s, std::string_view v) {
          return v.size() <= kHostMost && set_text(s.tls.name, v);
        },
        "the name or address in the certificate, of at most 253 bytes"},
    Key{"verify", kTls,
        [](SocketSettings& s, std::string_view v) { return set_flag(s.tls.verify, v); },
        "on or off"},
    Key{"alpn", kTls,
        [](SocketSettings& s, std::string_view v) { return set_words(s.tls.alpn, v); },
        "names of at most 255 bytes between commas"},
    Key{"tls-min", kTls,
        [](SocketSettings& s, std::string_view v) {
          return set_choice(s.tls.tls_min, v, "1.2", "1.3");
        },
        "1.2 or 1.3"},
    Key{"ciphers", kTls,
        [](SocketSettings& s, std::string_view v) { return set_list(s.tls.ciphers, v); },
        kListForm},
    Key{"suites", kTls,
        [](SocketSettings& s, std::string_view v) { return set_list(s.tls.suites, v); }, kListForm},
    Key{"groups", kTls,
        [](SocketSettings& s, std::string_view v) { return set_list(s.tls.groups, v); }, kListForm},
    Key{"tickets", kTls,
        [](SocketSettings& s, std::string_view v) { return set_flag(s.tls.tickets, v); },
        "on or off"},
    Key{"expired", kTls,
        [](SocketSettings& s, std::string_view v) {
          return set_choice(s.tls.expired, v, "warn", "refuse");
        },
        "warn or refuse"},
};

std::vector<std::string> keys_of(Scheme scheme) {
  std::vector<std::string> names;
  for (const Key& key : kKeys) {
    if (key.schemes & bit(scheme)) names.emplace_back(key.name);
  }
  return names;
}

std::string unknown_key(Scheme scheme, std::string_view key) {
  const std::vector<std::string> known = keys_of(scheme);
  const std::string name(scheme_name(scheme));
  std::string sentence = "has an unknown query key \"" + escape(key, 100) + '"';
  if (known.empty()) return sentence + ", " + name + " takes none";
  sentence += ", " + name + " takes ";
  for (const std::string& word : known) {
    sentence += (word == known.front() ? "" : word == known.back() ? " and " : ", ") + word;
  }
  const std::string near = nearest(key, known);
  return near.empty() ? sentence : sentence + "; did you mean \"" + near + "\"?";
}

}  // namespace

std::optional<std::string> apply_query(Scheme scheme, const Url::Query& query,
                                       SocketSettings& settings) {
  const auto key = std::find_if(kKeys.begin(), kKeys.end(), [&](const Key& k) {
    return k.name == query.key && (k.schemes & bit(scheme)) != 0;
  });
  if (key == kKeys.end()) return unknown_key(scheme, query.key);
  if (key->set(settings, query.value)) return {};
  return "has " + query.key + "=\"" + escape(query.value, 100) + "\", expected " +
         std::string(key->expected);
}

bool is_repeatable(std::string_view key) { return key == "cert" || key == "key"; }

bool is_tls_key(std::string_view key) {
  return std::any_of(kKeys.begin(), kKeys.end(),
                     [&](const Key& known) { return known.name == key && known.schemes == kTls; });
}

SocketSettings socket_settings(const Url& url) {
  SocketSettings settings;
  for (const Url::Query& query : url.query()) {
    // Url::parse has let only good ones through.
    (void)apply_query(url.scheme(), query, settings);
  }
  return settings;
}

std::string_view scheme_name(Scheme scheme) {
  switch (scheme) {
    case Scheme::tcp:
      return "tcp";
    case Scheme::tls:
      return "tls";
    case Scheme::udp:
      return "udp";
    case Scheme::unix_stream:
      return "unix";
    case Scheme::tls_unix:
      return "tls+unix";
    case Scheme::unix_datagram:
      return "unixgram";
    case Scheme::fd:
      return "fd";
    case Scheme::systemd:
      return "systemd";
  }
  return "";
}

}  // namespace weir
