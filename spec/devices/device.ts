/** A scripted mining device: as much of a firmware as a pool can notice, hashing really, in virtual time. */
import {
  asyncScheduler,
  catchError,
  defer,
  EMPTY,
  endWith,
  filter,
  finalize,
  identity,
  ignoreElements,
  interval,
  map,
  merge,
  mergeMap,
  NEVER,
  repeat,
  share,
  switchMap,
  takeUntil,
  tap,
  timeout,
  timer,
  type Observable,
} from 'rxjs';
import { encodeFrame } from '../../src/framing/frame.js';
import { SetupConnection, UpdateChannel, type Message } from '../../src/messages/index.js';
import {
  isMiningServerMessage,
  miningClient,
  shareFrom,
  submission,
  workHeader,
  workOn,
  type ClientChannel,
  type OpenMiningChannel,
} from '../../src/mining/index.js';
import type { ChannelJob } from '../../src/mining/work/job.js';
import type { Connection, Connector } from '../../src/transport/connection.js';
import { virtualHasher } from '../roles/support.js';

/** What pools can notice of a firmware. */
export interface Firmware {
  readonly vendor: string;
  /** Flags of SetupConnection. */
  readonly flags: number;
  /** What it asks for. */
  readonly request: OpenMiningChannel;
  /** Message types that it has no case for. */
  readonly ignores: readonly Message['type'][];
  /** Bytes of the longest frame that it has room for; it drops the connection at a longer one. */
  readonly maxFrame: number;
  /** Jobs that may wait for their previous hash; the oldest goes. */
  readonly maxFutureJobs: number;
  /** Nodes of the longest merkle path; it drops jobs with more. */
  readonly maxMerklePath: number;
  /** Milliseconds of silence after which it dials anew, if it does. */
  readonly maxSilence?: number;
  /** Milliseconds until it dials anew. */
  readonly reconnectAfter: number;
  /** Messages that make it drop the connection. */
  readonly fallsBackAt: readonly Message['type'][];
  /** Milliseconds between two UpdateChannel, if it sends any: with the hash rate that it has. */
  readonly updateInterval?: number;
}

/** What happens at a device. */
export type DeviceOutcome =
  | { readonly type: 'Opened'; readonly channelId: number }
  | { readonly type: 'Ignored'; readonly message: Message['type'] }
  | { readonly type: 'Dropped'; readonly message: Message['type']; readonly why: string }
  | { readonly type: 'Submitted'; readonly jobId: number; readonly sequenceNumber: number }
  | { readonly type: 'Accepted'; readonly count: number }
  | { readonly type: 'Rejected'; readonly errorCode: string; readonly sequenceNumber: number }
  | { readonly type: 'Disconnected' };

/**
 * Runs a device while subscribed, from one connection to the next.
 * @param connect dials the pool
 * @param firmware how it behaves
 * @param hashesPerSecond what it really hashes
 */
export const device = (
  connect: Connector,
  firmware: Firmware,
  hashesPerSecond: number,
): Observable<DeviceOutcome> =>
  connect.pipe(
    mergeMap((connection) => conversation(connection, firmware, hashesPerSecond)),
    // whatever ended it
    catchError(() => EMPTY),
    endWith<DeviceOutcome>({ type: 'Disconnected' }),
    repeat({ delay: () => timer(firmware.reconnectAfter) }),
  );

