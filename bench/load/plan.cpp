#include "plan.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>

#include <weir/loop.hpp>
#include <weir/text.hpp>

#include "addresses.hpp"

namespace weir::load {

namespace {

constexpr std::size_t kBulkPiece = 256 << 10;
constexpr std::size_t kSizeMost = 16 << 20;
constexpr std::int64_t kConnectionsMost = 10'000'000;
constexpr std::int64_t kRateMost = 100'000'000;
constexpr Millis kDay = std::chrono::hours(24);
constexpr std::size_t kReplyMost = 32 << 10;  // That can be compared whole.

std::optional<int> number_in(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value <= 0) return {};
  return value;
}

std::string take_pids(std::string_view list, std::vector<int>& pids) {
  if (list == "none") return "";
  while (!list.empty() || !pids.empty()) {
    const std::size_t comma = list.find(',');
    const std::string_view word = list.substr(0, comma);
    const auto pid = number_in(word);
    if (!pid) {
      return "server-pid: \"" + escape(word, 200) +
             "\" is no process id, expected PID, PID,PID... or none";
    }
    pids.push_back(*pid);
    if (comma == std::string_view::npos) break;
    list = list.substr(comma + 1);
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

std::string share_of(const char* what, std::int64_t amount, std::int64_t agents) {
  if (amount == 0 || amount >= agents) return "";
  return std::to_string(agents) + " agents are too many for " + std::to_string(amount) + ' ' + what;
}

std::int64_t part(std::int64_t amount, std::int64_t parts, std::int64_t which) {
  return amount * (which + 1) / parts - amount * which / parts;
}

}  // namespace

void Plan::read(OptionReader& in) {
  read_load(in);
  read_peers(in);
  read_reply(in);
}

void Plan::read_load(OptionReader& in) {
  in.number("connections", connections, 1, kConnectionsMost, "connections at once");
  in.size("size", size, 1, kSizeMost, "bytes of a message; 256KiB for bulk");
  in.number("depth", depth, 1, 10'000,
            "messages in flight on each connection; rate: at most so many, 1,000 if not said");
  in.number("rate", rate, 0, kRateMost,
            "rate: messages a second; 0: half of what a probe of 2 s gets");
  in.choice("gaps", gaps, {"fixed", "exponential"}, "rate: between messages");
  in.duration("duration", duration, Millis{1}, kDay, "what is measured");
  in.duration("warmup", warmup, Millis{0}, kDay,
              "between the last connection's opening and the measurement");
  in.duration("ramp", ramp, Millis{0}, kDay, "over which the connections are opened");
  in.duration("timeout", timeout, Millis{1}, kDay,
              "for each connection to be made, and for the last answers of rate");
  in.number("active", active, 0, kConnectionsMost,
            "idle: connections that echo on and on; abuse: good clients beside it, 1 if not said");
  in.choice("way", way, {"up", "down"},
            "bulk: to the server, or from the far side of a forwarder (--backend)");
  in.size("bytes", bytes, 1, std::size_t{1} << 30, "mix: of one stream");
  in.number("chatter", chatter, 1, 1'000'000, "mix: messages between two streams");
  in.number("rooms", rooms, 1, 10'000, "fanout: rooms, joined with /join; 1: the one they are in");
  in.number("senders", senders, 1, kConnectionsMost, "fanout: members of each room that speak");
  in.number("stalled", stalled, 0, kConnectionsMost, "fanout: members of each that never read");
  in.flag("resumed", resumed, "handshake: every session but the first ones is used again");
  in.flag("reset", reset, "churn: end with a reset instead of in order");
}

void Plan::read_peers(OptionReader& in) {
  in.text(
      "server-pid", server_pid_text,
      "processes whose CPU time and memory to measure, PID,PID... or none; not said: who listens "
      "there, on this machine");
  in.text("backend", backend_text,
          "where to serve the far side of the forwarder that is the target");
  in.text("sources", sources_text,
          "addresses to dial from in turn, each of which gives all local ports again: ADDRESS,..., "
          "FIRST-LAST, or N for 127.0.0.2 and on");
  in.text("targets", targets_text,
          "addresses to dial in turn in place of the target's, in the same form");
  in.number("agents", agents, 1, kAgentsMost,
            "processes that the load is spread over, as one may hold only so many descriptors");
  in.number("cpu", cpu, -1, 4'095, "the CPU this program may use; -1 is any");
}

void Plan::read_reply(OptionReader& in) {
  in.text("send", send, "the request, with \\r \\n \\t \\0 \\\\, or @FILE, in place of an echo");
  in.size("reply-bytes", reply.bytes, 0, std::size_t{1} << 30, "a reply has so many bytes");
  in.flag("reply-line", reply.line, "a reply ends with a newline");
  in.text("reply-until", reply.until, "a reply ends with this text, written as that of --send");
  in.flag("reply-http", reply.http,
          "a reply is HTTP/1.1 with a Content-Length and a status below 400");
  in.text("reply-is", reply.is, "what stands in each reply: the line, the text, the body");
}

std::vector<std::string> Plan::settle(const std::string& scenario_name, const std::string& url,
                                      const OptionValues& given) {
  std::vector<std::string> faults;
  const auto fault = [&faults](std::string sentence) {
    if (!sentence.empty()) faults.push_back(std::move(sentence));
  };
  std::string unknown;
  const auto found = find_scenario(scenario_name, unknown);
  if (!found) return {unknown};
  scenario = *found;
  std::string full = url;
  try {
    target = Url::parse(url);
    if (scenario == Scenario::handshake && !resumed && target.is_tls() &&
        !target.value("tickets")) {
      full += (target.query().empty() ? "?" : "&") + std::string("tickets=off");
      target = Url::parse(full);
    }
    if (!backend_text.empty()) backend = Url::parse(backend_text);
    ConnectOptions{.to = target, .timeout = timeout}.check();
  } catch (const SetupError& error) {
    return {error.what()};
  }
  fault(take_pids(server_pid_text, server_pids));
  if (scenario == Scenario::bulk && !given.contains("size")) size = kBulkPiece;
  if (scenario == Scenario::rate && !given.contains("depth")) depth = 1'000;
  if (abuses() && !given.contains("active")) active = 1;
  fault(settle_far_side());
  fault(settle_addresses(full));
  fault(settle_reply());
  fault(settle_handshake());
  fault(settle_fanout());
  fault(settle_agents());
  fault(settle_abuse());
  return faults;
}

std::string Plan::settle_far_side() {
  const ScenarioInfo& chosen = info(scenario);
  const std::string name = chosen.name;
  using Far = ScenarioInfo::Far;
  if ((chosen.far == Far::must || bulk_down()) && !backend) {
    std::string sentence = name;
    if (bulk_down()) sentence += " --way down";
    return sentence += " needs --backend URL, where the forwarder dials back";
  }
  if (chosen.far == Far::never && backend) return name + " has no use for --backend";
  if (backend && !send.empty()) return "--send and --backend do not go together";
  return "";
}

std::string Plan::settle_addresses(const std::string& url) {
  const char* reading = "sources: ";
  try {
    if (!sources_text.empty()) sources = read_addresses(sources_text);
    reading = "targets: ";
    if (!targets_text.empty()) targets = read_addresses(targets_text);
  } catch (const SetupError& error) {
    return reading + std::string(error.what());
  }
  if (target.is_unix() && !(sources.empty() && targets.empty())) {
    return "--sources and --targets are for tcp:// and tls://, not for " + escape(target.text());
  }
  std::string before = url;
  before += target.query().empty() ? "?source=" : "&source=";
  for (const std::string& source : sources) from_.push_back(Url::parse(before + source));
  return "";
}

std::string Plan::settle_reply() {
  const int ends = (reply.bytes > 0 ? 1 : 0) + (reply.line ? 1 : 0) + (reply.http ? 1 : 0) +
                   (reply.until.empty() ? 0 : 1);
  const ScenarioInfo& chosen = info(scenario);
  if (scenario == Scenario::ask && send.empty()) return "ask needs something to --send";
  if (send.empty() && ends == 0 && reply.is.empty()) return "";
  if (send.empty()) return "what a reply is means nothing without something to --send";
  if (!chosen.talks) return std::string(chosen.name) + " has no use for --send";
  if (ends != 1) {
    return "--send needs one of --reply-bytes, --reply-line, --reply-until and --reply-http";
  }
  if (send.starts_with('@')) {
    std::ifstream file(send.substr(1), std::ios::binary);
    const std::string path = escape(send.substr(1), 200);
    if (!file || file.peek() == EOF) return "send: cannot read \"" + path + "\", or it is empty";
    send.assign(std::istreambuf_iterator<char>(file), {});
  } else {
    send = unescaped(send);
  }
  reply.head = reply.http && send.starts_with("HEAD ");
  reply.until = unescaped(reply.until);
  reply.is = unescaped(reply.is);
  if (reply.is.size() > kReplyMost) return "reply-is: expected at most 32 KiB";
  return "";
}

// More at once than the client keeps sessions for would mix full handshakes in.
std::string Plan::settle_handshake() {
  constexpr std::int64_t sessions = 8;
  if (scenario != Scenario::handshake) return "";
  if (!target.is_tls()) return "handshake needs a tls:// or tls+unix:// URL";
  if (resumed && connections > sessions * agents) {
    return "handshake --resumed takes at most " + std::to_string(sessions) +
           " --connections for each agent";
  }
  return "";
}

std::string Plan::settle_fanout() const {
  if (scenario != Scenario::fanout) return "";
  if ((senders + stalled) * rooms >= connections) {
    return "fanout needs more --connections than --senders and --stalled of all --rooms together";
  }
  if (connections % rooms != 0) return "fanout needs as many --connections in each of the --rooms";
  constexpr std::size_t line_most = 60 << 10;
  if (size < 16) return "fanout needs a --size of at least 16: lines are numbered";
  return size > line_most ? "fanout takes a --size of at most 60 KiB, for a line" : "";
}

std::string Plan::settle_agents() const {
  if (agents == 1) return "";
  const ScenarioInfo& chosen = info(scenario);
  if (!chosen.shares) return std::string(chosen.name) + " runs in one process: no --agents";
  if (backend) return "--agents and --backend do not go together";
  if (active > 0 && active < agents) return share_of("--active", active, agents);
  if (scenario == Scenario::rate) {
    std::string few = share_of("messages a second", rate, agents);
    if (!few.empty()) return few;
  }
  return share_of("--connections", connections, agents);
}

std::string Plan::settle_abuse() const {
  if (scenario == Scenario::idle && active > connections) {
    return "idle needs at least as many --connections as --active ones";
  }
  if (scenario == Scenario::half_open && (target.is_unix() || target.is_tls())) {
    return "half-open needs a tcp:// URL";
  }
  if (scenario == Scenario::unfinished_handshake && target.scheme() != Url::Scheme::tls) {
    return "unfinished-handshake needs a tls:// URL";
  }
  return "";
}

Plan Plan::share(std::size_t agent) const {
  const auto which = static_cast<std::int64_t>(agent);
  Plan mine = *this;
  mine.agents = 1;
  mine.connections = part(connections, agents, which);
  mine.rate = part(rate, agents, which);
  mine.active = part(active, agents, which);
  mine.first_ = static_cast<std::size_t>(connections * which / agents);
  return mine;
}

Url Plan::target_of(std::size_t index) const {
  index += first_;
  const std::size_t many = std::max<std::size_t>(targets.size(), 1);
  const Url& url = from_.empty() ? target : from_[index / many % from_.size()];
  return targets.empty() ? url : url.with_host(targets[index % many]);
}

}  // namespace weir::load
