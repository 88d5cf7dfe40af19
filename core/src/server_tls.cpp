// What a server does for its TLS listeners: certificates told at start, and renewed while it runs.
#include <algorithm>
#include <chrono>
#include <map>

#include <weir/tls.hpp>

#include "server_body.hpp"
#include "tls_server.hpp"
#include "url_query.hpp"

namespace weir {

namespace {

// Often enough for a renewal, seldom enough to cost nothing: it is one look at a few files.
constexpr Millis kLookEvery{2'000};

std::string days_left(WallTime until, WallTime now) {
  const auto days = std::chrono::floor<std::chrono::days>(until - now).count();
  if (days < 0) return "which is over";
  return "in " + std::to_string(days) + (days == 1 ? " day" : " days");
}

}  // namespace

std::vector<std::string> certificate_lines(const Url& url, const TlsServer& tls, WallTime now) {
  std::vector<std::string> lines;
  for (const TlsCertificate& each : tls.certificates()) {
    std::string names;
    for (const std::string& name : each.names) names += (names.empty() ? "" : ", ") + name;
    lines.push_back(url.text() + ": certificate " + each.file + " for " +
                    (names.empty() ? each.subject : names) + " expires " + text_of(each.not_after) +
                    ", " + days_left(each.not_after, now));
  }
  return lines;
}

CertificateLines certificates(const Listen& service) {
  CertificateLines lines;
  for (const Url& url : service.at) {
    const std::shared_ptr<TlsServer> tls = tls_listener(url);
    if (tls == nullptr) continue;
    for (std::string& line : certificate_lines(url, *tls, std::chrono::system_clock::now())) {
      lines.certificates.push_back(std::move(line));
    }
    for (const std::string& each : tls->warnings()) {
      lines.warnings.push_back(url.text() + ": " + each);
    }
  }
  return lines;
}

std::shared_ptr<TlsServer> tls_listener(const Url& url) {
  return url.is_tls() ? TlsServer::open(tls_listen_options(url)) : nullptr;
}

std::string tls_keys(const Url& url) {
  std::string keys;
  for (const Url::Query& each : url.query()) {
    if (is_tls_key(each.key)) keys += each.key + "=" + each.value + "&";
  }
  return keys;
}

void Server::Body::tell_certificates(const Url& url, const TlsServer& tls) {
  const WallTime now = loops_[0]->driver.wall();
  for (const std::string& line : certificate_lines(url, tls, now)) log(Level::info, line);
  for (const std::string& line : tls.warnings()) log(Level::warn, url.text() + ": " + line);
  if (tls_looked_ == WallTime()) tls_looked_ = now;
  if (tls_watch_.entry() == nullptr) watch_certificates();
}

void Server::Body::watch_certificates() {
  tls_watch_ = loops_[0]->core.after(
      kLookEvery, [this] { look_at_certificates(); }, loops_[0]->core.root());
}

// What has expired, or will soon, since the last look.
void Server::Body::tell_expiry(const Url& url, const TlsServer& tls, WallTime now) {
  for (const TlsCertificate& each : tls.certificates()) {
    const auto passed = [&](WallTime at) { return tls_looked_ < at && at <= now; };
    const bool over = passed(each.not_after);
    if (!over && !passed(each.not_after - kTlsSoon)) continue;
    log(Level::warn, url.text() + ": certificate " + each.file +
                         (over ? ": it expired on " : ": it expires on ") +
                         text_of(each.not_after));
  }
}

// On a pool's thread, since a disk may be slow. New files that cannot be used change nothing, and are
// told once: at the second look, as the first may have come between the writing of two of them.
void Server::Body::look_at_certificates() {
  if (stopping_) return;
  struct Look {
    std::shared_ptr<TlsServer> tls;
    Url url;
    std::shared_ptr<const TlsMaterial> material;
    std::string fault;
  };
  const auto looks = std::make_shared<std::vector<Look>>();
  for (const Listening& each : listening_) {
    if (each.tls != nullptr) looks->push_back({each.tls, each.socket.url(), nullptr, {}});
  }
  loops_[0]->driver.work(
      [looks] {
        for (Look& look : *looks) {
          try {
            if (look.tls->changed()) look.material = look.tls->load();
          } catch (const std::exception& wrong) {
            look.fault = wrong.what();
          }
        }
      },
      [this, looks] {
        if (stopping_) return;
        std::map<std::string, int> faults;
        const WallTime now = loops_[0]->driver.wall();
        for (Look& look : *looks) {
          const std::string where = look.url.text();
          if (look.material != nullptr) {
            look.tls->use(std::move(look.material));
            log(Level::info, where + ": its certificates have changed and are read again");
            tell_certificates(look.url, *look.tls);
            continue;
          }
          tell_expiry(look.url, *look.tls, now);
          if (!look.fault.empty()) {
            const std::string line = where + ": " + look.fault;
            const auto before = tls_faults_.find(line);
            const int seen = before == tls_faults_.end() ? 1 : std::min(before->second + 1, 3);
            faults[line] = seen;
            if (seen == 2) log(Level::error, line + "; what was read before stays in use");
          }
        }
        tls_faults_.swap(faults);
        tls_looked_ = now;
        watch_certificates();
      });
}

}  // namespace weir