function conversation(
  connection: Connection,
  firmware: Firmware,
  hashesPerSecond: number,
): Observable<DeviceOutcome> {
  const core = miningClient();
  const { maxSilence, updateInterval, request } = firmware;

  const received$ = connection.message$.pipe(
    maxSilence === undefined ? identity : timeout({ each: maxSilence }),
    share(),
  );
  const setUp = defer(() => {
    connection.send(
      SetupConnection({
        protocol: 0,
        minVersion: 2,
        maxVersion: 2,
        flags: firmware.flags,
        endpointHost: 'pool',
        endpointPort: 34254,
        vendor: firmware.vendor,
        hardwareVersion: '',
        firmware: '',
        deviceId: '',
      }),
    );
    return EMPTY;
  });

  /** What a message leads to: something to tell, and work. */
  const take = (message: Message): readonly (DeviceOutcome | Work)[] => {
    const { type } = message;
    const size = encodeFrame(message).length;
    if (size > firmware.maxFrame) throw new Error(`${type} has ${size} bytes`);
    if (firmware.fallsBackAt.includes(type)) throw new Error(`falls back at ${type}`);
    if (firmware.ignores.includes(type)) return [{ type: 'Ignored', message: type }];
    if (type === 'SetupConnection.Success') {
      core.request(request);
      connection.send(request);
      return [];
    }
    if (message.type === 'SubmitShares.Success')
      return [{ type: 'Accepted', count: message.newSubmitsAcceptedCount }];
    if (message.type === 'SubmitShares.Error') {
      const { errorCode, sequenceNumber } = message;
      return [{ type: 'Rejected', errorCode, sequenceNumber }];
    }
    if (message.type === 'NewExtendedMiningJob' && message.merklePath.length > firmware.maxMerklePath)
      return [{ type: 'Dropped', message: type, why: `${message.merklePath.length} nodes` }];
    if (!isMiningServerMessage(message)) return [{ type: 'Ignored', message: type }];
    return core.handle(message, asyncScheduler.now()).flatMap((change): readonly (DeviceOutcome | Work)[] => {
      switch (change.type) {
        case 'opened':
          return [{ type: 'Opened', channelId: change.channel.channelId }];
        case 'work':
          return [{ type: 'Work', channel: change.channel, job: change.job }];
        case 'nonsense':
        case 'unusable':
          return [{ type: 'Dropped', message: type, why: change.error.code }];
        default:
          return [];
      }
    });
  };

  const told$ = received$.pipe(
    mergeMap((message) => {
      const outcomes = take(message);
      for (const { jobs } of core.channels.values()) {
        const [oldest] = jobs.future.keys();
        if (oldest !== undefined && jobs.future.size > firmware.maxFutureJobs) jobs.future.delete(oldest);
      }
      return outcomes;
    }),
    share(),
  );
  const mined$ = told$.pipe(
    filter((told) => told.type === 'Work'),
    switchMap(({ channel, job }) =>
      job === null ? EMPTY : hashing(connection, channel, job, hashesPerSecond),
    ),
  );
  const update$ =
    updateInterval === undefined
      ? EMPTY
      : interval(updateInterval).pipe(
          tap(() => {
            for (const channelId of core.channels.keys()) {
              const { maxTarget: maximumTarget } = request;
              connection.send(UpdateChannel({ channelId, nominalHashRate: hashesPerSecond, maximumTarget }));
            }
          }),
          ignoreElements(),
        );
  return merge(
    mined$,
    update$,
    told$.pipe(filter((told): told is DeviceOutcome => told.type !== 'Work')),
    setUp,
  ).pipe(
    takeUntil(received$.pipe(ignoreElements(), endWith(null))),
    finalize(() => connection.close()),
  );
}

/** There is other work for a channel, or none. */
interface Work {
  readonly type: 'Work';
  readonly channel: ClientChannel;
  readonly job: ChannelJob | null;
}

/** Hashes a job: nonces, and versions if it may. */
const hashing = (
  connection: Connection,
  channel: ClientChannel,
  job: ChannelJob,
  hashesPerSecond: number,
): Observable<DeviceOutcome> =>
  defer(() => {
    const work = workOn(channel, job, asyncScheduler.now());
    if (work === null) return NEVER;
    const { target, versionRollingAllowed, jobId } = work;
    const header = workHeader(work, { nonce: 0 });
    return virtualHasher(hashesPerSecond)
      .hash({ header, target, versionRollingAllowed })
      .pipe(
        filter((event) => event.type === 'found'),
        map((found): DeviceOutcome => {
          const message = submission(channel, shareFrom(work, found));
          connection.send(message);
          return { type: 'Submitted', jobId, sequenceNumber: message.sequenceNumber };
        }),
      );
  });
