/** What the server's process holds at one time. */
export interface Sample {
  /** Bytes of objects and buffers, after garbage collection. */
  readonly heap: number;
  /** Bytes of memory the system gave the process. */
  readonly resident: number;
  /** What keeps the process alive, by kind: sockets, timers …. */
  readonly resources: Readonly<Record<string, number>>;
  /** Clients whose SetupConnection was accepted. */
  readonly clients: number;
  /** How many connections ended for which reason. */
  readonly reasons: Readonly<Record<string, number>>;
}

/** A sample, and how many cycles were done before it was taken. */
export interface TimedSample extends Sample {
  readonly cycles: number;
}

/** Bytes a cycle may seem to leave behind: the least that can be lost of a connection is more. */
const maxBytesPerCycle = 64;

/** What the endings must have led to, each at least once: a cycle that misses its purpose proves nothing. */
const expectedReasons = [
  'peer-closed',
  'peer-closed-during-handshake',
  'connection-reset',
  'truncated-stream',
  'handshake-timeout',
  'setup-timeout',
  'setup-refused',
  'setup-connection-repeated',
  'frame-authentication-failed',
  'frame-too-large',
  'truncated',
  'slow-consumer',
  'unsupported-message',
];

/**
 * How many bytes of memory a cycle leaves behind, if any, once the first fifth has warmed everything up: the
 * median of the slopes between any two samples (Theil and Sen), which single samples that are off do not change.
 */
export function bytesPerCycle(samples: readonly TimedSample[]): number {
  const warm = samples.slice(Math.ceil(samples.length / 5));
  const slopes = warm
    .flatMap((from, index) =>
      warm.slice(index + 1).map((to) => (to.heap - from.heap) / (to.cycles - from.cycles)),
    )
    .sort((a, b) => a - b);
  return slopes[Math.floor(slopes.length / 2)] ?? 0;
}

/** Whether a sample shows no more clients, sockets and timers than the one from before all cycles. */
export const settled = (sample: TimedSample, first: TimedSample): boolean =>
  leftOver(sample, first).length === 0;

function leftOver(sample: TimedSample, first: TimedSample): readonly string[] {
  const counts = [...Object.entries(sample.resources), ['clients', sample.clients] as const];
  return counts
    .map(([what, count]) => [what, count, what === 'clients' ? 1 : (first.resources[what] ?? 0)] as const)
    .filter(([, count, before]) => count > before)
    .map(([what, count, before]) => `after ${sample.cycles} cycles: ${what} ${count}, was ${before}`);
}

/** What grew that should not, and what did not happen that should; nothing if all is well. */
export function complaints(samples: readonly TimedSample[]): readonly string[] {
  const [first] = samples;
  const found = first === undefined ? [] : samples.flatMap((sample) => leftOver(sample, first));
  const slope = bytesPerCycle(samples);
  if (slope > maxBytesPerCycle)
    found.push(
      `memory grows by ${slope.toFixed(0)} bytes a cycle, at most ${maxBytesPerCycle} may be measured`,
    );
  const reasons = samples.at(-1)?.reasons ?? {};
  const absent = expectedReasons.filter((reason) => reasons[reason] === undefined);
  if (absent.length > 0) found.push(`nothing ended for ${absent.join(', ')}`);
  return found;
}
