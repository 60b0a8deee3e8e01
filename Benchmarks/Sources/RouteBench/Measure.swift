// Timing: the best and the median of many short batches, since noise on a shared machine only ever adds.

import CAllocations
import Glibc

/// What one subject costs on one set of lookups.
struct Cost {
  var bestNanoseconds: Double
  var medianNanoseconds: Double
  var allocations: Double
}

/// Runs `body`, which does `count` lookups and returns something that depends on each of them.
func measure(lookups count: Int, _ body: () -> Int) -> Cost {
  var sink = 0
  // A batch takes about two milliseconds.
  var rounds = 1
  while true {
    let start = now()
    for _ in 0..<rounds { sink &+= body() }
    if now() - start > 2_000_000 { break }
    rounds *= 2
  }
  var times: [Double] = []
  let batches = 41
  times.reserveCapacity(batches)
  let reserved = spacer_allocation_count()
  for _ in 0..<batches {
    let start = now()
    for _ in 0..<rounds { sink &+= body() }
    times.append(Double(now() - start) / Double(rounds * count))
  }
  let allocated = spacer_allocation_count() - reserved
  let allocations = Double(allocated) / Double(batches * rounds * count)
  if sink == 42 { print("") }
  times.sort()
  return Cost(bestNanoseconds: times[0], medianNanoseconds: times[batches / 2], allocations: allocations)
}

private func now() -> UInt64 {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}
