// Which of several certificates a client means by the name it sends.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <weir/base.hpp>

namespace weir {

// Whether a certificate's name is good for a host: the same, or with "*" for its first part. Letters
// are compared without case, a dot at the host's end is nothing.
WEIR_API bool covers_name(std::string_view pattern, std::string_view host);

// Names and wildcards of certificates, each with what it was added for, in the order of adding.
class WEIR_API NameTable {
 public:
  using Numbers = std::vector<std::size_t>;

  void add(std::string_view name, std::size_t number);

  // What the host's own name was added for; else what a wildcard for it was; null: nothing. A host
  // longer than a name may be is nobody's.
  const Numbers* find(std::string_view host) const;

  const std::map<std::string, Numbers, std::less<>>& all() const { return names_; }

 private:
  std::map<std::string, Numbers, std::less<>> names_;
};

}  // namespace weir
