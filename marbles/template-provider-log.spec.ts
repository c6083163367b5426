import { describe, expect, it } from '@jest/globals';
import { from, map, mergeMap, timer, VirtualTimeScheduler } from 'rxjs';
import { coalesceLines } from '../src/cli/coalesce-lines.js';
import { templateProviderLog } from '../src/cli/template-provider-log.js';
import type { LogLine } from '../src/cli/log-line.js';
import type { TemplateProviderOutcome } from '../src/roles/template-provider/template-provider.js';

/** The lines of a log, with the seconds at which they were printed; trouble with an exclamation mark. */
const logOf = (
  outcomes: readonly (readonly [seconds: number, outcome: TemplateProviderOutcome])[],
): string[] => {
  const scheduler = new VirtualTimeScheduler();
  const lines: string[] = [];
  const outcome$ = from(outcomes).pipe(
    mergeMap(([seconds, outcome]) => timer(1000 * seconds, scheduler).pipe(map(() => outcome))),
  );
  const log = templateProviderLog(outcome$, scheduler)
    .pipe(coalesceLines(10_000, scheduler))
    .subscribe(({ text, isTrouble }: LogLine) =>
      lines.push(`${scheduler.now() / 1000}${isTrouble === true ? '!' : ''} ${text}`),
    );
  scheduler.flush();
  log.unsubscribe();
  return lines;
};

const hash = (seed: number) => new Uint8Array(32).fill(seed);
const error = (code: string, message = code): TemplateProviderOutcome => ({
  type: 'SourceError',
  ...{ code, message, retryIn: 500 },
});
const rejected = (reason: string, message = '…', seed = 0xab): TemplateProviderOutcome => ({
  type: 'BlockRejected',
  ...{ clientId: 3, templateId: 1n, hash: hash(seed), reason, message },
});
const recovered: TemplateProviderOutcome = { type: 'SourceRecovered' };
const ab = 'ab'.repeat(32);

describe('the log of a template provider', () => {
  it('tells of an outage once, whatever failed in it, and counts at its end', () => {
    const thousand = Array.from(
      { length: 1_117 },
      (_, index) => [10, rejected('node-unreachable', 'gone', index % 256)] as const,
    );
    expect(
      logOf([
        [1, error('node-connection-lost', 'it went away')],
        [2, error('node-unreachable', 'it refused')],
        ...thousand,
        [20, error('node-warming-up', 'loading 10 %')],
        [21, error('node-warming-up', 'loading 20 %')],
        [22, error('node-unreachable', 'it refused')],
        [36, recovered],
      ]),
    ).toEqual([
      '1! no new templates: it went away; trying again until it works',
      '2! no new templates: it refused; trying again until it works',
      `10! block ${'00'.repeat(32)} of client 3 rejected: node-unreachable: gone`,
      '20! no new templates: loading 10 %; trying again until it works',
      '36 the Bitcoin node is back after 35 s: 5 attempts failed, 1116 more blocks rejected meanwhile',
    ]);
  });

  it('tells of the next outage, too', () => {
    expect(
      logOf([
        [1, error('node-unreachable')],
        [2, recovered],
        [100, error('node-unreachable')],
        [101, rejected('node-unreachable')],
        [101, rejected('node-unreachable')],
        [102, recovered],
      ]),
    ).toEqual([
      '1! no new templates: node-unreachable; trying again until it works',
      '2 the Bitcoin node is back after 1 s: 1 attempt failed',
      '100! no new templates: node-unreachable; trying again until it works',
      `101! block ${ab} of client 3 rejected: node-unreachable: …`,
      '102 the Bitcoin node is back after 2 s: 1 attempt failed, 1 more block rejected meanwhile',
    ]);
  });

  it('tells of rejected blocks by tens of seconds and reasons, as an easy chain has thousands', () => {
    expect(
      logOf([
        [1, rejected('inconclusive')],
        [2, rejected('inconclusive')],
        [3, rejected('bad-cb-amount')],
        [10, rejected('inconclusive', 'the last one')],
        [12, rejected('inconclusive')],
        [60, rejected('inconclusive')],
      ]),
    ).toEqual([
      `1! block ${ab} of client 3 rejected: inconclusive: …`,
      `3! block ${ab} of client 3 rejected: bad-cb-amount: …`,
      '11! 2 more blocks rejected: inconclusive, the last: the last one',
      '21! 1 more block rejected: inconclusive, the last: …',
      `60! block ${ab} of client 3 rejected: inconclusive: …`,
    ]);
  });

  it('tells what is to be looked after, and a difficulty that changes on one tip from a new tip', () => {
    const tip = (seed: number, nbits: number): TemplateProviderOutcome => ({
      type: 'TipChanged',
      ...{ height: 7, prevHash: hash(seed), nbits },
    });
    expect(
      logOf([
        [0, { type: 'SourceWarning', code: 'clock-differs', message: 'check the clock' }],
        [1, tip(0xab, 0x1d00ffff)],
        [2, tip(0xab, 0x207fffff)],
        [3, tip(0xcd, 0x1d00ffff)],
      ]),
    ).toEqual([
      '0! check the clock',
      `1 new tip ${ab}: next is block 7, nbits 1d00ffff`,
      '2 block 7 has another difficulty: nbits 207fffff',
      `3 new tip ${'cd'.repeat(32)}: next is block 7, nbits 1d00ffff`,
    ]);
  });
});
