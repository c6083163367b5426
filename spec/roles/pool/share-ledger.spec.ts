import { afterEach, describe, expect, it } from '@jest/globals';
import {
  asyncScheduler,
  filter,
  firstValueFrom,
  ReplaySubject,
  take,
  toArray,
  type Subscription,
} from 'rxjs';
import {
  bookkeeping,
  memoryStore,
  Sv2Error,
  SubmitSharesExtended,
  SubmitSharesSuccess,
  type LedgerStore,
  type Message,
  type ShareAccepted,
} from '../../../src/index.js';
import {
  shareLedger,
  type Acknowledged,
  type ShareLedger,
  type ShareLedgerOptions,
} from '../../../src/roles/pool/share-ledger.js';
import type { LedgerOutcome } from '../../../src/roles/pool/ledger-outcomes.js';

/** A store that can be told to fail, or to wait. */
const troubled = () => {
  const store = memoryStore();
  const state: { error: Error | undefined; commits: number } = { error: undefined, commits: 0 };
  const troubledStore: LedgerStore = {
    ...store,
    async commit(commit) {
      if (state.error !== undefined) throw state.error;
      await store.commit(commit);
      state.commits += 1;
    },
  };
  return { store: troubledStore, state };
};

const target = new Uint8Array(32).fill(0xff);
let shares = 0;
const accepted = (userIdentity = 'alice', channelId = 2): ShareAccepted => {
  shares += 1;
  const hash = new Uint8Array(32);
  new DataView(hash.buffer).setUint32(0, shares, true);
  const share = { clientId: 1, channelId, jobId: 3, sequenceNumber: shares, userIdentity, worker: '' };
  return { type: 'ShareAccepted', ...share, hash, difficulty: 1, target };
};
const submitted = SubmitSharesExtended({
  channelId: 2,
  sequenceNumber: 1,
  jobId: 3,
  nonce: 4,
  ntime: 5,
  version: 6,
  extranonce: Uint8Array.of(7),
});
const success = (newSubmitsAcceptedCount: number, channelId = 2) =>
  SubmitSharesSuccess({
    channelId,
    lastSequenceNumber: shares,
    newSubmitsAcceptedCount,
    newSharesSum: BigInt(newSubmitsAcceptedCount),
  });

let running: Subscription | undefined;
afterEach(() => running?.unsubscribe());

const start = async (options: Partial<ShareLedgerOptions> = {}) => {
  const { store, state } = troubled();
  const books = await bookkeeping(store, 1);
  const ledger: ShareLedger = shareLedger({
    serverId: 1,
    books,
    scheduler: asyncScheduler,
    commitInterval: 1,
    ...options,
  });
  const event$ = new ReplaySubject<Acknowledged | LedgerOutcome>(100);
  running = ledger.commit$.subscribe(event$);
  const add = (count: number, channelId = 2) => {
    for (let index = 0; index < count; index++)
      ledger.accepted(accepted('alice', channelId), submitted, { height: 9, nbits: 0x1d00ffff }, 'bitaxe');
  };
  const acknowledgements = (count: number) =>
    firstValueFrom(
      event$.pipe(
        filter((event): event is Acknowledged => 'clientId' in event),
        take(count),
        toArray(),
      ),
    );
  const outcome = <T extends LedgerOutcome['type']>(type: T) =>
    firstValueFrom(event$.pipe(filter((event) => 'type' in event && event.type === type)));
  return { ledger, store, state, add, acknowledgements, outcome };
};
const credited = async (store: LedgerStore): Promise<number> =>
  (await store.accounts()).reduce((sum, account) => sum + account.accepted, 0);

