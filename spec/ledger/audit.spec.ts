import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  assembleCoinbase,
  auditStatement,
  balancesOf,
  buildCoinbase,
  coinbaseTag,
  firstReceipt,
  freezePayout,
  freezeSolo,
  payToOf,
  networkWorkOf,
  nextReceipt,
  parseFraction,
  parseStatement,
  reverseBlock,
  settle,
  slotsOf,
  SLOT_LENGTH,
  statementOf,
  toDisplayHex,
  type LedgerBlock,
  type LedgerRecord,
  type PayoutMode,
  type PayoutPlan,
  type SequencedRecord,
  type Statement,
} from '../../src/index.js';
import { bytesToHex } from '../../src/codec/hex.js';
import { addressOf, scriptOf, seeded, shareOf } from './support.js';

const reserve = scriptOf(1_000);
const planOf = (mode: PayoutMode): PayoutPlan => ({
  mode,
  windowMultiple: parseFraction('2'),
  rules: {
    reserve,
    fee: { basisPoints: 100, scriptPubKey: scriptOf(1_001) },
    minimumPayout: 5_000n,
    limits: { weight: 4_000, sigops: 400, count: 20 },
  },
  networks: ['regtest'],
});

const sequenced = (records: readonly LedgerRecord[]): SequencedRecord[] => {
  let receipt = firstReceipt(1);
  return records.map((record) => {
    receipt = nextReceipt(receipt, record);
    return { sequence: receipt.sequence, record, receipt: receipt.head };
  });
};

/** A block that was found after these records, by the last of them. */
const blockAfter = (
  records: readonly SequencedRecord[],
  mode: PayoutMode,
  value = 312_500_000n,
): Statement => {
  const last = records.at(-1);
  const until = last === undefined ? [] : [{ serverId: 1, sequence: last.sequence, head: last.receipt }];
  const own = records.map(({ record }) => record);
  const share = shareOf(addressOf(1));
  const networkWork = networkWorkOf(0x1d00ffff) * 20n;
  const plan = planOf(mode);
  const state = { value, networkWork, balances: new Map<string, bigint>(), since: [], until };
  const frozen =
    mode === 'solo'
      ? freezeSolo({ user: share.user, payTo: payToOf(share.user, plan) }, plan, state)
      : freezePayout(plan, { ...state, slots: slotsOf(own) });
  const template = {
    coinbaseTxVersion: 2,
    coinbasePrefix: Uint8Array.of(3, 1, 2, 3),
    coinbaseTxInputSequence: 0xffffffff,
    coinbaseTxValueRemaining: value,
    coinbaseTxOutputsCount: 0,
    coinbaseTxOutputs: new Uint8Array(0),
    coinbaseTxLocktime: 0,
  };
  const { withWitness } = buildCoinbase(template, {
    tag: coinbaseTag('spec'),
    fullExtranonceSize: 4,
    payoutOutputs: frozen.distribution.outputs,
  });
  return statementOf(
    {
      height: 900_000,
      hash: share.hash,
      coinbaseTx: assembleCoinbase(withWitness, new Uint8Array(4)),
      time: share.time,
      user: share.user,
      worker: 'rig1',
    },
    frozen,
  );
};

const names = [1, 2, 3, 4].map((number) => `${addressOf(number)}.rig`);
const day = Math.ceil(1_764_000_000_000 / SLOT_LENGTH) * SLOT_LENGTH;
const records = sequenced(
  Array.from({ length: 60 }, (_, index) =>
    shareOf(names[index % 4] ?? '', { time: day + index * 60_000, difficulty: 1 + (index % 5) }),
  ),
);

