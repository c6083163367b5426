/** Jobs that keep idle miners of Stratum V1 at a translator: each of them by its own clock, for hours, however many there are (R10). */
import { expect, it, jest } from '@jest/globals';
import { map, merge, mergeMap, range, Subject, timer } from 'rxjs';
import { translator } from '../../../src/roles/translator/translator.js';
import type { Sv1MinerEvent } from '../../../src/roles/translator/sv1-miners.js';
import { memoryNetwork } from '../../../src/testing/memory.js';
import { memoryPool, memoryTemplateProvider, only, seeded, virtually } from '../support.js';
import { nbits, rawMiner } from './raw-miners.js';
import type { Job, Line } from './support.js';

// the jitter of reconnections
jest.spyOn(Math, 'random').mockReturnValue(0.5);

const hello =
  '{"id":1,"method":"mining.subscribe","params":["x/1"]}\n{"id":2,"method":"mining.authorize","params":["a.b","x"]}\n';
/** So many that, each being told as much later than the one before, they would have used up the two hours of ntime in one round. */
const miners = 45;
const interval = 180;
/** Seconds. The only job is from the first of them. */
const end = 2.25 * 3_600;

it('dozens of idle miners have a job as often as they are to for more than two hours, with the time that it is, and each another id', () => {
  const network = memoryNetwork();
  const event$ = new Subject<Sv1MinerEvent>();
  // one comes every 3 seconds: all clocks are others
  const comers$ = range(0, miners).pipe(
    mergeMap((miner) =>
      timer(1_000 + 3_013 * miner).pipe(
        mergeMap(() => rawMiner(network.dial('sv1'), [hello])),
        map((outcome) => ({ ...outcome, miner })),
      ),
    ),
  );
  const logs = virtually(end, () => ({
    provider: memoryTemplateProvider(network, {
      ...{ nbits, seed: 1, blockInterval: 1e9, refreshInterval: 1e9 },
    }).start(),
    pool: memoryPool(network, { sharesPerMinute: 20, inactivityLimit: 1e9 }).start(),
    translator: translator({
      listen: network.listenSv1({ address: 'sv1' }),
      upstreams: [{ connect: network.connect({ address: 'pool', encrypted: false }), userIdentity: 'farm' }],
      nominalHashRate: 1_000,
      sharesPerMinute: 20,
      randomBytes: seeded(5),
      keepAliveInterval: 1_000 * interval,
      silenceLimit: 1e9,
      inactivityLimit: 1e9,
      observer: event$,
    }).start(),
    comers: merge(comers$),
    events: event$.pipe(map(({ outcome }): { readonly type: string } => outcome)),
  }));
  expect(only(logs.events, 'Sv1Ended')).toEqual([]);
  const notified = only(logs.comers, 'line').flatMap(({ at, line, miner }) => {
    const { method, params } = line as Line;
    return method === 'mining.notify' ? [{ at, miner, job: params as Job }] : [];
  });
  const [first] = notified;
  const base = parseInt(first?.job[7] ?? '', 16) - Math.floor(first?.at ?? 0);
  const wrong: unknown[] = [];
  for (let miner = 0; miner < miners; miner += 1) {
    const own = notified.filter((one) => one.miner === miner);
    const began = 1 + 3.013 * miner;
    own.forEach(({ at, job }, index) => {
      const gap = at - (own[index - 1]?.at ?? began);
      const late = parseInt(job[7], 16) - base - at;
      // whoever comes has the last job as it is, which may be half a minute old
      if (gap > interval + 0.5 || late > 1 || late < (index === 0 ? -31 : -1) || job[8] !== (index === 0))
        wrong.push([miner, index, at, gap, late]);
    });
    if (own.length < Math.floor((end - began) / (interval + 0.5))) wrong.push([miner, own.length]);
  }
  expect(wrong.slice(0, 20)).toEqual([]);
  expect(new Set(notified.map(({ job }) => job[0])).size).toBe(notified.length);
}, 120_000);
