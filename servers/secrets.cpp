#include "secrets.hpp"

#include <algorithm>

#ifdef __linux__
#include <sys/prctl.h>
#endif

namespace weir::program {

namespace {

bool has_tls(const Listen& service) {
  const auto is_tls = [](std::string_view text) { return text.starts_with("tls"); };
  return std::ranges::any_of(service.at, &Url::is_tls) ||
         std::ranges::any_of(service.options, [&](const auto& option) {
           return std::ranges::any_of(option.second, is_tls);  // Its targets.
         });
}

}  // namespace

void keep_memory_private() {
#ifdef __linux__
  ::prctl(PR_SET_DUMPABLE, 0);
#endif
}

void keep_keys_private(std::span<const Listen> services) {
  if (std::ranges::any_of(services, has_tls)) keep_memory_private();
}

}  // namespace weir::program
