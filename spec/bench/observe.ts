/** What it costs to have a state of a pool: of each share, and of each look at it. */
import type { PoolOutcome, ShareAccepted } from 'rx-sv2';
import { outcomeToJson, poolFold } from 'rx-sv2/observe';
import { targetFromDifficulty } from 'rx-sv2';
import { microseconds, takeTurns } from './measure.js';
import { amount, reach, speed, type Section } from './table.js';

const rounds = 9;
const channels = 10_000;

const setupConnection = {
  ...{ type: 'SetupConnection', protocol: 0, minVersion: 2, maxVersion: 2, flags: 0, endpointHost: '' },
  ...{ endpointPort: 0, vendor: 'Bitaxe', hardwareVersion: 'BM1370', firmware: '2.9', deviceId: '' },
} as const;

const shareOf = (channelId: number): ShareAccepted => ({
  ...{
    type: 'ShareAccepted',
    clientId: channelId,
    channelId,
    userIdentity: `user ${channelId}`,
    worker: 'rig',
  },
  ...{ jobId: 1, sequenceNumber: 1, hash: targetFromDifficulty(5_000), difficulty: 1_000 },
  target: targetFromDifficulty(1_000),
});

/** A pool of 10,000 clients with a channel each. */
function poolOf10000() {
  const fold = poolFold(0);
  for (let id = 1; id <= channels; id++) {
    const client = {
      ...{ clientId: id, peer: { address: `10.0.0.1:${id}`, encrypted: true }, protocol: 'mining' },
      ...{ version: 2, flags: 0, successFlags: 0, setupConnection, extensions: [], connectedAt: 0 },
    } as const;
    const opened = {
      ...{ type: 'ChannelOpened', clientId: id, channelId: id, kind: 'extended', userIdentity: `user ${id}` },
      ...{ nominalHashRate: 1e12, target: targetFromDifficulty(1_000), maxTarget: new Uint8Array(32) },
    } as const;
    fold.note({ type: 'connected', clientId: id, client } as PoolOutcome, 0);
    fold.note(opened, 0);
  }
  return fold;
}

/** Noting a share, and looking at the state once a second. */
export async function observeSections(): Promise<readonly Section[]> {
  const shares = Array.from({ length: channels }, (_, index) => shareOf(index + 1));
  const share = (index: number): ShareAccepted => shares[index % channels] as ShareAccepted;
  const fold = poolOf10000();
  const looked = poolOf10000();
  const counts = new Map<string, number>();
  let now = 1_000;
  let second = 1_000;
  for (const each of shares) looked.note(each, second);
  // miners at work: the first share of each makes its worker, the second its windows
  for (let shared = 0; shared < 3; shared++) for (const each of shares) fold.note(each, (now += 1));
  const times = await takeTurns(rounds, {
    // 10,000 miners with six shares a minute: a millisecond from each to the next
    note: microseconds((index) => fold.note(share(index), (now += 1))),
    count: microseconds((index) => {
      const { userIdentity } = share(index);
      counts.set(userIdentity, (counts.get(userIdentity) ?? 0) + 1);
    }),
    json: microseconds((index) => JSON.stringify(outcomeToJson(share(index)))),
    plain: microseconds((index) => {
      const { hash, target, ...rest } = share(index);
      return JSON.stringify({
        ...rest,
        hash: Buffer.from(hash).toString('hex'),
        target: Buffer.from(target).toString('hex'),
      });
    }),
    look: microseconds(() => {
      second += 1_000;
      for (let index = 0; index < 1_000; index++) looked.note(share(second / 1_000 + index * 10), second);
      return looked.state(second);
    }, 200),
    whole: microseconds(() => JSON.stringify(looked.state(second)), 200),
  });
  return [
    {
      title: 'The state of a pool with 10,000 clients, a channel and a worker each',
      baseline: 'a count by user in a Map; for JSON, written by hand',
      rows: [
        {
          what: 'a share noted: client, channel, user, worker, all, five windows of each',
          figure: amount(times.note, 'µs'),
          baseline: amount(times.count, 'µs'),
          ratio: speed(times.note, times.count),
          target: reach('< 2 µs', times.note < 2),
          limit: 'cache misses: rows and 1 KiB of windows each, visited every eighth share',
        },
        {
          what: 'a second: 1,000 shares noted, and the state looked at',
          figure: amount(times.look / 1_000, 'ms'),
          baseline: amount(times.whole / 1_000, 'ms for JSON of all of it'),
          ratio: speed(times.look, times.whole),
          limit: 'rows of those that delivered, with intervals of their rates',
        },
        {
          what: 'outcomeToJson of a share, as text',
          figure: amount(times.json, 'µs'),
          baseline: amount(times.plain, 'µs'),
          ratio: speed(times.json, times.plain),
          limit: 'hex',
        },
      ],
    },
  ];
}
