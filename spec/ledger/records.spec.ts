import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  accountsAfter,
  creditedWork,
  csvHeader,
  decodeRecords,
  difficultyOfWork,
  encodeRecord,
  firstReceipt,
  isBlock,
  listAccounts,
  nextReceipt,
  recordFromJson,
  recordToCsv,
  recordToJson,
  targetFromDifficulty,
  targetFromNbits,
  workOf,
  type LedgerRecord,
  type RejectedRecord,
} from '../../src/index.js';
import { seeded, shareOf } from './support.js';

const rejectedOf = (user: string, count: number, errorCode = 'stale-share', worker = ''): RejectedRecord => ({
  type: 'rejected',
  time: 1_764_000_000_001,
  serverId: 1,
  user,
  worker,
  errorCode,
  count,
});

const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const name = fc.oneof(
  fc.string({ maxLength: 60 }),
  fc.constantFrom('__proto__', '=1+1', '"', 'ä,\n', '\udc80'),
);
const anyRecord: fc.Arbitrary<LedgerRecord> = fc.oneof(
  fc.record({
    type: fc.constant('share' as const),
    time: fc.nat(4e12),
    serverId: fc.nat(0xffff),
    clientId: u32,
    channelId: u32,
    sequenceNumber: u32,
    jobId: u32,
    user: name,
    worker: name,
    vendor: name,
    height: u32,
    nbits: fc.constantFrom(0x1d00ffff, 0x1b0404cb, 0x207fffff),
    target: bytes(32),
    hash: bytes(32),
    version: u32,
    ntime: u32,
    nonce: u32,
    extranonce: fc.uint8Array({ maxLength: 32 }),
  }),
  fc.record({
    type: fc.constant('rejected' as const),
    time: fc.nat(4e12),
    serverId: fc.nat(0xffff),
    user: name,
    worker: name,
    errorCode: name,
    count: u32,
  }),
);

describe('a record', () => {
  it('is the same after it was written and read, as bytes and as JSON', () => {
    fc.assert(
      fc.property(fc.array(anyRecord, { maxLength: 20 }), (records) => {
        const written = records.map(encodeRecord);
        expect(decodeRecords(Uint8Array.from(written.flatMap((one) => [...one])))).toEqual(records);
        for (const record of records) {
          const sequenced = { sequence: 1, record, receipt: new Uint8Array(32).fill(7) };
          expect(recordFromJson(recordToJson(sequenced))).toEqual(sequenced);
        }
      }),
      seeded,
    );
  });

  it('that is cut short, of an unknown kind, or nonsense is refused', () => {
    const whole = encodeRecord(shareOf('a'));
    expect(() => decodeRecords(whole.subarray(0, -1))).toThrow();
    expect(() => decodeRecords(Uint8Array.of(9))).toThrow(
      expect.objectContaining({ code: 'unknown-record' }),
    );
    const json = recordToJson({ sequence: 1, record: shareOf('a'), receipt: new Uint8Array(32) });
    for (const bad of [
      '',
      '{}',
      'null',
      json.replace('"sequence":1,', ''),
      json.replace('"share"', '"other"'),
    ])
      expect(() => recordFromJson(bad)).toThrow(expect.objectContaining({ code: 'invalid-record' }));
  });

  it('is credited with its target alone, and with nothing when its hash misses it', () => {
    const target = targetFromDifficulty(1);
    expect(creditedWork(shareOf('a', { target, hash: new Uint8Array(32) }))).toBe(workOf(target));
    expect(creditedWork(shareOf('a', { target, hash: new Uint8Array(32).fill(0xff) }))).toBe(0n);
    expect(workOf(targetFromNbits(0x1d00ffff))).toBe(4_295_032_833n);
    expect(workOf(new Uint8Array(32).fill(0xff))).toBe(1n);
    expect(difficultyOfWork(4_295_032_833n * 12n)).toBe(12);
    expect(isBlock(shareOf('a', { hash: new Uint8Array(32) }))).toBe(true);
  });

  it('is a line of CSV that no spreadsheet takes for a formula', () => {
    const line = recordToCsv({
      sequence: 3,
      record: shareOf('=cmd("x")', { worker: 'a,b' }),
      receipt: new Uint8Array(32),
    });
    expect(line).toContain(`"'=cmd(""x"")","a,b"`);
    expect(
      recordToCsv({ sequence: 4, record: rejectedOf('a', 3), receipt: new Uint8Array(32) }).split(','),
    ).toHaveLength(csvHeader.split(',').length);
  });
});

describe('accounts', () => {
  it('tell users and workers apart, and count what was accepted and rejected', () => {
    const accounts = accountsAfter([
      shareOf('alice', { worker: 'rig1', difficulty: 2 }),
      shareOf('bob', { worker: 'rig1', difficulty: 3 }),
      shareOf('alice', { difficulty: 5 }),
      rejectedOf('alice', 4),
      rejectedOf('alice', 1, 'duplicate-share'),
    ]);
    expect(listAccounts(accounts)).toEqual([
      expect.objectContaining({
        user: 'alice',
        worker: '',
        accepted: 1,
        rejected: 5,
        rejectedByCode: { 'stale-share': 4, 'duplicate-share': 1 },
        difficultySum: 5,
      }),
      expect.objectContaining({ user: 'alice', worker: 'rig1', accepted: 1, rejected: 0, difficultySum: 2 }),
      expect.objectContaining({
        user: 'bob',
        worker: 'rig1',
        accepted: 1,
        work: workOf(targetFromDifficulty(3)),
      }),
    ]);
  });

  it('are the same whether records come at once or in pieces, and what is given is not changed', () => {
    fc.assert(
      fc.property(fc.array(anyRecord, { maxLength: 30 }), fc.nat(30), (records, cut) => {
        const first = accountsAfter(records.slice(0, cut));
        const before = listAccounts(first);
        const whole = listAccounts(accountsAfter(records));
        expect(listAccounts(accountsAfter(records.slice(cut), first))).toEqual(whole);
        expect(listAccounts(first)).toEqual(before);
      }),
      seeded,
    );
  });
});

it('a receipt changes with every byte before it', () => {
  fc.assert(
    fc.property(fc.array(anyRecord, { minLength: 1, maxLength: 8 }), fc.nat(), (records, which) => {
      const receipt = (all: readonly LedgerRecord[]) => all.reduce(nextReceipt, firstReceipt(1));
      const changed = records.map((record, index) =>
        index === which % records.length ? { ...record, user: `${record.user.slice(0, 9)}!` } : record,
      );
      expect(receipt(records)).toEqual(receipt([...records]));
      expect(receipt(records).sequence).toBe(records.length);
      expect(receipt(changed).head).not.toEqual(receipt(records).head);
    }),
    seeded,
  );
});