describe.each(['pplns', 'proportional'] as const)('a statement of %s', (mode) => {
  const statement = parseStatement(JSON.stringify(blockAfter(records, mode)));

  it('is found right by itself, by all records, and by those of each user alone', () => {
    expect(auditStatement(statement)).toEqual([]);
    expect(auditStatement(statement, { records })).toEqual([]);
    for (const user of names) {
      const own = records.filter(({ record }) => record.user === user);
      expect(auditStatement(statement, { records: own, user })).toEqual([]);
    }
  });

  it('is found wrong wherever a number or a text of it is another', () => {
    const places: [string, Statement][] = [];
    const visit = (value: unknown, path: string, replace: (other: unknown) => Statement): void => {
      if (typeof value === 'string' && /^\d+$/.test(value))
        places.push([path, replace(String(BigInt(value) + 1n))]);
      else if (typeof value === 'number') places.push([path, replace(value + 1)]);
      else if (Array.isArray(value))
        value.forEach((inner, index) =>
          visit(inner, `${path}[${index}]`, (other) =>
            replace(value.map((own, at) => (at === index ? other : own) as unknown)),
          ),
        );
      else if (typeof value === 'object' && value !== null)
        for (const [key, inner] of Object.entries(value))
          visit(inner, `${path}.${key}`, (other) => replace({ ...value, [key]: other }));
    };
    visit(statement, '', (other) => other as Statement);
    // what nothing can be computed from: who says when and at which height, the network's work, limits that nobody reached
    const free = /^\.(form|height|time|networkWork|rules\.minimumPayout|rules\.limits\.\w+)$/;
    const unnoticed = places.filter(
      ([path, wrong]) => !free.test(path) && auditStatement(wrong, { records }).length === 0,
    );
    expect(unnoticed.map(([path]) => path)).toEqual([]);
    expect(places.length).toBeGreaterThan(50);
  });

  it('is found wrong when a record was changed, left out, put in twice or put in another place', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 58 }), (at) => {
        const [one, next] = records.slice(at, at + 2) as [SequencedRecord, SequencedRecord];
        const changed = { ...one, record: { ...one.record, worker: 'x' } };
        const others = [[changed, next], [next], [one, one, next], [next, one]];
        for (const other of others) {
          const tampered = [...records.slice(0, at), ...other, ...records.slice(at + 2)];
          expect(auditStatement(statement, { records: tampered })).not.toEqual([]);
        }
      }),
      { ...seeded, numRuns: 20 },
    );
  });

  it('says where it is wrong', () => {
    const [first, ...rest] = statement.outputs;
    const wrong = { ...statement, outputs: [{ value: '1', script: first?.script ?? '' }, ...rest] };
    expect(auditStatement(wrong).map(({ where }) => where)).toEqual(['outputs[0]', 'coinbaseTx.outputs[0]']);
    const user = names[0] ?? '';
    const own = records.filter(({ record }) => record.user === user);
    expect(auditStatement(statement, { records: own.slice(0, -1), user })).toEqual([
      expect.objectContaining({ where: `contributions[${user}]` }),
    ]);
  });
});

describe('a solo statement', () => {
  it('pays its finder, who has to be the one of the record', () => {
    const statement = blockAfter(records, 'solo');
    expect(auditStatement(statement)).toEqual([]);
    expect(statement.payments.filter(({ paid }) => paid !== '0')).toHaveLength(2);
    expect(auditStatement(statement, { records }).map(({ where }) => where)).toEqual(['user']);
  });
});

describe('a solo statement of a block that its client pushed', () => {
  const user = `${addressOf(1)}.farm`;
  const plan = planOf('solo');
  const { outputs } = freezeSolo({ user, payTo: payToOf(user, plan) }, plan, {
    ...{ value: 312_500_000n, networkWork: 1n, balances: new Map<string, bigint>(), until: [] },
  }).distribution;
  const share = shareOf(user);
  const stated = (isPushed: boolean): Statement => {
    const frozen = freezeSolo({ user, payTo: payToOf(user, plan) }, plan, {
      ...{ value: 312_500_000n, networkWork: 1n, balances: new Map<string, bigint>(), until: [], outputs },
    });
    const { stripped } = buildCoinbase(
      {
        coinbaseTxVersion: 2,
        coinbasePrefix: Uint8Array.of(3, 1, 2, 3),
        coinbaseTxInputSequence: 0xffffffff,
        coinbaseTxValueRemaining: 312_500_000n,
        coinbaseTxOutputsCount: 0,
        coinbaseTxOutputs: new Uint8Array(0),
        coinbaseTxLocktime: 0,
      },
      { tag: coinbaseTag('spec'), fullExtranonceSize: 4, payoutOutputs: outputs },
    );
    const coinbaseTx = assembleCoinbase(stripped, new Uint8Array(4));
    const block = { height: 900_000, hash: share.hash, coinbaseTx, time: share.time, user, worker: '' };
    return parseStatement(JSON.stringify(statementOf({ ...block, isPushed }, frozen)));
  };
  const placesOf = (statement: Statement, own: readonly LedgerRecord[], whose?: string): string[] =>
    auditStatement(statement, {
      records: sequenced(own),
      ...(whose === undefined ? {} : { user: whose }),
    }).map(({ where }) => where);

  it('needs no record of its share, which may come later by another name of the same account', () => {
    expect(placesOf(stated(true), [])).toEqual([]);
    expect(placesOf(stated(true), [], user)).toEqual([]);
    expect(placesOf(stated(false), [])).toEqual(['user']);
    const sameAccount = { ...share, user: `${addressOf(1)}.other` };
    for (const record of [share, sameAccount]) {
      expect(placesOf(stated(true), [record])).toEqual([]);
      expect(placesOf(stated(true), [record], record.user)).toEqual([]);
    }
  });

  it('is found wrong when the share is of somebody who is paid otherwise, or the job was not declared', () => {
    const other = { ...share, user: addressOf(2) };
    expect(placesOf(stated(true), [other])).toEqual(['user']);
    expect(placesOf(stated(true), [other], other.user)).toEqual(['user']);
    const { isDeclared: _, ...undeclared } = stated(true);
    expect(placesOf(undeclared, [])).toContain('user');
  });
});

