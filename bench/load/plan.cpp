#include "plan.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <iterator>

#include <weir/text.hpp>

namespace weir::load {

namespace {

constexpr std::array<ScenarioInfo, 10> kScenarios = {{
    {Scenario::echo, "echo", "closed loop: `depth` messages of `size` bytes in flight on each",
     true, false},
    {Scenario::idle, "idle", "hold all connections, then one echo on each: memory of the server",
     true, false},
    {Scenario::storm, "storm", "open all connections at once, one echo on each", true, false},
    {Scenario::churn, "churn", "connect, one echo, close, and again", true, false},
    {Scenario::send, "send", "one way to the server, as fast as it takes it", true, false},
    {Scenario::receive, "receive", "one way from the far side of a forwarder", true, true},
    {Scenario::mix, "mix", "chatter and streams of `bytes` in turn, through a forwarder", true,
     true},
    {Scenario::fanout, "fanout", "lines to a room: `depth` under way in all, said by `senders`",
     false, false},
    {Scenario::ask, "ask", "request and reply of any protocol", false, false},
    {Scenario::handshake, "handshake", "churn over TLS, each handshake full, or each --resumed",
     true, false},
}};

constexpr std::size_t kBulkPiece = 256 << 10;
constexpr std::size_t kSizeMost = 16 << 20;
constexpr std::int64_t kConnectionsMost = 1'000'000;
constexpr Millis kHour = std::chrono::hours(1);
constexpr int kLoopbackLast = 253;  // 127.0.0.2 to 127.0.0.254

std::optional<int> number_in(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value <= 0) return {};
  return value;
}

std::string take_pids(std::string_view list, std::vector<int>& pids) {
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    const std::string_view word = list.substr(0, comma);
    const auto pid = number_in(word);
    if (!pid) {
      return "server-pid: \"" + escape(word, 200) +
             "\" is no process id, expected PID or PID,PID...";
    }
    pids.push_back(*pid);
    list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
  }
  return "";
}

// \r, \n, \t, \0 and \\ as in a shell's $'...'; the rest stands for itself.
std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    constexpr std::string_view letters = "rnt0\\";
    constexpr std::string_view meant("\r\n\t\0\\", 5);
    const bool escapes = text[i] == '\\' && i + 1 < text.size();
    const std::size_t which = escapes ? letters.find(text[i + 1]) : std::string_view::npos;
    out += which == std::string_view::npos ? text[i] : meant[which];
    if (which != std::string_view::npos) ++i;
  }
  return out;
}

}  // namespace

std::span<const ScenarioInfo> scenarios() { return kScenarios; }

const ScenarioInfo& info(Scenario scenario) {
  return kScenarios[static_cast<std::size_t>(scenario)];
}

