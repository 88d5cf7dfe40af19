#include "talk.hpp"

#include <algorithm>

namespace weir::load {

namespace {

class EchoTalk final : public Talk {
 public:
  EchoTalk(const Pattern& pattern, std::size_t index, std::size_t size)
      : out_(pattern, index * 97), in_(out_), size_(size) {}

  Flow ask(Connection& to, std::size_t times) override { return out_.write(to, size_ * times); }

  Heard hear(Bytes data, std::size_t due) override {
    const std::size_t have = partial_ + data.size();
    if (have > due * size_) return {.wrong = "more came than was sent"};
    if (!in_.matches(data)) return {.wrong = "they are not what was sent"};
    if (have < size_) {
      partial_ = have;
      return {.used = data.size()};
    }
    if (have == size_) {
      partial_ = 0;
      return {.used = data.size(), .replies = 1};
    }
    partial_ = have % size_;
    return {.used = data.size(), .replies = have / size_};
  }

 private:
  PatternCursor out_;
  PatternCursor in_;
  std::size_t size_;
  std::size_t partial_ = 0;  // Bytes of an answer that is not whole yet.
};

class AskTalk final : public Talk {
 public:
  AskTalk(const Reply& reply, const std::string& request) : reply_(reply), request_(request) {}

  Flow ask(Connection& to, std::size_t times) override {
    Flow flow = Flow::open;
    for (; times > 0; --times) flow = to.write(request_);
    return flow;
  }

  Heard hear(Bytes data, std::size_t due) override {
    std::string_view rest = as_text(data);
    std::size_t replies = 0;
    while (!rest.empty()) {
      if (left_ == 0) {
        const auto size = reply_size(reply_, rest);
        if (const char* const fault = wrong(size, rest)) return {.wrong = fault};
        const bool wants_all = !reply_.is.empty() && rest.size() < *size;
        if (*size == 0 || wants_all) break;
        left_ = *size;
      }
      const std::size_t part = std::min(left_, rest.size());
      rest.remove_prefix(part);
      left_ -= part;
      if (left_ == 0) ++replies;
    }
    if (replies > due) return {.wrong = "more replies than requests"};
    return {.used = data.size() - rest.size(), .replies = replies};
  }

 private:
  static constexpr std::size_t kSearchMost = 60 << 10;  // Below what core keeps of unused bytes.

  const char* wrong(std::optional<std::size_t> size, std::string_view rest) const {
    if (!size)
      return reply_.http ? "this is no HTTP/1.1 with a Content-Length, or a status from 400 on"
                         : "this is no reply";
    if (*size == 0 && rest.size() > kSearchMost) return "a reply has no end within 60 KiB";
    if (reply_.is.empty() || *size == 0) return nullptr;
    constexpr const char* other = "a reply is another than --reply-is says";
    if (*size > kSearchMost) return other;
    if (rest.size() < *size) return nullptr;
    return reply_text(reply_, rest.substr(0, *size)) == reply_.is ? nullptr : other;
  }

  const Reply& reply_;
  const std::string& request_;
  std::size_t left_ = 0;  // Bytes of a reply whose size is known.
};

}  // namespace

std::unique_ptr<Talk> make_talk(const Plan& plan, const Pattern& pattern, std::size_t index) {
  if (!plan.send.empty()) return std::make_unique<AskTalk>(plan.reply, plan.send);
  return std::make_unique<EchoTalk>(pattern, index, plan.size);
}

}  // namespace weir::load
