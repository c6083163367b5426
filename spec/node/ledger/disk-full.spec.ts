import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { asyncScheduler, filter, firstValueFrom, ReplaySubject } from 'rxjs';
import {
  bookkeeping,
  SubmitSharesExtended,
  SubmitSharesSuccess,
  type ShareAccepted,
} from '../../../src/index.js';
import { openLedger } from '../../../src/node.js';
import type { LedgerOutcome } from '../../../src/roles/pool/ledger-outcomes.js';
import { shareLedger, type Acknowledged } from '../../../src/roles/pool/share-ledger.js';

const disk = mkdtempSync(join(tmpdir(), 'rx-sv2-disk-'));

/** Why no disk of 4 MB could be mounted; null when it is. */
const mounted = ((): string | null => {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', disk], { stdio: 'pipe' });
    return null;
  } catch {
    return 'no small disk may be mounted here';
  }
})();
/** Unmounts it when its input ends: after the spec, and also when this process is killed. */
const keeper = spawn('sh', ['-c', 'cat >/dev/null; umount -l "$0"; rmdir "$0"', disk], {
  stdio: ['pipe', 'ignore', 'ignore'],
  detached: true,
});
afterAll(async () => {
  const exited = once(keeper, 'exit');
  keeper.stdin.end();
  await exited;
});

let count = 0;
const accepted = (): ShareAccepted => {
  count += 1;
  const hash = new Uint8Array(32);
  new DataView(hash.buffer).setUint32(0, count, true);
  return {
    type: 'ShareAccepted',
    ...{ clientId: 1, channelId: 2, jobId: 3, sequenceNumber: count, userIdentity: 'alice', worker: '' },
    ...{ hash, difficulty: 1, target: new Uint8Array(32).fill(0xff) },
  };
};
const submitted = SubmitSharesExtended({
  ...{ channelId: 2, sequenceNumber: 1, jobId: 3, nonce: 4, ntime: 5, version: 6 },
  extranonce: Uint8Array.of(7),
});

describe('a disk that is full', () => {
  it(`stops acknowledgements and nothing else, is told, and loses nothing${mounted === null ? '' : ` (not tried: ${mounted})`}`, async () => {
    if (mounted !== null) return;
    const { store } = await openLedger(join(disk, 'ledger.sqlite'));
    const books = await bookkeeping(store, 1);
    const ledger = shareLedger({ serverId: 1, books, scheduler: asyncScheduler, commitInterval: 1 });
    const event$ = new ReplaySubject<Acknowledged | LedgerOutcome>(Infinity);
    const running = ledger.commit$.subscribe(event$);
    const told = (type: LedgerOutcome['type']) =>
      firstValueFrom(event$.pipe(filter((event) => 'type' in event && event.type === type)));
    const add = (shares: number) => {
      for (let index = 0; index < shares; index++)
        ledger.accepted(accepted(), submitted, { height: 9, nbits: 0x1d00ffff }, 'bitaxe');
      return ledger.outgoing(1, [
        SubmitSharesSuccess({
          ...{ channelId: 2, lastSequenceNumber: count, newSubmitsAcceptedCount: shares },
          newSharesSum: BigInt(shares),
        }),
      ]);
    };
    const acknowledgements = (total: number) => {
      let sum = 0;
      return firstValueFrom(
        event$.pipe(
          filter((event) => {
            if (!('clientId' in event)) return false;
            for (const message of event.messages)
              if (message.type === 'SubmitShares.Success') sum += message.newSubmitsAcceptedCount;
            return sum === total;
          }),
        ),
      );
    };
    expect(add(100)).toEqual([]);
    await acknowledgements(100);

    const filler = join(disk, 'filler');
    for (let size = 1 << 20; size >= 512; size >>= 1) {
      try {
        for (let index = 0; index < 8; index++)
          writeFileSync(`${filler}-${size}-${index}`, new Uint8Array(size));
      } catch {
        // full for this size
      }
    }
    // more than the pages that the file has already take
    expect(add(5_000)).toEqual([]);
    expect(await told('LedgerStalled')).toMatchObject({
      code: 'ledger-unavailable',
      message: expect.stringContaining('the disk is full'),
    });
    expect(add(10)).toEqual([]);
    expect((await store.accounts())[0]?.accepted).toBe(100);

    execFileSync('sh', ['-c', `rm -f ${filler}-*`]);
    await told('LedgerResumed');
    await acknowledgements(5_110);
    running.unsubscribe();
    await ledger.finish();
    expect((await store.accounts())[0]?.accepted).toBe(5_110);
    let records = 0;
    for await (const { sequence } of store.records()) expect(sequence).toBe((records += 1));
    expect(records).toBe(5_110);
    await store.close();
  }, 120_000);
});