void Plan::read(OptionReader& in) {
  in.number("connections", connections, 1, kConnectionsMost, "connections at once");
  in.size("size", size, 1, kSizeMost, "bytes of a message; 256KiB for send and receive");
  in.number("depth", depth, 1, 10'000, "messages in flight on each connection");
  in.duration("duration", duration, Millis{1}, kHour, "what is measured");
  in.duration("warmup", warmup, Millis{0}, kHour,
              "between the last connection's opening and the measurement");
  in.duration("timeout", timeout, Millis{1}, kHour, "for each connection to be made");
  in.text("server-pid", server_pid_text,
          "processes whose CPU time and memory to measure, PID or PID,PID...");
  in.number("cpu", cpu, -1, 4'095, "the CPU this process may use; -1 is any");
  in.text("backend", backend_text,
          "where to serve the far side of the forwarder that is the target");
  in.number(
      "sources", sources, 1, kLoopbackLast,
      "spread a target on 127.0.0.x over so many addresses from 127.0.0.2 on, which it has to "
      "serve; each gives all local ports again");
  in.size("bytes", bytes, 1, std::size_t{1} << 30, "of one stream of mix");
  in.number("chatter", chatter, 1, 1'000'000, "messages between two streams of mix");
  in.number("senders", senders, 1, kConnectionsMost, "fanout: connections that speak");
  in.number("stalled", stalled, 0, kConnectionsMost, "fanout: connections that never read");
  in.flag("resumed", resumed, "handshake: every session but the first ones is used again");
  in.flag("reset", reset, "churn: end with a reset instead of in order");
  read_reply(in);
}

void Plan::read_reply(OptionReader& in) {
  in.text("send", send, "ask: the request, with \\r \\n \\t \\0 \\\\, or @FILE");
  in.size("reply-bytes", reply_bytes, 0, std::size_t{1} << 30, "ask: a reply has so many bytes");
  in.flag("reply-line", reply_line, "ask: a reply ends with a newline");
  in.flag("reply-http", reply_http,
          "ask: a reply is HTTP/1.1 with a Content-Length and a status below 400");
}

std::vector<std::string> Plan::settle(const std::string& scenario_name, const std::string& url,
                                      const OptionValues& given) {
  std::vector<std::string> faults;
  const auto fault = [&faults](std::string sentence) {
    if (!sentence.empty()) faults.push_back(std::move(sentence));
  };
  std::vector<std::string> names;
  for (const ScenarioInfo& each : kScenarios) {
    names.emplace_back(each.name);
    if (scenario_name == each.name) scenario = each.scenario;
  }
  if (std::find(names.begin(), names.end(), scenario_name) == names.end()) {
    const std::string meant = nearest(scenario_name, names);
    fault("there is no scenario \"" + escape(scenario_name, 200) + "\"" +
          (meant.empty() ? "" : "; did you mean \"" + meant + "\"?"));
    return faults;
  }
  try {
    target = Url::parse(url);
    if (!backend_text.empty()) backend = Url::parse(backend_text);
  } catch (const SetupError& error) {
    fault(error.what());
  }
  fault(take_pids(server_pid_text, server_pids));
  const bool bulk = scenario == Scenario::send || scenario == Scenario::receive;
  if (bulk && !given.contains("size")) size = kBulkPiece;
  const ScenarioInfo& chosen = info(scenario);
  if (chosen.must_host && !backend) {
    fault(std::string(chosen.name) + " needs --backend URL, where the forwarder dials back");
  }
  if (!chosen.may_host && backend) fault(std::string(chosen.name) + " has no use for --backend");
  if (sources > 1 && !target.host().starts_with("127.0.0.")) {
    fault("sources: \"" + escape(target.text()) + "\" is not on 127.0.0.x, whose neighbours it " +
          "could spread over");
  }
  fault(settle_ask());
  fault(settle_handshake(url));
  fault(settle_fanout());
  return faults;
}

std::string Plan::settle_fanout() const {
  if (scenario != Scenario::fanout) return "";
  if (senders + stalled >= connections) {
    return "fanout needs more --connections than --senders and --stalled together";
  }
  return size < 16 ? "fanout needs a --size of at least 16: lines are numbered" : "";
}

std::string Plan::settle_ask() {
  if (scenario != Scenario::ask) return "";
  const int ends = (reply_bytes > 0 ? 1 : 0) + (reply_line ? 1 : 0) + (reply_http ? 1 : 0);
  if (ends != 1) return "ask needs one of --reply-bytes, --reply-line and --reply-http";
  if (send.starts_with('@')) {
    std::ifstream file(send.substr(1), std::ios::binary);
    const std::string path = escape(send.substr(1), 200);
    if (!file) return "send: cannot read \"" + path + "\"";
    send.assign(std::istreambuf_iterator<char>(file), {});
  } else {
    send = unescaped(send);
  }
  return send.empty() ? "ask needs something to --send" : "";
}

// More at once than the client keeps sessions for would mix full handshakes in.
std::string Plan::settle_handshake(const std::string& url) {
  constexpr std::int64_t sessions = 8;
  if (scenario != Scenario::handshake) return "";
  if (!target.is_tls()) return "handshake needs a tls:// or tls+unix:// URL";
  if (resumed && connections > sessions) {
    return "handshake --resumed takes at most " + std::to_string(sessions) + " --connections";
  }
  if (resumed) return "";
  target = Url::parse(url + (target.query().empty() ? "?" : "&") + "tickets=off");
  return "";
}

Url Plan::target_of(std::size_t index) const {
  if (sources <= 1) return target;
  const std::size_t last = 2 + index % static_cast<std::size_t>(sources);
  return target.with_host("127.0.0." + std::to_string(last));
}

}  // namespace weir::load
