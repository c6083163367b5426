import { afterEach, describe, expect, it } from '@jest/globals';
import { VirtualTimeScheduler } from 'rxjs';
import { ledgerAccounts } from '../../../src/node/monitoring/ledger-accounts.js';
import { timeline } from '../../../src/node/monitoring/timeline.js';
import { emptyAccount } from '../../../src/ledger/accounts.js';
import type { Showable } from '../../../src/observe/live.js';
import { all, connected, opened, serving, stopServing } from './support.js';

afterEach(stopServing);

const shares = (accepted: number, rejected: number) => ({ accepted, rejected }) as Showable['shares'];
const rate = (value: number) => ({ '5m': { value } }) as Showable['hashRate'];

describe('the history of a role', () => {
  const minute = 60_000;
  const state = (time: number, accepted: number, workers: readonly boolean[]): Showable =>
    ({
      ...{
        time,
        startedAt: 0,
        role: 'pool',
        hashRate: rate(accepted * 1e9),
        shares: shares(accepted, accepted / 10),
      },
      workers: workers.map((isConnected) => ({ isConnected })),
    }) as unknown as Showable;

  it('has the means of each minute: hash rate, workers, and shares a minute', () => {
    const kept = timeline();
    kept.note(state(10 * minute, 0, [true]));
    kept.note(state(10.5 * minute, 100, [true, true]));
    kept.note(state(12 * minute, 400, [true, false]));
    expect(kept.answer(9 * minute, 13 * minute)).toEqual({
      ...{ from: 9 * minute, step: minute },
      hashRate: [null, 5e10, null, 4e11, null],
      workers: [null, 1.5, null, 1, null],
      acceptedPerMinute: [null, 200, null, 200, null],
      rejectedPerMinute: [null, 20, null, 20, null],
    });
  });

  it('goes back 90 days, by ten minutes, and no further', () => {
    const kept = timeline();
    const day = 1_440 * minute;
    const now = 100 * day;
    kept.note(state(now - 80 * day, 100, []));
    kept.note(state(now, 100, []));
    const { step, hashRate } = kept.answer(0, now);
    expect(step).toBe(10 * minute);
    expect(hashRate).toHaveLength(12_960);
    expect(hashRate.filter((value) => value !== null)).toEqual([1e11, 1e11]);
  });

  it('of what a role does not have says nothing', () => {
    const kept = timeline();
    kept.note({ time: minute, startedAt: 0, role: 'template-provider' });
    expect(kept.answer(minute, minute)).toMatchObject({
      hashRate: [null],
      workers: [null],
      acceptedPerMinute: [null],
    });
  });

  it('is served, and what is wrong with a question is told', async () => {
    const served = await serving();
    const { status, body } = await served.json('/api/v1/history');
    expect(status).toBe(200);
    // who asks for a day gets it by the minute, though the clock goes on meanwhile
    expect(body).toMatchObject({ step: 60_000 });
    expect((body as { hashRate: unknown[] }).hashRate.length).toBeGreaterThanOrEqual(1_440);
    const since = Date.now() - 86_400_000 - 5_000;
    expect((await served.json(`/api/v1/history?since=${since}`)).body).toMatchObject({ step: 60_000 });
    expect(await served.json('/api/v1/history?since=yesterday')).toEqual({
      status: 400,
      body: { error: 'since: expected a whole number' },
    });
  });
});

describe('the alerts that are served', () => {
  it('are those of now', async () => {
    const scheduler = new VirtualTimeScheduler();
    const served = await serving({ scheduler, alerts: { upstreamAway: 0 } });
    all(served, connected(1), ...opened(1, 1, 'farm'));
    expect((await served.json('/api/v1/alerts')).body).toEqual({ alerts: [] });
    scheduler.maxFrames = 10_000;
    scheduler.flush();
    const { body } = await served.json('/api/v1/alerts');
    expect(body).toMatchObject({ alerts: [{ kind: 'upstream-lost', subject: 'templateDistribution' }] });
    expect(await (await served.get('/metrics')).text()).toContain('\nrxsv2_alerts{kind="upstream-lost"} 1\n');
  });
});

describe('the accounts of a ledger', () => {
  const store = (count: number) => ({
    accounts: () =>
      Promise.resolve(Array.from({ length: count }, (_, index) => emptyAccount(`u${index}`, ''))),
    blocks: () => Promise.resolve([]),
  });

  it('are served in pages, with the sums of all', async () => {
    const served = await serving({ ledger: { store: store(2_000) } });
    const { body } = await served.json('/api/v1/accounts?offset=1995&limit=9999');
    expect(body).toMatchObject({
      ...{ offset: 1_995, limit: 1_000, total: 2_000, totals: { owed: 0, pending: 0, paid: 0 } },
    });
    expect((body as { items: unknown[] }).items).toHaveLength(5);
  });

  it('are not there without one', async () => {
    const served = await serving();
    expect(await served.json('/api/v1/accounts')).toEqual({
      status: 404,
      body: { error: 'there is no ledger here' },
    });
  });

  it('that cannot be read are an error, and are asked for again', async () => {
    let isBroken = true;
    const told: unknown[] = [];
    const accounts = () => (isBroken ? Promise.reject(new Error('disk full')) : Promise.resolve([]));
    const served = await serving({
      ledger: { store: { accounts, blocks: () => Promise.resolve([]) } },
      errorObserver: { next: (error) => told.push(error) },
    });
    expect((await served.json('/api/v1/accounts')).status).toBe(500);
    expect(String(told[0])).toContain('disk full');
    isBroken = false;
    expect((await served.json('/api/v1/accounts')).status).toBe(200);
  });

  it('are read once for all who ask at one time, and not again for fifty times as long as that took', async () => {
    let [time, reads] = [0, 0];
    const read = ledgerAccounts(
      {
        store: {
          accounts: () => {
            reads += 1;
            time += 100;
            return Promise.resolve([]);
          },
          blocks: () => Promise.resolve([]),
        },
      },
      1_000,
      () => time,
    );
    await Promise.all([read(), read(), read()]);
    expect(reads).toBe(1);
    time += 4_999;
    await read();
    expect(reads).toBe(1);
    time += 1;
    await read();
    expect(reads).toBe(2);
  });
});