describe('shares on their way to the ledger', () => {
  it('are acknowledged when they are in it, and not before', async () => {
    const { ledger, store, state, add, acknowledgements } = await start();
    const full = new Sv2Error('ledger-unavailable', 'the disk is full');
    state.error = full;
    add(2);
    const other: Message = SubmitSharesExtended({ ...submitted });
    expect(ledger.outgoing(1, [success(2), other])).toEqual([other]);
    expect(await credited(store)).toBe(0);
    state.error = undefined;
    expect(await acknowledgements(1)).toEqual([{ clientId: 1, messages: [success(2)] }]);
    expect(await credited(store)).toBe(2);
    expect(ledger.outgoing(1, [success(2)])).toEqual([success(2)]); // everything is durable
  });

  it('are acknowledged at once where that is what was promised', async () => {
    const { ledger, add } = await start({ durability: 'relaxed' });
    add(1);
    expect(ledger.outgoing(1, [success(1)])).toEqual([success(1)]);
  });

  it('wait while the ledger cannot be written, which is told once, and none is lost', async () => {
    const { ledger, store, state, add, acknowledgements, outcome } = await start();
    state.error = new Sv2Error('ledger-unavailable', 'the disk is full');
    add(3);
    ledger.outgoing(1, [success(3)]);
    expect(await outcome('LedgerStalled')).toEqual({
      type: 'LedgerStalled',
      code: 'ledger-unavailable',
      message: 'the disk is full',
      waiting: 3,
    });
    add(4);
    ledger.outgoing(1, [success(4)]);
    state.error = undefined;
    expect(await outcome('LedgerResumed')).toEqual({ type: 'LedgerResumed', waiting: 7 });
    expect((await acknowledgements(2)).map(({ messages }) => messages)).toEqual([
      [expect.objectContaining({ newSubmitsAcceptedCount: 3 })],
      [expect.objectContaining({ newSubmitsAcceptedCount: 4 })],
    ]);
    expect(await credited(store)).toBe(7);
  });

  it('that find no room are neither credited nor acknowledged, and that is told', async () => {
    const { ledger, store, state, add, acknowledgements, outcome } = await start({ maxWaitingShares: 5 });
    state.error = new Sv2Error('ledger-unavailable', 'the disk is full');
    add(8);
    expect(await outcome('LedgerFull')).toEqual({ type: 'LedgerFull', waiting: 5 });
    ledger.outgoing(1, [success(8)]);
    add(2, 7);
    expect(ledger.outgoing(1, [success(2, 7)])).toEqual([]);
    state.error = undefined;
    expect(await acknowledgements(1)).toEqual([
      { clientId: 1, messages: [expect.objectContaining({ newSubmitsAcceptedCount: 5, newSharesSum: 5n })] },
    ]);
    expect(await credited(store)).toBe(5);
  });

  it('are written no more once another pool has written for this server', async () => {
    const { store, add, outcome } = await start();
    await (
      await bookkeeping(store, 1)
    ).write([
      { type: 'rejected', time: 1, serverId: 1, user: 'x', worker: '', errorCode: 'y', count: 1 },
      { ...recordOf(accepted('bob')) },
    ]);
    add(1);
    expect(await outcome('LedgerConflict')).toMatchObject({
      message: 'another pool writes to this ledger as server 1: each needs a server id of its own',
    });
    expect(await credited(store)).toBe(1);
  });

  it('are written when it ends, and counted when they are rejected', async () => {
    const { ledger, store, add } = await start({ commitInterval: 1e9 });
    add(3);
    const rejected = {
      type: 'ShareRejected' as const,
      clientId: 1,
      channelId: 2,
      worker: '',
      jobId: 1,
      reason: '',
    };
    for (let count = 0; count < 4; count++)
      ledger.note([
        { ...rejected, userIdentity: 'alice', sequenceNumber: 1, errorCode: 'stale-share' },
        { ...rejected, userIdentity: null, sequenceNumber: 1, errorCode: 'invalid-channel-id' },
      ]);
    await ledger.finish();
    await ledger.written();
    expect(await store.accounts()).toEqual([
      expect.objectContaining({ accepted: 3, rejected: 4, rejectedByCode: { 'stale-share': 4 } }),
    ]);
  });

  it('of channels that were closed are credited, and nobody is told', async () => {
    const { ledger, store, state, add, acknowledgements } = await start();
    state.error = new Sv2Error('ledger-unavailable', 'the disk is full');
    add(1);
    ledger.outgoing(1, [success(1)]);
    ledger.note([{ type: 'ChannelClosed', clientId: 1, channelId: 2, userIdentity: 'alice', reason: '' }]);
    add(1, 9);
    ledger.outgoing(1, [success(1, 9)]);
    state.error = undefined;
    expect(await acknowledgements(1)).toEqual([{ clientId: 1, messages: [success(1, 9)] }]);
    expect(await credited(store)).toBe(2);
  });
});

const recordOf = ({ hash, userIdentity, jobId, sequenceNumber }: ShareAccepted) => ({
  type: 'share' as const,
  time: 1,
  serverId: 1,
  clientId: 1,
  channelId: 2,
  sequenceNumber,
  jobId,
  user: userIdentity,
  worker: '',
  vendor: '',
  height: 1,
  nbits: 0x1d00ffff,
  target,
  hash,
  version: 1,
  ntime: 1,
  nonce: 1,
  extranonce: new Uint8Array(0),
});
