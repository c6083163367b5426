/** What a pool can do to a proxy that trusted it. */
import { randomBytes } from 'node:crypto';
import {
  CloseChannel,
  NewExtendedMiningJob,
  Reconnect,
  SetExtranoncePrefix,
  SetNewPrevHash,
  SetTarget,
  SubmitSharesError,
  SubmitSharesSuccess,
  type Message,
} from 'rx-sv2';

/** Where the pool listens: at more than one port. */
export interface BoundPorts {
  readonly bound: readonly number[];
}

/** What a connection's channel and its work are, so that lies are near the truth. */
export interface Seen {
  channelId: number;
  job: NewExtendedMiningJob | undefined;
  /** Counts jobs. */
  jobId: number;
  note(message: Message): void;
}

/** Nothing yet. */
export const seenOf = (): Seen => ({
  channelId: 0,
  job: undefined,
  jobId: 1_000_000,
  note(message) {
    if (message.type === 'OpenExtendedMiningChannel.Success') this.channelId = message.channelId;
    if (message.type === 'NewExtendedMiningJob') this.job = message;
  },
});

/** What is done instead of passing messages on, and beside it. */
export interface Betrayal {
  readonly instead?: (message: Message, seen: Seen, ports: BoundPorts) => readonly Message[];
  /** How often a second the others are made. */
  readonly perSecond?: number;
  readonly make?: (seen: Seen, ports: BoundPorts) => readonly Message[];
}

const seconds = () => Math.floor(Date.now() / 1_000);

/** The last job, as another. */
function anotherJob(seen: Seen, changes: Partial<NewExtendedMiningJob> = {}): readonly Message[] {
  if (seen.job === undefined) return [];
  seen.jobId += 1;
  return [
    NewExtendedMiningJob({
      ...{ ...seen.job, channelId: seen.channelId, jobId: seen.jobId, minNtime: seconds() },
      ...changes,
    }),
  ];
}

const tip = ({ channelId, jobId }: Seen) =>
  SetNewPrevHash({
    ...{ channelId, jobId, prevHash: randomBytes(32), minNtime: seconds(), nbits: 0x1d00_ffff },
  });

const target = (byte: number, { channelId }: Seen) =>
  SetTarget({ channelId, maximumTarget: new Uint8Array(32).fill(byte) });

const elsewhere = ({ bound }: BoundPorts): Message =>
  Reconnect({ newHost: '127.0.0.1', newPort: bound[Math.floor(Math.random() * bound.length)] as number });

export const betrayals: Readonly<Record<string, Betrayal & { readonly title: string }>> = {
  'target-0': {
    title: 'the pool sets the target to 0, and again',
    perSecond: 100,
    make: (seen) => [target(0, seen)],
  },
  targets: {
    title: 'the pool sets another target 10,000 times a second',
    perSecond: 10_000,
    make: (seen) => [target(Math.random() < 0.5 ? 0x0f : 0xff, seen)],
  },
  jobs: {
    title: 'the pool sends 10,000 jobs a second',
    perSecond: 10_000,
    make: (seen) => anotherJob(seen),
  },
  'future-jobs': {
    title: 'the pool sends 10,000 jobs a second for a tip to come',
    perSecond: 10_000,
    make: (seen) => anotherJob(seen, { minNtime: null }),
  },
  'large-jobs': {
    title: 'the pool sends 200 jobs a second of 128 KiB each',
    perSecond: 200,
    make: (seen) =>
      anotherJob(seen, {
        coinbaseTxPrefix: new Uint8Array(60_000).fill(1),
        coinbaseTxSuffix: new Uint8Array(65_000).fill(1),
      }),
  },
  tips: {
    title: 'the pool has 2,000 new tips a second',
    perSecond: 2_000,
    make: (seen) => [...anotherJob(seen, { minNtime: null }), tip(seen)],
  },
  prefixes: {
    title: 'the pool sets another extranonce prefix 2,000 times a second',
    perSecond: 2_000,
    make: ({ channelId }) => [SetExtranoncePrefix({ channelId, extranoncePrefix: randomBytes(8) })],
  },
  verdicts: {
    title: 'the pool answers 10,000 shares a second that it was not sent',
    perSecond: 5_000,
    make: ({ channelId }) => [
      SubmitSharesError({ channelId, sequenceNumber: 0x7fff_0000, errorCode: 'invalid-share' }),
      SubmitSharesSuccess({
        ...{ channelId, lastSequenceNumber: 0, newSubmitsAcceptedCount: 1, newSharesSum: 2n ** 63n },
      }),
    ],
  },
  'refuses-all': {
    title: 'the pool refuses every share',
    instead: (message) =>
      message.type === 'SubmitShares.Success'
        ? [
            SubmitSharesError({
              channelId: message.channelId,
              sequenceNumber: message.lastSequenceNumber,
              errorCode: 'stale-share',
            }),
          ]
        : [message],
  },
  'closes-channels': {
    title: 'the pool closes every channel as soon as it is open',
    perSecond: 1,
    make: ({ channelId }) => [CloseChannel({ channelId, reasonCode: 'go away' })],
    instead: (message) =>
      message.type === 'OpenExtendedMiningChannel.Success'
        ? [message, CloseChannel({ channelId: message.channelId, reasonCode: 'go away' })]
        : [message],
  },
  redirects: {
    title: 'the pool sends everybody in circles, between two ports of its own',
    perSecond: 1,
    make: (_, ports) => [elsewhere(ports)],
    instead: (message, _, ports) =>
      message.type === 'SetupConnection.Success' ? [message, elsewhere(ports)] : [message],
  },
  silent: { title: 'the pool says nothing any more', instead: () => [] },
};
