import { describe, expect, it } from '@jest/globals';
import { firstValueFrom, Subject, tap, toArray, VirtualTimeScheduler } from 'rxjs';
import { clientIds, takenOutcomes, toldOutcomes } from '../../../src/node/cluster/outcome-batches.js';
import { packShares } from '../../../src/node/cluster/packed-shares.js';
import type { Port } from '../../../src/roles/cluster/port.js';
import { like } from '../../../src/testing/equality.js';
import { marbles } from '../../../src/testing/marbles.js';
import { memoryPorts } from '../../../src/testing/memory-ports.js';

interface Outcome {
  readonly type: string;
  readonly clientId?: number;
}

const peer = { address: '192.0.2.1:7', encrypted: false };
const connected = (clientId: number): Outcome => ({
  ...{ type: 'connected', clientId },
  ...{ client: { clientId, peer, protocol: 'mining' } },
});
const share = (clientId: number): Outcome => ({
  ...{ type: 'ShareAccepted', clientId },
  ...{ hash: Uint8Array.of(1, 2, 3), difficulty: Infinity, channelId: 4 },
});

describe("what happens at a front, at its core's", () => {
  it('is the same, in the same order, with ids of clients that no other front has', () => {
    marbles(({ hot, expectObservable }) => {
      const [core, front] = memoryPorts().ends;
      const values = { c: connected(3), s: share(3), n: { type: 'NewTip', nbits: 5 } };
      const outcome$ = hot<Outcome>('--c-(sn)', values);
      expectObservable(toldOutcomes(outcome$, front)).toBe('--------');
      expectObservable(takenOutcomes(core, (clientId) => clientId + 100)).toBe('22ms (csn)', {
        c: { ...connected(103) },
        s: { ...share(103) },
        n: values.n,
      });
    });
  });

  it('keeps its order where accepted shares are among it, whole ones and such as are none of ours', () => {
    marbles(({ hot, expectObservable }) => {
      const [core, front] = memoryPorts().ends;
      const whole = (clientId: number): Outcome => ({
        ...{ type: 'ShareAccepted', clientId, channelId: 2, jobId: 3, sequenceNumber: 4 },
        ...{ userIdentity: 'bc1q.rig', worker: `rig${clientId}`, difficulty: 0.5 },
        ...{ hash: new Uint8Array(32).fill(clientId), target: new Uint8Array(32).fill(255) },
      });
      const values = { c: connected(3), s: share(3), n: { type: 'NewTip' }, w: whole(3), x: whole(4) };
      expectObservable(toldOutcomes(hot<Outcome>('(cwsxnw)', values), front)).toBe('-');
      expectObservable(takenOutcomes(core, (id) => id)).toBe('20ms (cwsxnw)', values);
    });
  });

  it('is told when it has been gathered for 20 ms, and what comes while the core takes it is gathered anew', () => {
    marbles(({ hot, expectObservable }) => {
      const [core, front] = memoryPorts().ends;
      const [a, b, c] = [1, 2, 3].map((id) => share(id)) as [Outcome, Outcome, Outcome];
      const outcome$ = hot<Outcome>('a 9ms b 11ms c', { a, b, c });
      expectObservable(toldOutcomes(outcome$, front)).toBe('-');
      expectObservable(takenOutcomes(core, (id) => id)).toBe('20ms (ab) 18ms c', { a, b, c });
    });
  });

  it('has the messages that monitoring looks into, and no others', () => {
    marbles(({ hot, expectObservable }) => {
      const [core, front] = memoryPorts().ends;
      const sent = (type: string) => ({ type: 'sent', clientId: 1, message: { type, newSharesSum: 7n } });
      const received = { type: 'received', clientId: 1, message: { type: 'SubmitSharesStandard' } };
      const values = { j: sent('NewExtendedMiningJob'), r: received, s: sent('SubmitShares.Success') };
      expectObservable(toldOutcomes(hot<Outcome>('jrs', values), front)).toBe('---');
      expectObservable(takenOutcomes(core, (id) => id)).toBe('22ms s', values);
    });
  });

  it('ends for the clients of a front that is gone, and for no others', () => {
    marbles(({ hot, cold, expectObservable }) => {
      const { ends, cut } = memoryPorts();
      const [core, front] = ends;
      const gone = {
        type: 'disconnected',
        clientId: 1,
        peer,
        protocol: 'mining',
        reason: { code: 'peer-closed', message: 'gone' },
      };
      const values = { a: connected(1), b: connected(2), x: gone };
      expectObservable(toldOutcomes(hot<Outcome>('-a-b-x', values), front)).toBe('----------');
      expectObservable(cold('30ms c').pipe(tap(cut))).toBe('30ms c');
      expectObservable(takenOutcomes(core, (id) => id)).toBe('21ms (abx) 4ms (d|)', {
        ...values,
        d: like({
          type: 'disconnected',
          clientId: 2,
          peer,
          protocol: 'mining',
          reason: { code: 'front-ended' },
        }),
      });
    });
  });

  it('waits while the core has not taken what came before, and is lost and counted beyond 100,000', async () => {
    const scheduler = new VirtualTimeScheduler();
    const sent: { readonly text: string; readonly lost: number }[] = [];
    const back$ = new Subject<unknown>();
    const slow: Port = { message$: back$, send: (value) => sent.push(value as never) };
    const outcome$ = new Subject<Outcome>();
    const told = firstValueFrom(toldOutcomes(outcome$, slow, scheduler).pipe(toArray()));
    outcome$.next({ type: 'first' });
    scheduler.flush();
    for (let number = 0; number < 100_010; number++) outcome$.next({ type: `${number}` });
    outcome$.complete();
    expect(sent).toEqual([{ type: 'outcomes', text: '[{"type":"first"}]', shares: packShares([]), lost: 0 }]);
    for (let batch = 1; batch <= 50; batch++) {
      back$.next({ type: 'outcomes-taken' });
      expect(sent).toHaveLength(batch + 1);
    }
    back$.next({ type: 'outcomes-taken' });
    expect(await told).toEqual([]);
    const all = sent.slice(1).flatMap(({ text }) => (JSON.parse(text) as Outcome[]).map(({ type }) => type));
    expect(all).toEqual(Array.from({ length: 100_000 }, (_, number) => `${number}`));
    expect(sent.map(({ lost }) => lost)).toEqual([0, 10, ...new Array<number>(49).fill(0)]);
  });
});

describe('ids of clients', () => {
  it('are unique in the pool, and of a front that takes the place of another beyond its', () => {
    const idsOf = clientIds(2);
    const [one, two] = [idsOf(0), idsOf(1)];
    expect([one(1), one(2), two(1), two(2), two(3)]).toEqual([1, 3, 2, 4, 6]);
    const again = idsOf(0);
    expect([again(1), again(2)]).toEqual([5, 7]);
    expect(idsOf(1)(1)).toBe(8);
  });
});
