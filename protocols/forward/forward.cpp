#include "forward.hpp"

#include <weir/text.hpp>

namespace weir::protocols {

namespace {

std::string listed(const std::vector<Url>& urls) {
  std::string text;
  for (const Url& url : urls) text += (text.empty() ? "" : ", ") + url.text();
  return text;
}

}  // namespace

void Forward::Options::read(OptionReader& in) {
  in.urls("to", to,
          "where connections go: several take turns, and the next steps in for one that fails");
  in.require("to");
  in.duration("connect-timeout", connect_timeout, Millis{1}, std::chrono::minutes(10),
              "patience with each target, the lookup of its name included");
}

Forward::Forward(const Options& options) {
  for (const Url& to : options.to) {
    to_.push_back({.to = to, .timeout = options.connect_timeout});
    try {
      to_.back().check();
    } catch (const SetupError& wrong) {
      throw SetupError(std::string("forward: ") + wrong.what(), wrong.kind(), "to");
    }
  }
}

// A connection to itself would be forwarded again, and again, until the descriptors are used up.
void Forward::listening(const std::vector<Url>& at) {
  for (const ConnectOptions& target : to_) {
    for (const Url& here : at) {
      if (!reaches(target.to, here)) continue;
      const std::string loop = escape(target.to.text()) +
                               " is this very service, which listens on " + escape(here.text());
      throw SetupError("forward: the target " + loop, SetupError::Kind::usage, "to");
    }
  }
  std::vector<Url> to;
  for (const ConnectOptions& target : to_) to.push_back(target.to);
  mapping_ = listed(at) + " -> " + listed(to);
}

std::unique_ptr<Service> Forward::open(Loop& loop) {
  if (!mapping_.empty() && !told_.exchange(true)) loop.log(Level::info, mapping_);
  return std::make_unique<ForwardService>(loop, to_);
}

}  // namespace weir::protocols
