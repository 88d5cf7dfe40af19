#include <weir/url.hpp>

#include <netdb.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <limits>

#include <weir/address.hpp>
#include <weir/text.hpp>

#include "units.hpp"
#include "url_query.hpp"

namespace weir {

namespace {

using Scheme = Url::Scheme;

constexpr std::size_t kUrlMost = 4096;
constexpr std::size_t kHostMost = 253;  // RFC 1035, as written with dots.
constexpr std::size_t kLabelMost = 63;
constexpr std::size_t kServiceMost = 63;
constexpr std::size_t kZoneMost = 15;  // An interface's name.
constexpr std::size_t kPathMost = sizeof(sockaddr_un::sun_path) - 1;
constexpr std::size_t kNameMost = 255;  // Of a descriptor that systemd passes.

constexpr std::array kSchemes{Scheme::tcp,         Scheme::tls,      Scheme::udp,
                              Scheme::unix_stream, Scheme::tls_unix, Scheme::unix_datagram,
                              Scheme::fd,          Scheme::systemd};

// For machines without /etc/services, which small containers are.
struct Service {
  std::string_view name;
  std::uint16_t port;
};
constexpr std::array kServices{
    Service{"echo", 7},     Service{"discard", 9}, Service{"daytime", 13}, Service{"qotd", 17},
    Service{"chargen", 19}, Service{"telnet", 23}, Service{"time", 37},    Service{"domain", 53},
    Service{"finger", 79},  Service{"http", 80},   Service{"ntp", 123},    Service{"https", 443},
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }
bool is_word(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
}
bool is_graphic(char c) { return c > 0x20 && c < 0x7f; }

template <class Test>
bool all(std::string_view text, Test test) {
  return std::all_of(text.begin(), text.end(), test);
}

std::string quoted(std::string_view text) { return '"' + escape(text, 200) + '"'; }

std::string did_you_mean(std::string_view word, std::span<const std::string> candidates) {
  const std::string near = nearest(word, candidates);
  return near.empty() ? "" : "; did you mean " + quoted(near) + "?";
}

std::vector<std::string> scheme_names() {
  std::vector<std::string> names;
  for (const Scheme scheme : kSchemes) names.emplace_back(scheme_name(scheme));
  return names;
}

std::optional<Scheme> find_scheme(std::string_view name) {
  for (const Scheme scheme : kSchemes) {
    if (scheme_name(scheme) == name) return scheme;
  }
  return {};
}

std::optional<std::uint16_t> find_service(const std::string& name, Scheme scheme) {
  addrinfo hints{};
  hints.ai_family = AF_INET;
  hints.ai_socktype = scheme == Scheme::udp ? SOCK_DGRAM : SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(nullptr, name.c_str(), &hints, &found) == 0) {
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, &freeaddrinfo);
    return ntohs(reinterpret_cast<const sockaddr_in*>(found->ai_addr)->sin_port);
  }
  for (const Service& service : kServices) {
    if (service.name == name) return service.port;
  }
  return {};
}

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

std::string percent_encoded(std::string_view path) {
  std::string out;
  for (const char c : path) {
    const bool plain =
        is_graphic(c) && std::string_view("%?#\"\\").find(c) == std::string_view::npos;
    if (plain) {
      out += c;
      continue;
    }
    const unsigned char byte = static_cast<unsigned char>(c);
    out += '%';
    out += "0123456789ABCDEF"[byte >> 4];
    out += "0123456789ABCDEF"[byte & 0xf];
  }
  return out;
}

}  // namespace

// Reads one URL from front to back; whatever is wrong leaves through fail().
class UrlParser {
 public:
  explicit UrlParser(std::string_view text) : text_(text) {}

  Url parse();

 private:
  [[noreturn]] void fail(const std::string& sentence) const;
  std::string decoded(std::string_view part, std::string_view where) const;

  std::string_view read_scheme(std::string_view body);
  void read_host_and_port(std::string_view body);
  std::string_view read_bracketed(std::string_view body);
  std::string_view read_name(std::string_view body);
  void check_name(std::string_view host) const;
  void read_port(std::string_view port);
  void read_unix_path(std::string_view body);
  void read_descriptor(std::string_view body);
  void read_systemd_name(std::string_view body);
  void read_query(std::string_view query);

  std::string scheme() const { return std::string(scheme_name(url_.scheme_)); }

  std::string_view text_;
  Url url_;
};

// Names the URL without its query: that may hold paths of secrets.
void UrlParser::fail(const std::string& sentence) const {
  throw SetupError("URL " + quoted(text_.substr(0, text_.find('?'))) + ' ' + sentence);
}

std::string UrlParser::decoded(std::string_view part, std::string_view where) const {
  std::string out;
  for (std::size_t i = 0; i < part.size(); ++i) {
    if (part[i] != '%') {
      out += part[i];
      continue;
    }
    const int high = i + 2 < part.size() ? hex_value(part[i + 1]) : -1;
    const int low = i + 2 < part.size() ? hex_value(part[i + 2]) : -1;
    if (high < 0 || low < 0) {
      fail("has a % in its " + std::string(where) +
           " without two hexadecimal digits, expected %25 "
           "for the sign itself");
    }
    out += static_cast<char>(high << 4 | low);
    i += 2;
  }
  if (!all(out, [](char c) { return !is_control(c); })) {
    fail("has a control character in its " + std::string(where));
  }
  return out;
}

