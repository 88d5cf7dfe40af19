#include "sniff.hpp"

#include <array>
#include <ctime>

#include <weir/connection.hpp>
#include <weir/text.hpp>

namespace weir::protocols {

namespace {

// "2026-01-31T12:00:00.123Z", as RFC 3339 has it.
std::string text_of(WallTime time) {
  using namespace std::chrono;
  const auto millis = duration_cast<Millis>(time.time_since_epoch()).count();
  const std::time_t seconds = static_cast<std::time_t>(millis / 1'000);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S.", &parts);
  const std::string fraction = std::to_string(1'000 + millis % 1'000);
  return std::string(text.data(), size) + fraction.substr(1) + "Z";
}

// Escaped text has no quote and no control character left; only its backslashes mean something here.
std::string json(std::string_view text) {
  std::string out = "\"";
  for (const char c : escape(text, 4 << 10)) out += c == '\\' ? "\\\\" : std::string(1, c);
  return out + "\"";
}

// The address without its port.
std::string source_of(const Address& peer) {
  const std::string text = peer.text();
  return peer.port() == 0 ? text : text.substr(0, text.rfind(':'));
}

class Knock final : public Handler {
 public:
  Knock(ScanWatch& scans, const SniffOptions& options) : scans_(scans), options_(options) {}

  void on_open(Connection& self) override {
    Loop& loop = self.loop();
    when_ = loop.wall();
    local_ = self.local();
    patience_ = loop.after(options_.wait, [&self] { self.close(); });
    const std::size_t ports =
        scans_.tried(source_of(self.peer()), local_.port(), loop.now(), options_);
    if (ports == 0) return;
    loop.print("{\"event\":\"scan\",\"time\":" + json(text_of(when_)) + ",\"source\":" +
               json(source_of(self.peer())) + ",\"ports\":" + std::to_string(ports) + "}");
  }

  std::size_t on_data(Connection& self, Bytes data) override {
    first_ += as_text(data).substr(0, options_.first_max - first_.size());
    if (first_.size() >= options_.first_max || first_.find('\n') != std::string::npos) self.close();
    return data.size();
  }

  void on_eof(Connection& self, Bytes) override { self.close(); }

  void on_close(Connection& self, const CloseReason& reason) override {
    self.loop().print("{\"event\":\"connection\",\"time\":" + json(text_of(when_)) +
                      ",\"peer\":" + json(self.peer().text()) +
                      ",\"local\":" + json(local_.text()) + ",\"first\":" + json(first_) +
                      ",\"bytes\":" + std::to_string(self.bytes_in()) +
                      ",\"end\":" + json(name(reason.code)) + "}");
  }

 private:
  ScanWatch& scans_;
  const SniffOptions& options_;
  WallTime when_;
  Address local_;
  std::string first_;
  Timer patience_;
};

class SniffService final : public Service {
 public:
  SniffService(ScanWatch& scans, const SniffOptions& options) : scans_(scans), options_(options) {}
  std::unique_ptr<Handler> accept(Connection&) override {
    return std::make_unique<Knock>(scans_, options_);
  }

 private:
  ScanWatch& scans_;
  const SniffOptions& options_;
};

}  // namespace

void SniffOptions::read(OptionReader& in) {
  in.size("first-max", first_max, 1, 4 << 10, "first bytes of a peer that are noted");
  in.duration("wait", wait, Millis{1}, std::chrono::minutes(1), "time a peer has to say them");
  in.number("scan-ports", scan_ports, 2, 1'000, "ports tried from one address that are a scan");
  in.duration("scan-time", scan_time, Millis{100}, std::chrono::hours(1), "time within which");
}

std::size_t ScanWatch::tried(const std::string& source, std::uint16_t port, SteadyTime now,
                             const SniffOptions& options) {
  const std::lock_guard lock(mutex_);
  Source& from = sources_[source];
  if (from.ports.empty() || now - from.since > options.scan_time) from = {now};
  from.ports.insert(port);
  if (sources_.size() > kSourcesMax) {
    std::erase_if(sources_, [&](const auto& each) {
      return each.first != source && now - each.second.since > options.scan_time;
    });
    if (sources_.size() > kSourcesMax) sources_.erase(sources_.begin());
    return 0;
  }
  if (from.told || static_cast<std::int64_t>(from.ports.size()) < options.scan_ports) return 0;
  from.told = true;
  return from.ports.size();
}

std::unique_ptr<Service> Sniff::open(Loop&) {
  return std::make_unique<SniffService>(scans_, options_);
}

}  // namespace weir::protocols
