import { describe, expect, it, test } from '@jest/globals';
import fc from 'fast-check';
import { alertLines } from '../../src/dashboard/alerts.js';
import * as format from '../../src/dashboard/format.js';
import { allPoints, withMinute } from '../../src/dashboard/rate-points.js';
import { eventParser } from '../../src/dashboard/sse.js';
import { visibleRows, type View } from '../../src/dashboard/table.js';
import { brief, shown } from '../../src/dashboard/text.js';
import { eventInWords, reasonInWords } from '../../src/dashboard/words.js';
import type { Alert } from '../../src/observe/alerts.js';
import type { LiveRow } from '../../src/observe/live-rows.js';

const nothing: LiveRow = {
  ...{ key: '', user: '', worker: '', clientId: 1, channelId: 1, isConnected: true, device: '', address: '' },
  ...{ since: 0, difficulty: 0, accepted: 0, rejected: 0, rejectedByCode: {}, work: 0, bestDifficulty: 0 },
  ...{ lastAcceptedAt: null, lastRejectedAt: null, blocksFound: 0, low: 0, high: null },
  hashRate: { '1m': 0, '5m': 0, '15m': 0, '1h': 0, '1d': 0 },
};
const row = (user: string, given: Partial<LiveRow> = {}): LiveRow => ({
  ...nothing,
  key: user,
  user,
  ...given,
});

describe('what a remote says of itself', () => {
  it('becomes text that can be seen, whatever it was, of a length that fits', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 300 }),
        fc.integer({ min: 8, max: 100 }),
        (text, limit) => {
          const result = shown(text, limit);
          expect(result).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
          expect([...result].length).toBeLessThanOrEqual(limit);
        },
      ),
    );
  });

  it('is left as it is when there is nothing about it', () => {
    for (const text of ['farm.rack 1 / miner-7', 'Ünïcödé 矿工', '<b>&amp;"']) expect(shown(text)).toBe(text);
    expect(shown(`a${'b'.repeat(200)}z`, 9)).toBe('abbbbb…bz');
  });

  it('has short addresses, and whole what tells the workers of one apart', () => {
    const address = 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080';
    expect(brief(`${address}.rack1 / s19`)).toBe('bcrt1q…gt080.rack1 / s19');
    expect(brief('farm.rack-12.unit-34567890123')).toBe('farm.rack-12.unit-34567890123');
  });
});

describe('numbers', () => {
  test.each([
    [0, '0 H/s'],
    [950, '950 H/s'],
    [1_234, '1.23 kH/s'],
    [999_600, '1.00 MH/s'],
    [1.5e21, '1.50 ZH/s'],
    [NaN, '– H/s'],
  ])('a hash rate of %d is %s', (value, text) => {
    expect(format.inWords(format.hashRate(value))).toBe(text);
  });

  test.each([
    [0, '0 s'],
    [12_400, '12 s'],
    [125_000, '2 min'],
    [3_600_000, '1 h'],
    [3_780_000, '1 h 3 min'],
    [273_600_000, '3 d 4 h'],
  ])('%d ms are %s', (value, text) => {
    expect(format.duration(value)).toBe(text);
  });

  it('are read as people do', () => {
    expect(format.count(1_234_567)).toBe('1\u{202f}234\u{202f}567');
    expect(format.percent(1, 3)).toBe('33 %');
    expect(format.percent(1, 100_000)).toBe('<0.1 %');
    expect(format.bitcoin(312_500_000)).toBe('3.125');
    expect(format.bitcoin(500_000_000)).toBe('5.00');
    expect(format.ago(null, 5)).toBe('–');
  });
});

describe('the table', () => {
  const rows = [
    row('m10', { hashRate: { ...nothing.hashRate, '5m': 5 }, device: 'Bitaxe' }),
    row('m9', { hashRate: { ...nothing.hashRate, '5m': 7 }, lastAcceptedAt: 999_000 }),
    row('m1', { isConnected: false, accepted: 9, rejected: 1 }),
  ];
  const view: View = {
    search: '',
    sorting: { key: 'rate', isDescending: true },
    window: '5m',
    status: 'all',
  };
  const names = (given: Partial<View>) =>
    visibleRows(rows, { ...view, ...given }, 1_000_000).map(({ user }) => user);

  it('is in the order that is asked for, numbers in names counted', () => {
    expect(names({})).toEqual(['m9', 'm10', 'm1']);
    expect(names({ sorting: { key: 'name', isDescending: false } })).toEqual(['m1', 'm9', 'm10']);
    expect(names({ sorting: { key: 'rejected', isDescending: true } })[0]).toBe('m1');
  });

  it('has who has all words that are searched for, and does what is asked for', () => {
    expect(names({ search: 'bitaxe M1' })).toEqual(['m10']);
    expect(names({ status: 'offline' })).toEqual(['m1']);
    expect(names({ status: 'silent' })).toEqual(['m10']);
    expect(names({ status: 'working' })).toEqual(['m9']);
  });
});