Url UrlParser::parse() {
  if (text_.empty()) fail("is empty, expected one such as tcp://127.0.0.1:7070");
  if (text_.size() > kUrlMost) {
    fail("is " + std::to_string(text_.size()) + " bytes long, expected at most " +
         std::to_string(kUrlMost));
  }
  if (!all(text_, [](char c) { return !is_control(c); })) fail("has a control character in it");
  const std::size_t mark = text_.find('?');
  const std::string_view body = read_scheme(text_.substr(0, mark));
  switch (url_.scheme_) {
    case Scheme::tcp:
    case Scheme::tls:
    case Scheme::udp:
      read_host_and_port(body);
      break;
    case Scheme::unix_stream:
    case Scheme::tls_unix:
    case Scheme::unix_datagram:
      read_unix_path(body);
      break;
    case Scheme::fd:
      read_descriptor(body);
      break;
    case Scheme::systemd:
      read_systemd_name(body);
      break;
  }
  if (mark != std::string_view::npos) read_query(text_.substr(mark + 1));
  return std::move(url_);
}

// Returns what follows the scheme.
std::string_view UrlParser::read_scheme(std::string_view body) {
  const std::size_t colon = body.find(':');
  const std::string_view word = body.substr(0, colon);
  const bool slashes = colon != std::string_view::npos && body.substr(colon).starts_with("://");
  const auto known = colon == std::string_view::npos ? std::nullopt : find_scheme(word);
  if (!known && !slashes) {
    if (body.starts_with('/')) fail("is a path, expected unix://" + escape(body, 100));
    return body;  // HOST:PORT
  }
  if (!known) {
    fail("has an unknown scheme " + quoted(word) +
         ", expected tcp, tls, udp, unix, tls+unix, unixgram, fd or systemd" +
         did_you_mean(word, scheme_names()));
  }
  url_.scheme_ = *known;
  if (*known == Scheme::systemd) {
    if (slashes) fail("has // after its scheme, expected systemd:NAME");
    return body.substr(colon + 1);
  }
  if (!slashes) fail("lacks the // after its scheme, expected " + scheme() + "://");
  return body.substr(colon + 3);
}

void UrlParser::read_host_and_port(std::string_view body) {
  const std::string_view rest = body.starts_with('[') ? read_bracketed(body) : read_name(body);
  if (rest.empty()) fail("lacks a port, expected " + scheme() + "://HOST:PORT");
  read_port(rest.substr(1));
}

// Each of the two reads the host and returns what follows it: nothing, or a colon and the port.
std::string_view UrlParser::read_bracketed(std::string_view body) {
  const std::size_t end = body.find(']');
  if (end == std::string_view::npos) fail("has a [ without a ], expected one as in [::1]:7070");
  const std::string_view inside = body.substr(1, end - 1);
  const std::size_t percent = inside.find('%');
  const auto address = Address::parse(inside.substr(0, percent), 0);
  if (!address || address->family() != Address::Family::ipv6) {
    fail("has " + quoted(inside) + " in brackets, expected an IPv6 address");
  }
  if (percent != std::string_view::npos) {
    const std::string_view zone = inside.substr(percent + 1);
    const bool good = all(zone, [](char c) { return is_word(c) || c == '.'; });
    if (zone.empty() || zone.size() > kZoneMost || !good) {
      fail("has the zone " + quoted(zone) + ", expected an interface's name or number");
    }
  }
  url_.host_ = inside;
  const std::string_view rest = body.substr(end + 1);
  if (!rest.empty() && rest[0] != ':') fail("has " + quoted(rest) + " after the ], expected :PORT");
  return rest;
}

std::string_view UrlParser::read_name(std::string_view body) {
  const std::size_t colon = body.find(':');
  if (colon != body.rfind(':')) {
    fail(
        "has more than one colon, expected an IPv6 address to stand in brackets, as in [::1]:7070");
  }
  const std::string_view host = body.substr(0, colon);
  if (colon == std::string_view::npos && !host.empty() && all(host, is_digit)) {
    fail("is a number and no more, expected HOST:PORT as in 127.0.0.1:7070");
  }
  if (host != "*") check_name(host);
  url_.host_ = host;
  return colon == std::string_view::npos ? std::string_view() : body.substr(colon);
}

