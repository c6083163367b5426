import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { MiningServerOutcome } from '../../../src/mining/index.js';
import { accountBook, type AccountBook, type ShareTotals } from '../../../src/mining/index.js';

const share = { clientId: 1, channelId: 2, jobId: 1, sequenceNumber: 1 };
const hash = new Uint8Array(32).fill(0xff, 0, 26);
const opened = (userIdentity: string): MiningServerOutcome => ({
  type: 'ChannelOpened',
  clientId: 1,
  channelId: 2,
  kind: 'extended',
  userIdentity,
  nominalHashRate: 1,
  target: hash,
  maxTarget: hash,
});
const closed = (userIdentity: string): MiningServerOutcome => ({
  type: 'ChannelClosed',
  clientId: 1,
  channelId: 2,
  userIdentity,
  reason: '',
});
const accepted = (userIdentity: string, worker = '', difficulty = 1): MiningServerOutcome => ({
  type: 'ShareAccepted',
  ...share,
  userIdentity,
  worker,
  hash,
  difficulty,
  target: hash,
});
const rejected = (userIdentity: string | null, worker = ''): MiningServerOutcome => ({
  type: 'ShareRejected',
  ...share,
  userIdentity,
  worker,
  errorCode: 'stale-share',
  reason: '',
});
const block = (userIdentity: string): MiningServerOutcome => ({
  type: 'BlockFound',
  ...share,
  userIdentity,
  worker: '',
  hash,
  header: new Uint8Array(80),
  coinbaseTx: new Uint8Array(0),
  solution: null,
  payout: null,
});

const names = ({ totals }: AccountBook): string[] =>
  totals().accounts.map(({ user, worker }) => (worker === '' ? user : `${user}/${worker}`));
const account = ({ totals }: AccountBook, user: string, worker = '') =>
  totals().accounts.find((candidate) => candidate.user === user && candidate.worker === worker);