it('reads events however their bytes are cut', () => {
  const text = 'retry: 2000\n\n:\n\nid: a-1\nevent: state\ndata: {"a":1}\n\ndata: x\ndata: y\r\n\r\n';
  const whole = [
    { id: 'a-1', event: 'state', data: '{"a":1}' },
    { id: '', event: 'message', data: 'x\ny' },
  ];
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: text.length })), (cuts) => {
      const parse = eventParser();
      const places = [0, ...cuts, text.length].sort((a, b) => a - b);
      const events = places.slice(1).flatMap((end, index) => parse(text.slice(places[index], end)));
      expect(events).toEqual(whole);
    }),
  );
});

describe('what happens is told in words', () => {
  test.each([
    [
      { type: 'ShareRejected', userIdentity: 'farm', worker: 'a', errorCode: 'stale-share' },
      'rejects',
      'share of farm / a rejected, too late: there was a new block',
    ],
    [
      { type: 'BlockFound', userIdentity: 'farm', worker: '', hash: { $bytes: '0102' } },
      'blocks',
      'BLOCK found by farm: 0201',
    ],
    [{ type: 'SomethingNew', reason: 'because' }, 'upstream', 'something new: because'],
    [{ type: 'constructor' }, 'upstream', 'constructor'],
  ])('%j', (outcome, kind, text) => {
    expect(eventInWords(outcome)).toEqual({ kind, text });
  });

  it('by its code if the reason is not known', () => {
    expect(reasonInWords('odd\u0007code')).toBe('odd\u{fffd}code');
  });
});

describe('alerts', () => {
  const parts = { role: 'pool', version: '1', startedAt: 0 };
  const alert = (kind: Alert['kind'], subject = ''): Alert => ({
    kind,
    subject,
    since: 5,
    message: `m ${kind}`,
  });

  it('are told in words, the worst first, and what a remote is called in them as text', () => {
    expect(alertLines(parts)).toEqual([]);
    const alerts = [
      alert('worker-silent', 'a\u202eb'),
      alert('rejects-rising'),
      alert('template-stale'),
      alert('upstream-lost', 'mining'),
      alert('block-waiting', 'ab'),
    ];
    expect(alertLines({ ...parts, alerts }).map(({ tone, text }) => `${tone} ${text}`)).toEqual([
      'bad The template is stale',
      'bad The pool is away: miners have nothing new to do',
      'bad m block-waiting',
      'warn m rejects-rising',
      'warn a\u{fffd}b is silent',
    ]);
  });

  it('of many silent workers are one, with the number of all', () => {
    const alerts = ['a', 'b', 'c', 'd'].map((name) => alert('worker-silent', name));
    expect(alertLines({ ...parts, alerts, alertCount: 900 }).map(({ text }) => text)).toEqual([
      '900 workers are silent',
    ]);
  });
});

describe('the line of the hash rate', () => {
  const seen = [{ at: 250, value: 7, low: 6, high: 8 }];

  it('is what the page has seen itself, and before that what the server remembers, with its gaps', () => {
    const history = { from: 0, step: 100, hashRate: [null, 2, null, 4] };
    expect(allPoints(history, seen)).toEqual([{ at: 150, value: 2, low: null, high: null }, ...seen]);
    expect(allPoints({ ...history, hashRate: [1, null, 3] }, [])).toEqual(
      [1, null, 3].map((value, index) => ({ at: 50 + 100 * index, value, low: null, high: null })),
    );
    expect(allPoints({ ...history, hashRate: [null, null] }, seen)).toEqual(seen);
    expect(allPoints(undefined, seen)).toEqual(seen);
  });

  it('is a minute long when there is one point, or none', () => {
    const empty = { value: null, low: null, high: null };
    const [one, two] = [100_000, 130_000].map((at) => ({ at, value: 5, low: 4, high: 6 }));
    expect(withMinute([], 90_000)).toEqual([
      { at: 30_000, ...empty },
      { at: 90_000, ...empty },
    ]);
    expect(withMinute([one!], 200_000)).toEqual([{ at: 40_000, ...empty }, one]);
    expect(withMinute([one!, two!], 200_000)).toEqual([one, two]);
  });
});
