#include "configuration.hpp"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weir/text.hpp>

#include "command_line.hpp"
#include "toml_values.hpp"
#include "url_keys.hpp"

namespace weir::program {

namespace {

constexpr std::size_t kNameMax = 64;

// One reading: everything that is wrong is noted, nothing stops it but what is no TOML at all.
class Reading {
 public:
  Reading(Configuration& to, std::span<const ServiceType> types) : to_(to), types_(types) {}

  void read(const toml::table& root);

 private:
  void fault(const Place& at, std::string sentence) {
    to_.faults.push_back({at, std::move(sentence)});
  }
  void add(const Given& given, const std::vector<OptionFault>& faults, const Place& otherwise);
  void read_process(const toml::node& node);
  void read_services(const toml::node& node);
  void read_service(const toml::table& table);
  const ServiceType* type_of(const toml::table& table, const Place& at);
  void read_urls(const toml::table& table, ServiceSection& section);
  void read_tls(const toml::table& table, ServiceSection& section);
  void check_tls_is_used(const toml::table& table, const ServiceSection& section);
  static Url with_tls(const std::string& text, const ServiceSection& section);
  void read_url(const toml::node& node, ServiceSection& section);
  void check_taken(const Url& url, const Place& at);
  void read_name(const toml::table& table, ServiceSection& section);

