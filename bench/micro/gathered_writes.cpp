// Gathered writes: the chain of pieces that a connection's output waits in.
//
// The chain is in the library, so the compiler sees none of its bodies and has to make every call; the
// pieces gathered, which nobody sends, are held with DoNotOptimize. A batch of chains stands for the
// connections of a turn, so that filling or emptying them while the clock is paused costs what is
// timed next to nothing.
#include <array>
#include <deque>
#include <string>

#include "../../core/src/chain.hpp"
#include "each.hpp"

namespace weir::micro {
namespace {

using detail::Block;

constexpr std::size_t kChains = 256;
constexpr std::size_t kPieces = 32;  // More than this, and small ones are copied together.

using Chains = std::deque<Chain>;

void clear_all(Chains& chains) {
  for (Chain& chain : chains) chain.clear();
}

// Pieces of the same payload, which never lie behind one another: each stays by itself.
void share_pieces(Chain& chain, const Payload& payload) {
  for (std::size_t i = 0; i < kPieces; ++i) chain.share(payload);
}

// Small writes, copied side by side into the loop's memory.
void chain_append_small(benchmark::State& state) {
  constexpr std::size_t kWrites = 16;
  const std::string text(64, 'x');
  Arena arena(Block::Kind::arena);
  Chains chains(kChains);
  for ([[maybe_unused]] auto _ : state) {
    for (Chain& chain : chains) {
      for (std::size_t i = 0; i < kWrites; ++i) chain.copy(as_bytes(text), arena);
    }
    state.PauseTiming();
    clear_all(chains);
    state.ResumeTiming();
  }
  tell_each(state, kChains * kWrites);
}

// A large write, which gets a block of its own, and leaves whole: freeing the block is part of it, so
// that the system's allocator is in the same state each time.
void chain_append_large(benchmark::State& state) {
  const std::string text(32 << 10, 'x');
  Arena arena(Block::Kind::arena);
  Chain chain;
  for ([[maybe_unused]] auto _ : state) {
    chain.copy(as_bytes(text), arena);
    chain.consume(text.size());
  }
  tell_each(state, 1);
}

// The same payload for everybody, uncopied.
void chain_share(benchmark::State& state) {
  const Payload payload(std::string(64, 'x'));
  Chains chains(kChains);
  for ([[maybe_unused]] auto _ : state) {
    for (Chain& chain : chains) share_pieces(chain, payload);
    state.PauseTiming();
    clear_all(chains);
    state.ResumeTiming();
  }
  tell_each(state, kChains * kPieces);
}

// A chain in 32 pieces becomes what sendmsg takes.
void chain_gather(benchmark::State& state) {
  const Payload payload(std::string(64, 'x'));
  Chain chain;
  share_pieces(chain, payload);
  std::array<iovec, 64> pieces{};
  for ([[maybe_unused]] auto _ : state) {
    int count = chain.gather(pieces.data(), static_cast<int>(pieces.size()));
    benchmark::DoNotOptimize(count);
    benchmark::DoNotOptimize(pieces.data());
    benchmark::ClobberMemory();
  }
  tell_each(state, 1);
}

// Chains of 2,048 bytes in 32 pieces leave so many bytes at a time: all at once, or by halves of pieces.
void chain_consume(benchmark::State& state) {
  const auto bytes = static_cast<std::size_t>(state.range(0));
  const Payload payload(std::string(64, 'x'));
  Chains chains(kChains);
  for ([[maybe_unused]] auto _ : state) {
    state.PauseTiming();
    for (Chain& chain : chains) share_pieces(chain, payload);
    state.ResumeTiming();
    for (Chain& chain : chains) {
      while (!chain.empty()) chain.consume(bytes);
    }
  }
  tell_each(state, kChains);
}

BENCHMARK(chain_append_small);
BENCHMARK(chain_append_large);
BENCHMARK(chain_share);
BENCHMARK(chain_gather);
BENCHMARK(chain_consume)->Arg(kPieces * 64)->Arg(32);

}  // namespace
}  // namespace weir::micro