it('what is no statement is refused, and what is nonsense in one is a difference', () => {
  for (const bad of ['', '[]', 'null', '{"form":2}', '{"form":1}'])
    expect(() => parseStatement(bad)).toThrow(expect.objectContaining({ code: 'invalid-statement' }));
  const lists = { contributions: [], payments: [], outputs: [], since: [], until: [] };
  expect(auditStatement(parseStatement(JSON.stringify({ form: 1, ...lists })))).not.toEqual([]);
});

describe('a block that was found', () => {
  const hash = toDisplayHex(new Uint8Array(32).fill(1));
  const other = toDisplayHex(new Uint8Array(32).fill(2));
  const block: LedgerBlock = {
    hash,
    height: 10,
    state: 'found',
    confirmations: 0,
    changes: new Map([
      ['aa', 5n],
      ['bb', -5n],
    ]),
  };
  const after = (...tips: readonly (readonly [hash: string, height: number])[]) =>
    tips.reduce<readonly LedgerBlock[]>(
      (blocks, [prevHash, height]) => settle(blocks, { prevHash, height }, 3),
      [block],
    )[0];

  it('is booked when it is deep enough', () => {
    expect(after([hash, 10], [other, 11])).toMatchObject({ state: 'found', confirmations: 2 });
    expect(after([hash, 10], [other, 11], [other, 12])).toMatchObject({ state: 'booked', confirmations: 3 });
  });

  it('is on the chain with one that is built on it, though no tip was it; and counts again', () => {
    const child = { ...block, hash: 'cd'.repeat(32), height: 11, prevHash: hash };
    const grandchild = { ...child, hash: 'ef'.repeat(32), height: 12, prevHash: child.hash };
    const seen = settle([block, child, grandchild], { prevHash: grandchild.hash, height: 12 }, 3);
    expect(seen.map(({ state, confirmations }) => [state, confirmations])).toEqual([
      ['booked', 3],
      ['found', 2],
      ['found', 1],
    ]);
    const given = settle([reverseBlock(block), child], { prevHash: child.hash, height: 11 }, 3);
    expect(given.map(({ state }) => state)).toEqual(['found', 'found']);
    // another block's child says nothing of it
    const stranger = { ...child, prevHash: other };
    expect(settle([block, stranger], { prevHash: stranger.hash, height: 12 }, 3)[0]?.state).toBe('reversed');
  });

  it('is reversed when another is at its height, the chain goes back, or goes on without it', () => {
    expect(after([other, 10])?.state).toBe('reversed');
    expect(after([hash, 10], [other, 11], [other, 12], [other, 10])?.state).toBe('reversed');
    expect(after([hash, 10], [other, 9])?.state).toBe('reversed');
    expect(after([other, 11])?.state).toBe('found');
    expect(after([other, 11], [other, 12])?.state).toBe('reversed');
  });

  it('counts again when the chain comes back to it', () => {
    expect(after([hash, 10], [other, 10], [hash, 10])).toMatchObject({ state: 'found', confirmations: 1 });
  });

  it('changes what is owed at once, and no more when it is reversed', () => {
    expect(balancesOf([block])).toEqual(block.changes);
    expect(balancesOf([block, { ...block, changes: new Map([['aa', -5n]]) }])).toEqual(
      new Map([['bb', -5n]]),
    );
    expect(balancesOf([reverseBlock(block)]).size).toBe(0);
    expect(() => settle([block], { prevHash: hash, height: 1 }, 0)).toThrow('confirmations');
  });
});

it('the reserve is who has everything when nobody names whom to pay', () => {
  const statement = blockAfter(sequenced([shareOf('nobody')]), 'pplns');
  expect(statement.payments.find(({ script }) => script === bytesToHex(reserve))?.paid).toBe('309375000');
});