  Configuration& to_;
  std::span<const ServiceType> types_;
  std::map<std::string, Place> names_;            // Of services,
  std::vector<std::pair<Url, Place>> listening_;  // and their URLs, and where each was said first.
};

void Reading::read(const toml::table& root) {
  for (const auto& [key, node] : root) {
    if (key == "server") {
      read_process(node);
    } else if (key == "service") {
      read_services(node);
    } else {
      const std::string name(key.str());
      const std::vector<std::string> known{"server", "service"};
      const std::string near = nearest(name, known);
      fault(place_of(key.source().begin), "there is no table or key \"" + escape(name, 200) +
                                              "\" here, expected " +
                                              (near.empty()       ? "[server] or [[service]]"
                                               : near == "server" ? "[server]"
                                                                  : "[[service]]"));
    }
  }
  if (root.get("service") == nullptr) fault({}, "there is no [[service]], so nothing to serve");
}

void Reading::add(const Given& given, const std::vector<OptionFault>& faults,
                  const Place& otherwise) {
  for (const OptionFault& each : faults) {
    const auto found = given.places.find(each.name);
    if (found == given.places.end()) {
      fault(otherwise, each.sentence);
    } else if (given.values.contains(each.name)) {  // Else its type is wrong, which is told.
      fault(found->second, each.sentence);
    }
  }
}

void Reading::read_process(const toml::node& node) {
  const auto* const table = node.as_table();
  if (table == nullptr) return fault(place_of(node), "server is no table, expected [server]");
  to_.given = read_table(*table, SettingsReader<ProcessSettings>::describe(), "server", to_.faults);
  add(to_.given, SettingsReader<ProcessSettings>::read(to_.given.values, to_.process),
      place_of(node));
  const std::string& log = to_.process.log_file;
  std::error_code wrong;
  const std::filesystem::path folder = std::filesystem::path(log).parent_path();
  if (log.empty() || folder.empty() || std::filesystem::is_directory(folder, wrong)) return;
  fault(to_.given.places["log-file"],
        "server: there is no folder " + escape(folder.string()) + " for the log");
}

void Reading::read_services(const toml::node& node) {
  const auto* const array = node.as_array();
  if (array == nullptr) {
    return fault(place_of(node), "there may be several services: write [[service]], not [service]");
  }
  if (array->empty()) fault(place_of(node), "there is no [[service]], so nothing to serve");
  for (const toml::node& each : *array) {
    const auto* const table = each.as_table();
    if (table == nullptr) {
      fault(place_of(each), "a service is no table, expected [[service]] and keys below it");
    } else {
      read_service(*table);
    }
  }
}

const ServiceType* Reading::type_of(const toml::table& table, const Place& at) {
  std::vector<std::string> known;
  for (const ServiceType& type : types_) known.emplace_back(type.name);
  const toml::node* const node = table.get("protocol");
  if (node == nullptr) {
    fault(at, "this service lacks its protocol, as in protocol = \"echo\"");
    return nullptr;
  }
  const auto* const text = node->as_string();
  if (text == nullptr) {
    fault(place_of(*node), "a protocol is a name in quotes, as in \"echo\"");
    return nullptr;
  }
  for (const ServiceType& type : types_) {
    if (text->get() == type.name) return &type;
  }
  fault(place_of(*node), unknown("there is no protocol", text->get(), known));
  return nullptr;
}

void Reading::read_service(const toml::table& table) {
  ServiceSection section;
  section.at = place_of(table);
  section.type = type_of(table, section.at);
  if (section.type == nullptr) return;  // What its keys mean is not known.
  const ServiceType& type = *section.type;
  ServiceSettings settings(type);
  const auto options = describe_options(type);
  const auto limits = SettingsReader<ServiceSettings>::describe(settings);
  std::vector<OptionInfo> declared = service_keys();
  declared.insert(declared.end(), options.begin(), options.end());
  declared.insert(declared.end(), limits.begin(), limits.end());
  declared.push_back({"tls", "table", "", "", ""});
  section.given = read_table(table, declared, type.name, to_.faults);

  OptionValues of_service;
  for (const auto& [name, values] : section.given.values) {
    const auto is = [&](const OptionInfo& info) { return info.name == name; };
    if (std::any_of(options.begin(), options.end(), is)) section.listen.options[name] = values;
    if (std::any_of(limits.begin(), limits.end(), is)) of_service[name] = values;
  }
  add(section.given, SettingsReader<ServiceSettings>::read(of_service, settings, type.name),
      section.at);
  section.listen.speak = type.name;
  section.listen.limits = settings.limits;
  section.listen.timeouts = settings.timeouts;
  read_name(table, section);
  read_tls(table, section);
  read_urls(table, section);
  check_tls_is_used(table, section);
  add(section.given, check(type, section.listen), section.at);
  to_.services.push_back(std::move(section));
}

void Reading::read_name(const toml::table& table, ServiceSection& section) {
  const toml::node* const node = table.get("name");
  const Place at = node == nullptr ? section.at : place_of(*node);
  section.listen.name = section.type->name;
  if (node != nullptr) {
    if (node->as_string() == nullptr) return;  // Told already.
    section.listen.name = node->as_string()->get();
    if (!is_name(section.listen.name, kNameMax)) {
      return fault(at, "the name \"" + escape(section.listen.name, 200) +
                           "\" is not 1 to 64 letters, digits, _ and -");
    }
  }
  const auto [first, is_new] = names_.try_emplace(section.listen.name, at);
  if (is_new) return;
  fault(at, "two services are called \"" + section.listen.name + "\", the first one at " +
                std::to_string(first->second.line) + ":" + std::to_string(first->second.column) +
                ": give this one another name = \"...\"");
}

void Reading::read_urls(const toml::table& table, ServiceSection& section) {
  const toml::node* const node = table.get("listen");
  const auto* const array = node == nullptr ? nullptr : node->as_array();
  if (node == nullptr || (array != nullptr && array->empty())) {
    return fault(node == nullptr ? section.at : place_of(*node),
                 std::string(section.type->name) +
                     ": nowhere to listen, expected listen = [\"tcp://127.0.0.1:7000\"]");
  }
  if (array == nullptr) return read_url(*node, section);
  for (const toml::node& each : *array) read_url(each, section);
}

void Reading::read_tls(const toml::table& table, ServiceSection& section) {
  const toml::node* const node = table.get("tls");
  if (node == nullptr) return;
  const auto* const keys = node->as_table();
  if (keys == nullptr) {
    return fault(place_of(*node), "tls is no table, expected [service.tls] and keys below it");
  }
  section.tls =
      read_table(*keys, tls_keys(), std::string(section.type->name) + ": tls", to_.faults);
}

// It would be thought to protect something.
void Reading::check_tls_is_used(const toml::table& table, const ServiceSection& section) {
  const toml::node* const node = table.get("tls");
  const auto listen = section.given.values.find("listen");  // Also those that cannot be used.
  if (node == nullptr || listen == section.given.values.end()) return;
  const auto is_tls = [](std::string_view url) { return url.starts_with("tls"); };
  if (std::any_of(listen->second.begin(), listen->second.end(), is_tls)) return;
  fault(place_of(*node), std::string(section.type->name) +
                             ": [service.tls] is for nobody, expected a tls:// or tls+unix:// URL "
                             "in listen");
}

// What the table says of every URL, where the URL itself does not.
Url Reading::with_tls(const std::string& text, const ServiceSection& section) {
  Url alone = Url::parse(text);
  if (!alone.is_tls()) return alone;
  std::string all = text;
  for (const OptionInfo& info : tls_keys()) {
    const auto given = section.tls.values.find(info.name);
    if (given == section.tls.values.end() || alone.value(info.name)) continue;
    if (info.name != "alpn") {
      for (const std::string& value : given->second)
        all = with_key(std::move(all), info.name, value);
      continue;
    }
    std::string names;
    for (const std::string& value : given->second) names += (names.empty() ? "" : ",") + value;
    all = with_key(std::move(all), info.name, names);
  }
  return Url::parse(all);
}

void Reading::read_url(const toml::node& node, ServiceSection& section) {
  const auto* const text = node.as_string();
  if (text == nullptr) return;  // Told already.
  try {
    const Url url = with_tls(text->get(), section);
    Listen alone;
    alone.at = {url};
    bool good = true;
    for (const OptionFault& each : check(*section.type, alone)) {
      if (each.name != "listen") continue;
      fault(place_of(node), each.sentence);
      good = false;
    }
    if (!good) return;
    section.listen.at.push_back(url);
    check_taken(url, place_of(node));
  } catch (const SetupError& wrong) {
    fault(place_of(node), std::string(section.type->name) + ": " + wrong.what());
  }
}

// Two spellings may mean the same address, and every address includes each of them.
void Reading::check_taken(const Url& url, const Place& at) {
  if (!url.is_unix() && url.port() == 0) return;  // Chosen by the system, another each time.
  for (const auto& [other, first] : listening_) {
    if (other.port() != url.port() || (!reaches(url, other) && !reaches(other, url))) continue;
    const bool alike = other.text() == url.text();
    const std::string what =
        alike ? " is listened on twice, first"
              : " means an address that " + escape(other.text()) + " listens on,";
    return fault(at, escape(url.text()) + what + " at " + std::to_string(first.line) + ":" +
                         std::to_string(first.column));
  }
  listening_.emplace_back(url, at);
}

class OpenFile {
 public:
  explicit OpenFile(const std::string& name)
      : descriptor_(name == "-" ? ::dup(STDIN_FILENO)
                                : ::open(name.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~OpenFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

[[noreturn]] void cannot_read(const std::string& file, int error) {
  throw SetupError("cannot read " + escape(file) + ": " + std::generic_category().message(error));
}

std::string contents(int descriptor, const std::string& file) {
  std::string text;
  char piece[16 << 10];
  for (;;) {
    const ssize_t got = ::read(descriptor, piece, sizeof piece);
    if (got == 0) return text;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) cannot_read(file, errno);
    text.append(piece, static_cast<std::size_t>(got));
    if (text.size() > kFileMax) {
      throw SetupError(escape(file) + " is larger than 1 MiB, which no configuration is");
    }
  }
}

}  // namespace

std::vector<OptionInfo> service_keys() {
  OptionInfo protocol{"protocol", "text", "", "", "what is spoken: a name from weir protocols"};
  OptionInfo listen{"listen", "urls", "", "", "where, as in [\"tcp://127.0.0.1:7000\"]"};
  protocol.required = listen.required = true;
  return {protocol,
          listen,
          {"name", "text", "", "1 to 64 letters, digits, _ and -",
           "in the log, and to tell it from others of its protocol; else the protocol's"}};
}

std::vector<OptionInfo> tls_keys() {
  return {{"cert", "list", "", "", "certificates with their chains, PEM; the first is the default"},
          {"key", "list", "", "", "their keys in the same order; else in the same files"},
          {"passphrase", "text", "", "", "a file whose first line opens the keys"},
          {"client-ca", "text", "", "", "a file: who may vouch for clients"},
          {"client-cert", "choice", "", "required, optional",
           "whether a client must show one; required where there is a client-ca"},
          {"crl", "text", "", "", "a file: certificates of clients that are revoked"},
          {"alpn", "list", "", "", "protocols of the application, in our order"},
          {"tls-min", "choice", "1.2", "1.2, 1.3", "least version"},
          {"ciphers", "text", "", "", "of TLS 1.2, by OpenSSL's names"},
          {"suites", "text", "", "", "of TLS 1.3, by OpenSSL's names"},
          {"groups", "text", "", "", "for the exchange of keys"},
          {"tickets", "flag", "on", "on, off", "resumption by tickets"},
          {"expired", "choice", "warn", "warn, refuse", "what an expired certificate means"}};
}

std::string Configuration::place(const Place& at) const {
  return escape(file) + ":" + std::to_string(at.line) + ":" + std::to_string(at.column);
}

std::vector<std::string> Configuration::sentences() const {
  std::vector<std::string> all;
  for (const Fault& fault : faults) all.push_back(place(fault.at) + ": " + fault.sentence);
  return all;
}

Configuration parse_configuration(std::string_view text, const std::string& file,
                                  std::span<const ServiceType> types) {
  Configuration found;
  found.file = file == "-" ? "standard input" : file;
  try {
    const toml::table root = toml::parse(text);
    Reading(found, types).read(root);
  } catch (const toml::parse_error& wrong) {
    found.faults.push_back(
        {place_of(wrong.source().begin), "this is not TOML: " + clean(wrong.description())});
  }
  sort_faults(found);
  return found;
}

void sort_faults(Configuration& found) {
  std::stable_sort(found.faults.begin(), found.faults.end(), [](const Fault& a, const Fault& b) {
    return std::pair(a.at.line, a.at.column) < std::pair(b.at.line, b.at.column);
  });
}

Configuration read_configuration(const std::string& file, std::span<const ServiceType> types) {
  const OpenFile open(file);
  if (open.descriptor() < 0) cannot_read(file, errno);
  Configuration found = parse_configuration(contents(open.descriptor(), file), file, types);
  struct stat about {};
  if (::fstat(open.descriptor(), &about) == 0 && S_ISREG(about.st_mode) &&
      (about.st_mode & S_IWOTH) != 0) {
    found.faults.insert(found.faults.begin(),
                        {{}, "anybody may write this file: chmod o-w " + escape(file)});
  }
  return found;
}

}  // namespace weir::program
