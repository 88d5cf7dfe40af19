#include "name_cache.hpp"

#include <algorithm>

namespace weir {

namespace {

// Only ASCII: what else a name may be written in is the resolver's to compare.
std::string lower(std::string_view host) {
  std::string name(host);
  for (char& letter : name) {
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  }
  return name;
}

}  // namespace

void NameLink::link_before(NameLink& other) {
  next_ = &other;
  previous_ = other.previous_;
  previous_->next_ = this;
  next_->previous_ = this;
}

void NameLink::unlink() {
  next_->previous_ = previous_;
  previous_->next_ = next_;
  next_ = this;
  previous_ = this;
}

const Resolution* NameCache::find(std::string_view host) {
  const auto found = known_.find(lower(host));
  if (found == known_.end()) return nullptr;
  if (found->second.until > driver_.now()) return &found->second.answer;
  known_.erase(found);
  return nullptr;
}

void NameCache::ask(std::string_view host, NameAsker& asker) {
  std::string name = lower(host);
  const auto [lookup, is_new] = lookups_.try_emplace(name);
  asker.link_before(lookup->second);
  if (!is_new) return;
  driver_.resolve(name, [this, name](const Resolution& found) { answered(name, found); });
}

// The answer is known before anybody is told it, so that who asks again in here finds it.
void NameCache::answered(const std::string& name, const Resolution& found) {
  const auto lookup = lookups_.extract(name);
  keep(name, found);
  NameLink& ring = lookup.mapped();
  while (ring.next_ != &ring) {
    auto& asker = static_cast<NameAsker&>(*ring.next_);
    asker.unlink();
    asker.on_resolved(found);
  }
}

void NameCache::keep(const std::string& name, const Resolution& found) {
  if (known_.size() >= kNamesMost && known_.find(name) == known_.end()) {
    const auto sooner = [](const auto& one, const auto& other) {
      return one.second.until < other.second.until;
    };
    known_.erase(std::min_element(known_.begin(), known_.end(), sooner));
  }
  const Millis kept = found.addresses.empty() ? kFailureKept : kKept;
  known_.insert_or_assign(name, Known{found, driver_.now() + kept});
}

}  // namespace weir