void UrlParser::check_name(std::string_view host) const {
  if (host.size() > kHostMost) {
    fail("has a host of " + std::to_string(host.size()) + " bytes, expected at most " +
         std::to_string(kHostMost));
  }
  if (!all(host, [](char c) { return is_word(c) || c == '.'; })) {
    fail("has the host " + quoted(host) +
         ", expected letters, digits, hyphens and dots, or * for every address");
  }
  // The system's resolver would take 127.1 and 010.0.0.1 for addresses, other than they look.
  const bool numeric = !host.empty() && all(host, [](char c) { return is_digit(c) || c == '.'; });
  if (numeric && !Address::parse(host, 0)) {
    fail("has the host " + quoted(host) +
         ", expected four numbers from 0 to 255 in an IPv4 address");
  }
  for (std::size_t at = 0; at < host.size();) {
    const std::size_t length = std::min(host.find('.', at), host.size()) - at;
    if (length == 0) fail("has an empty part in its host " + quoted(host));
    if (length > kLabelMost) {
      fail("has a part of " + std::to_string(length) + " bytes in its host, expected at most " +
           std::to_string(kLabelMost) + " between dots");
    }
    at += length + 1;
  }
}

void UrlParser::read_port(std::string_view port) {
  if (port.empty()) fail("lacks a port after its colon, expected a number or a service's name");
  if (all(port, is_digit)) {
    const auto number = parse_number(port);
    if (!number || *number > std::numeric_limits<std::uint16_t>::max()) {
      fail("has the port " + quoted(port) + ", expected 0 to 65535");
    }
    url_.port_ = static_cast<std::uint16_t>(*number);
    return;
  }
  if (const std::size_t slash = port.find('/'); slash != std::string_view::npos) {
    fail("has a path after its port, expected none");
  }
  const bool good =
      port.size() <= kServiceMost && all(port, is_word) && !is_digit(port[0]) && port[0] != '-';
  const auto found = good ? find_service(std::string(port), url_.scheme_) : std::nullopt;
  if (!found) {
    std::vector<std::string> names;
    for (const Service& service : kServices) names.emplace_back(service.name);
    fail("has the port " + quoted(port) + ", expected 0 to 65535 or a service's name" +
         did_you_mean(port, names));
  }
  url_.port_ = *found;
}

void UrlParser::read_unix_path(std::string_view body) {
  url_.path_ = decoded(body, "path");
  if (!url_.path_.starts_with('/')) {
    fail("has no absolute path, expected three slashes as in " + scheme() + ":///run/x.sock");
  }
  if (url_.path_.ends_with('/')) fail("names a directory, expected a socket's path");
  if (url_.path_.size() > kPathMost) {
    fail("has a path of " + std::to_string(url_.path_.size()) + " bytes, expected at most " +
         std::to_string(kPathMost) + ", this system's limit");
  }
}

void UrlParser::read_descriptor(std::string_view body) {
  const auto number = all(body, is_digit) ? parse_number(body) : std::nullopt;
  if (!number || *number > std::numeric_limits<int>::max()) {
    fail("has " + quoted(body) + " for a descriptor, expected a number as in fd://3");
  }
  url_.descriptor_ = static_cast<int>(*number);
}

void UrlParser::read_systemd_name(std::string_view body) {
  const bool good = all(body, [](char c) { return is_graphic(c) && c != ':' && c != '"'; });
  if (body.empty() || body.size() > kNameMost || !good) {
    fail("has the name " + quoted(body) +
         ", expected 1 to 255 printable characters without spaces, colons and quotes");
  }
  url_.path_ = body;
}

void UrlParser::read_query(std::string_view query) {
  SocketSettings settings;
  for (bool more = true; more;) {
    const std::size_t end = query.find('&');
    more = end != std::string_view::npos;
    const std::string_view item = query.substr(0, end);
    if (more) query.remove_prefix(end + 1);
    const std::size_t equals = item.find('=');
    if (equals == std::string_view::npos || equals == 0) {
      fail("has " + quoted(item) + " in its query, expected KEY=VALUE");
    }
    Url::Query next{std::string(item.substr(0, equals)), decoded(item.substr(equals + 1), "query")};
    if (url_.value(next.key) && !is_repeatable(next.key))
      fail("has the query key " + quoted(next.key) + " twice, expected once");
    if (const auto wrong = apply_query(url_.scheme_, next, settings)) fail(*wrong);
    url_.query_.push_back(std::move(next));
  }
}

Url Url::parse(std::string_view text) { return UrlParser(text).parse(); }

std::optional<std::string> Url::value(std::string_view key) const {
  for (const Query& query : query_) {
    if (query.key == key) return query.value;
  }
  return {};
}

Url Url::with_port(std::uint16_t port) const {
  Url other = *this;
  other.port_ = port;
  return other;
}

Url Url::with_host(std::string host) const {
  Url other = *this;
  other.host_ = std::move(host);
  return other;
}

std::string Url::text() const {
  const std::string scheme(scheme_name(scheme_));
  switch (scheme_) {
    case Scheme::unix_stream:
    case Scheme::tls_unix:
    case Scheme::unix_datagram:
      return scheme + "://" + percent_encoded(path_);
    case Scheme::fd:
      return scheme + "://" + std::to_string(descriptor_);
    case Scheme::systemd:
      return scheme + ':' + path_;
    case Scheme::tcp:
    case Scheme::tls:
    case Scheme::udp:
      break;
  }
  const bool bracketed = host_.find(':') != std::string::npos;
  return scheme + "://" + (bracketed ? '[' + host_ + ']' : host_) + ':' + std::to_string(port_);
}

}  // namespace weir
