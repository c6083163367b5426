import { describe, expect, it } from '@jest/globals';
import type { MiningServerOutcome } from '../../../src/mining/index.js';
import { bookkeeper } from '../../../src/roles/pool/pool-accounts.js';

const share = { clientId: 1, channelId: 2, jobId: 1, sequenceNumber: 1 };
const hash = new Uint8Array(32).fill(0xff, 0, 26);
const accepted = (userIdentity: string, difficulty: number): MiningServerOutcome => ({
  type: 'ShareAccepted',
  ...share,
  userIdentity,
  hash,
  difficulty,
  target: hash,
});
const rejected = (userIdentity: string | null): MiningServerOutcome => ({
  type: 'ShareRejected',
  ...share,
  userIdentity,
  errorCode: 'stale-share',
  reason: '',
});
const block = (userIdentity: string): MiningServerOutcome => ({
  type: 'BlockFound',
  ...share,
  userIdentity,
  hash,
  header: new Uint8Array(80),
  coinbaseTx: new Uint8Array(0),
  solution: null,
});

describe('the accounts of a pool', () => {
  it('count what every user delivered, whatever the channel', () => {
    const { count, accounts } = bookkeeper();
    count([accepted('alice', 2)]);
    count([accepted('bob', 3), block('bob')]);
    count([accepted('alice', 5)]);
    count([rejected('alice')]);
    count([rejected(null)]);
    expect([...accounts().users.keys()]).toEqual(['bob', 'alice']);
    expect(accounts().users.get('alice')).toMatchObject({
      accepted: 2,
      rejected: 1,
      rejectedByCode: { 'stale-share': 1 },
      difficultySum: 7,
      blocksFound: 0,
    });
    expect(accounts().users.get('bob')).toMatchObject({ accepted: 1, rejected: 0, blocksFound: 1 });
  });

  it('have an end, but lose nothing', () => {
    const { count, accounts } = bookkeeper();
    for (let user = 0; user < 10_050; user++) count([accepted(`user ${user}`, 1)]);
    expect(accounts().users.size).toBe(10_000);
    expect(accounts().others.accepted).toBe(50);
  });

  it('are closed when the pool starts anew', () => {
    const { count, accounts, reset } = bookkeeper();
    count([accepted('alice', 2)]);
    reset();
    expect(accounts().users.size).toBe(0);
  });
});