describe('the accounts of a mining server', () => {
  it('count what every user delivered, whatever the channel', () => {
    const book = accountBook();
    book.count([opened('alice'), opened('bob')]);
    book.count([accepted('alice', '', 2)]);
    book.count([accepted('bob', '', 3), block('bob'), accepted('alice', '', 5)]);
    book.count([rejected('alice')]);
    expect(account(book, 'alice')).toMatchObject({
      accepted: 2,
      rejected: 1,
      rejectedByCode: { 'stale-share': 1 },
      difficultySum: 7,
      blocksFound: 0,
    });
    expect(account(book, 'bob')).toMatchObject({ accepted: 1, rejected: 0, blocksFound: 1 });
  });

  it("tell two users' workers of one name apart", () => {
    const book = accountBook();
    book.count([opened('alice'), opened('bob')]);
    book.count([accepted('alice', 'rig1', 2), accepted('bob', 'rig1', 3), accepted('bob')]);
    expect(account(book, 'alice', 'rig1')).toMatchObject({ accepted: 1, difficultySum: 2 });
    expect(account(book, 'bob', 'rig1')).toMatchObject({ accepted: 1, difficultySum: 3 });
    expect(account(book, 'bob')).toMatchObject({ accepted: 1 });
    expect(account(book, 'alice')).toMatchObject({ accepted: 0 });
  });

  it('are not confused by names that objects have', () => {
    const book = accountBook();
    book.count([accepted('__proto__', 'constructor')]);
    expect(names(book)).toEqual(['__proto__', '__proto__/constructor']);
  });

  it('are opened by accepted work only: invented names push nobody out', () => {
    const book = accountBook();
    book.count([opened('honest'), accepted('honest', 'rig1'), closed('honest'), opened('liar')]);
    for (let name = 0; name < 10_050; name++) book.count([rejected('liar', `worker ${name}`)]);
    expect(names(book)).toEqual(['honest', 'honest/rig1', 'liar']);
    expect(account(book, 'liar')?.rejected).toBe(10_050);
    book.count([rejected('liar', ''), rejected('honest', 'rig1'), rejected('honest', 'rig2')]);
    expect(account(book, 'honest', 'rig1')?.rejected).toBe(1);
    expect(account(book, 'honest')?.rejected).toBe(1);
  });

  it('last no longer than its channels for a user without accepted work, whose rejected shares are not lost', () => {
    const book = accountBook();
    book.count([opened('a'), opened('a'), rejected('a'), closed('a')]);
    expect(names(book)).toEqual(['a']);
    book.count([closed('a')]);
    expect(names(book)).toEqual([]);
    book.count([rejected('a'), rejected(null)]);
    expect(book.totals().others).toMatchObject({ accepted: 0, rejected: 3 });
  });

  it('are given up beyond the limit: of the user gone longest first, never of one that is there', () => {
    const book = accountBook(4);
    book.count([opened('first'), accepted('first', '', 5), block('first')]);
    for (const user of ['b', 'c', 'd']) book.count([opened(user), accepted(user), closed(user)]);
    book.count([opened('b')]); // is back: c has been gone longest now
    book.count([opened('e')]);
    expect(names(book).sort()).toEqual(['b', 'd', 'e', 'first']);
    expect(book.totals().others).toMatchObject({ accepted: 1, difficultySum: 1 });
  });

  it("give up a user's idlest worker in favour of the user, when everybody is there", () => {
    const book = accountBook(4);
    book.count([opened('a'), opened('b')]);
    book.count([accepted('a', 'x', 2), accepted('a', 'y', 3), accepted('a', 'x', 2), accepted('a', 'z', 7)]);
    expect(names(book)).toEqual(['a', 'a/x', 'a/z', 'b']);
    expect(account(book, 'a')).toMatchObject({ accepted: 1, difficultySum: 3 });
    for (const user of ['c', 'd', 'e']) book.count([opened(user)]);
    book.count([accepted('e', 'x', 4)]);
    expect(names(book)).toEqual(['a', 'a/x', 'a/z', 'b', 'c', 'd', 'e']);
    expect(account(book, 'e')).toMatchObject({ accepted: 1, difficultySum: 4 });
  });

  it('have another serial number when they are opened anew', () => {
    const book = accountBook(1);
    book.count([accepted('a')]);
    const before = account(book, 'a')?.serial;
    book.count([accepted('b'), accepted('a')]);
    expect(names(book)).toEqual(['a']);
    expect(account(book, 'a')?.serial).not.toBe(before);
  });

  it('lose and invent nothing, keep whoever is there, and stay within their limit, whatever happens', () => {
    const name = fc.constantFrom('a', 'b', 'c', 'd', 'e');
    const worker = fc.constantFrom('', 'x', 'y', 'z');
    const limit = 4;
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom('open', 'close', 'accept', 'reject'), name, worker, fc.nat(9)), {
          maxLength: 200,
        }),
        (steps) => {
          const book = accountBook(limit);
          const open = new Map<string, number>();
          let [shares, rejections, difficulty] = [0, 0, 0];
          for (const [what, user, rig, amount] of steps) {
            const channels = open.get(user) ?? 0;
            if (what === 'open') book.count([opened(user)]);
            if (what === 'close' && channels > 0) book.count([closed(user)]);
            if (what === 'open') open.set(user, channels + 1);
            if (what === 'close' && channels > 0) open.set(user, channels - 1);
            if (what === 'accept') book.count([accepted(user, rig, amount)]);
            if (what === 'reject') book.count([rejected(user, rig)]);
            if (what === 'accept') [shares, difficulty] = [shares + 1, difficulty + amount];
            if (what === 'reject') rejections += 1;
            const present = [...open].filter(([, count]) => count > 0).map(([present]) => present);
            const { accounts, others } = book.totals();
            const sum = (pick: (totals: ShareTotals) => number) =>
              [...accounts, others].reduce((total, totals) => total + pick(totals), 0);
            expect(sum((totals) => totals.accepted)).toBe(shares);
            expect(sum((totals) => totals.rejected)).toBe(rejections);
            expect(sum((totals) => totals.difficultySum)).toBe(difficulty);
            expect(accounts.length).toBeLessThanOrEqual(limit + present.length + 1);
            for (const user of present) expect(account(book, user)).toBeDefined();
            expect(new Set(names(book)).size).toBe(accounts.length);
          }
        },
      ),
      { seed: 20_260, numRuns: 300 },
    );
  });

  it('refuse a senseless limit', () => {
    expect(() => accountBook(0)).toThrow(expect.objectContaining({ code: 'out-of-range' }));
  });
});
