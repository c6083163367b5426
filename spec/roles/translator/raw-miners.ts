/** Pools with a port for Stratum V1 on a network in memory, and clients there that are nothing but bytes. */
import {
  concat,
  defer,
  finalize,
  ignoreElements,
  map,
  merge,
  mergeMap,
  Subject,
  type Observable,
} from 'rxjs';
import {
  sv1Miners,
  type Sv1MinerEvent,
  type Sv1MinersOptions,
} from '../../../src/roles/translator/sv1-miners.js';
import type { PoolOptions } from '../../../src/roles/pool/pool.js';
import type { Sv1Connection } from '../../../src/sv1/connection.js';
import type { MemoryNetwork } from '../../../src/testing/memory.js';
import type { ByteStream } from '../../../src/transport/byte-stream.js';
import { memoryPool, seeded } from '../support.js';

/** Nothing hashed here is a block, but targets may be as easy as vardiff likes. */
export const nbits = 0x1d00ffff;

/** A pool with a port for Stratum V1, and what happens at miners there. */
export function poolWithSv1(
  network: MemoryNetwork,
  options: Sv1MinersOptions = {},
  poolOptions: Partial<PoolOptions> = {},
  listen$: Observable<Sv1Connection> = network.listenSv1({ address: 'sv1' }),
) {
  const event$ = new Subject<Sv1MinerEvent>();
  const pool = memoryPool(network, {
    sharesPerMinute: 20,
    ...poolOptions,
    listen: merge(
      network.listen({ address: 'pool' }),
      listen$.pipe(
        sv1Miners({
          nominalHashRate: 1_000,
          sharesPerMinute: 20,
          randomBytes: seeded(5),
          observer: event$,
          ...options,
        }),
      ),
    ),
  });
  return { pool, event$: event$.pipe(map(({ outcome }): { readonly type: string } => outcome)) };
}

/** A line that a client was sent; `ended` when the connection has. */
export interface RawOutcome {
  readonly type: 'line' | 'ended';
  readonly line: Readonly<Record<string, unknown>>;
}

/** A client that writes these chunks, one after the other, and tells every line that it is sent. */
export const rawMiner = (
  stream$: Observable<ByteStream>,
  chunks: readonly (string | Uint8Array)[],
  { endsAfterwards = false } = {},
): Observable<RawOutcome> =>
  stream$.pipe(
    mergeMap((stream) => {
      let rest = '';
      const line$ = stream.chunk$.pipe(
        mergeMap((chunk): readonly RawOutcome[] => {
          const lines = (rest + new TextDecoder().decode(chunk)).split('\n');
          rest = lines.pop() ?? '';
          return lines.map((line) => ({ type: 'line', line: JSON.parse(line) as RawOutcome['line'] }));
        }),
      );
      const said$ = defer(() => {
        for (const chunk of chunks)
          stream.write(typeof chunk === 'string' ? new TextEncoder().encode(chunk) : chunk);
        if (endsAfterwards) stream.end();
        return [];
      });
      const ended: RawOutcome = { type: 'ended', line: {} };
      return concat(merge(line$, said$.pipe(ignoreElements())), [ended]).pipe(
        finalize(() => stream.destroy()),
      );
    }),
  );

/** What lines are about: a method, or the id that is answered. */
export const topics = (log: readonly { readonly type: string }[]): readonly unknown[] =>
  (log as readonly RawOutcome[])
    .filter(({ type }) => type === 'line')
    .map(({ line }) => line['method'] ?? line['id']);
