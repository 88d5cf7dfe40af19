// raw_echo, slower by so many nanoseconds of CPU time for each message: a difference planted on
// purpose, to see whether a load generator finds it. It is raw_echo's own code: the linker puts these
// two functions in front of those of raw.c (--wrap).
#include <errno.h>
#include <stdint.h>
#include <time.h>

#include "program.h"
#include "raw.h"

int __real_raw_start(int argc, char** argv, int* listener);
int __wrap_raw_start(int argc, char** argv, int* listener);
ptrdiff_t __real_raw_send(int peer, const char* bytes, size_t size);
ptrdiff_t __wrap_raw_send(int peer, const char* bytes, size_t size);

enum {
  kBurnMost = 1000000,   // ns: a millisecond for each message is slow enough for any proof.
  kSteps = 1000 * 1000,  // Of one measurement, a few milliseconds.
  kMeasurements = 21,    // The fastest counts: others share the machine.
};

static uint64_t steps_per_message;

// Each step waits for the one before, so that they cost the same whatever stands around them.
static void burn(uint64_t steps) {
  uint64_t value = 1;
  for (; steps > 0; --steps) {
    value = value * 6364136223846793005u + 1442695040888963407u;
    __asm__ volatile("" : "+r"(value));
  }
}

// CPU time and not the clock's: what others take from this process is not burnt by it.
static uint64_t cpu_time(void) {
  struct timespec now;
  if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now) != 0) die("clock_gettime");
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t steps_in(uint64_t nanoseconds) {
  uint64_t fastest = UINT64_MAX;
  for (int i = 0; i < kMeasurements; ++i) {
    const uint64_t began = cpu_time();
    burn(kSteps);
    const uint64_t took = cpu_time() - began;
    if (took < fastest) fastest = took;
  }
  return (nanoseconds * kSteps + fastest / 2) / fastest;
}

static uint64_t read_burn(int argc, char** argv) {
  char* rest = NULL;
  const char* text = argc == 4 && strcmp(argv[2], "--burn-ns") == 0 ? argv[3] : "";
  errno = 0;
  const long burnt = strtol(text, &rest, 10);
  if (rest == text || *rest != '\0' || errno != 0 || burnt < 0 || burnt > kBurnMost) {
    fprintf(stderr, "usage: %s PORT --burn-ns N, with N from 0 to %d\n", argv[0], kBurnMost);
    exit(64);
  }
  return (uint64_t)burnt;
}

int __wrap_raw_start(int argc, char** argv, int* listener) {
  steps_per_message = steps_in(read_burn(argc, argv));
  return __real_raw_start(2, argv, listener);
}

ptrdiff_t __wrap_raw_send(int peer, const char* bytes, size_t size) {
  burn(steps_per_message);
  return __real_raw_send(peer, bytes, size);
}
