// Options as lines "NAME=VALUE": no values crash the reader, each fault is a printable sentence, and
// there are faults exactly when no protocol can be made.
#include <chrono>
#include <cstdlib>

#include <weir/options.hpp>
#include <weir/service_type.hpp>
#include <weir/text.hpp>

#include "../../core/src/option_readers.hpp"

namespace {

using namespace std::chrono_literals;

class Everything final : public weir::Handler {
 public:
  struct Options {
    std::size_t size = 64;
    std::int64_t number = 0;
    weir::Millis duration = 1s;
    std::string text;
    bool flag = false;
    std::string choice = "one";
    std::vector<weir::Url> urls;

    void read(weir::OptionReader& in) {
      in.size("size", size, 1, 1 << 20, "a size");
      in.number("number", number, -5, 5, "a number");
      in.duration("duration", duration, 1ms, 1h, "a duration");
      in.text("text", text, "a text");
      in.flag("flag", flag, "a flag");
      in.choice("choice", choice, {"one", "two"}, "a choice");
      in.urls("urls", urls, "some URLs");
      const bool in_range = size >= 1 && size <= 1 << 20 && number >= -5 && number <= 5 &&
                            duration >= 1ms && duration <= 1h &&
                            (choice == "one" || choice == "two");
      if (!in_range) std::abort();
    }
  };

  explicit Everything(const Options&) {}
};

constexpr weir::ServiceType kType = weir::handler_type<Everything>("everything", "Takes it all.");

bool is_sentence(std::string text) {
  std::erase(text, '"');
  std::erase(text, '\\');
  return !text.empty() && text.size() < 4000 && weir::escape(text, 8000) == text;
}

weir::OptionValues values_of(std::string_view text) {
  weir::OptionValues values;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    const std::size_t equals = line.find('=');
    auto& given = values[std::string(line.substr(0, equals))];
    if (equals != std::string_view::npos) given.emplace_back(line.substr(equals + 1));
  }
  return values;
}

bool makes(const weir::OptionValues& values) {
  try {
    return weir::make_protocol(kType, values) != nullptr;
  } catch (const weir::SetupError&) {
    return false;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto values = values_of({reinterpret_cast<const char*>(data), size});
  const auto faults = weir::check_options(kType, values);
  for (const weir::OptionFault& fault : faults) {
    if (!is_sentence(fault.sentence)) std::abort();
  }
  if (makes(values) != faults.empty()) std::abort();
  return 0;
}
