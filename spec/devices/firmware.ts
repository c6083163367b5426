/** A firmware's channel: what it makes of a pool's messages, and the shares it sends. Nothing here is the library's. */
import { cursor, frame, frameReader, hash256, joined, type Cursor, type Frame } from './wire.js';

/** Message types by their names in the specification. */
export const types = {
  setupConnection: 0x00,
  setupConnectionSuccess: 0x01,
  channelEndpointChanged: 0x03,
  reconnect: 0x04,
  openStandard: 0x10,
  openStandardSuccess: 0x11,
  openError: 0x12,
  openExtended: 0x13,
  openExtendedSuccess: 0x14,
  newMiningJob: 0x15,
  updateChannel: 0x16,
  closeChannel: 0x18,
  submitStandard: 0x1a,
  submitExtended: 0x1b,
  submitSuccess: 0x1c,
  submitError: 0x1d,
  newExtendedMiningJob: 0x1f,
  setNewPrevHash: 0x20,
  setTarget: 0x21,
} as const;

/** What pools can notice of a firmware. */
export interface Firmware {
  readonly vendor: string;
  /** Flags of SetupConnection. */
  readonly flags: number;
  readonly kind: 'standard' | 'extended';
  readonly userIdentity: string;
  /** Hashes per second that it says it has. */
  readonly nominalHashRate: number;
  /** Bytes that an extended channel must let it roll. */
  readonly minExtranonceSize: number;
  /** Message types that it has a case for. */
  readonly knows: readonly number[];
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
  /** Message types that make it drop the connection. */
  readonly fallsBackAt: readonly number[];
  /** Milliseconds between two UpdateChannel, if it sends any: with the hash rate that it has. */
  readonly updateInterval?: number;
}

/** What happens at a device. */
export type DeviceOutcome =
  | { readonly type: 'Opened'; readonly channelId: number }
  /** A message that it has no case for, by its type. */
  | { readonly type: 'Ignored'; readonly message: number }
  | { readonly type: 'Dropped'; readonly message: number; readonly why: string }
  | { readonly type: 'Submitted'; readonly jobId: number; readonly sequenceNumber: number }
  | { readonly type: 'Accepted'; readonly count: number }
  | { readonly type: 'Rejected'; readonly errorCode: string; readonly sequenceNumber: number }
  | { readonly type: 'Disconnected' };

/** What a header is hashed for. */
export interface Work {
  readonly type: 'Work';
  readonly jobId: number;
  /** 80 bytes, nonce 0. */
  readonly header: Uint8Array;
  /** 32 bytes, little-endian. */
  readonly target: Uint8Array;
  readonly versionRollingAllowed: boolean;
  readonly ntime: number;
  readonly extranonce: Uint8Array;
}

/** What a message leads to: something to tell, bytes to send, other work or none. */
export type Reaction =
  DeviceOutcome | { readonly type: 'Send'; readonly bytes: Uint8Array } | Work | { readonly type: 'Rest' };

interface Job {
  readonly jobId: number;
  readonly version: number;
  readonly versionRollingAllowed: boolean;
  /** The merkle root for an extranonce. */
  root(extranonce: Uint8Array): Uint8Array;
}

interface Channel {
  readonly id: number;
  readonly groupId: number;
  readonly prefix: Uint8Array;
  readonly extranonceSize: number;
  target: Uint8Array;
}

/** The state of a firmware on one connection. */
export interface FirmwareState {
  /** SetupConnection. */
  readonly hello: Uint8Array;
  /** Takes what came; `now` is in milliseconds. Throws when it drops the connection. */
  receive(chunk: Uint8Array, now: number): Reaction[];
  /** UpdateChannel with this hash rate, if a channel is open. */
  update(hashesPerSecond: number): Uint8Array | undefined;
  /** The share that a nonce and version are, and its number. */
  submit(work: Work, nonce: number, version: number): { bytes: Uint8Array; sequenceNumber: number };
}

const anyTarget = new Uint8Array(32).fill(0xff);

/** A firmware that has just been connected. */
export function firmwareState(firmware: Firmware): FirmwareState {
  const read = frameReader(firmware.maxFrame);
  const future = new Map<number, Job>();
  let channel: Channel | undefined;
  let tip: { readonly prevHash: Uint8Array; readonly nbits: number } | undefined;
  let rolled = 0;
  let sequence = 0;

  const isMine = (id: number): boolean =>
    channel !== undefined && (id === channel.id || id === channel.groupId);

  const workOn = (job: Job, minNtime: number): Reaction => {
    if (channel === undefined || tip === undefined) return { type: 'Rest' };
    const extranonce = new Uint8Array(channel.extranonceSize);
    if (extranonce.length > 0) extranonce.set([rolled & 0xff, rolled >>> 8]);
    rolled = (rolled + 1) & 0xffff;
    return {
      type: 'Work',
      jobId: job.jobId,
      header: headerOf(job.version, tip.prevHash, job.root(extranonce), minNtime, tip.nbits),
      target: channel.target,
      versionRollingAllowed: job.versionRollingAllowed,
      ntime: minNtime,
      extranonce,
    };
  };

  const takeJob = (job: Job, minNtime: number | null): Reaction[] => {
    if (minNtime !== null) return [workOn(job, minNtime)];
    future.set(job.jobId, job);
    const [oldest] = future.keys();
    if (oldest !== undefined && future.size > firmware.maxFutureJobs) future.delete(oldest);
    return [];
  };

  const opened = (fields: Cursor, isExtended: boolean): Reaction[] => {
    fields.u32();
    const id = fields.u32();
    const target = fields.bytes(32);
    const extranonceSize = isExtended ? fields.u16() : 0;
    const prefix = fields.b8();
    channel = { id, groupId: fields.u32(), prefix, extranonceSize, target };
    return [{ type: 'Opened', channelId: id }];
  };

  const takeMessage = (type: number, fields: Cursor): Reaction[] => {
    switch (type) {
      case types.setupConnectionSuccess:
        return [{ type: 'Send', bytes: opening(firmware) }];
      case types.openStandardSuccess:
      case types.openExtendedSuccess:
        return opened(fields, type === types.openExtendedSuccess);
    }
    if (!isMine(fields.u32())) return [{ type: 'Dropped', message: type, why: 'not its channel' }];
    switch (type) {
      case types.newMiningJob: {
        const jobId = fields.u32();
        const minNtime = optional(fields);
        const version = fields.u32();
        const root = fields.bytes(32);
        return takeJob({ jobId, version, versionRollingAllowed: true, root: () => root }, minNtime);
      }
      case types.newExtendedMiningJob: {
        const jobId = fields.u32();
        const minNtime = optional(fields);
        const version = fields.u32();
        const versionRollingAllowed = fields.u8() !== 0;
        const nodes = Array.from({ length: fields.u8() }, () => fields.bytes(32));
        if (nodes.length > firmware.maxMerklePath)
          return [{ type: 'Dropped', message: type, why: `${nodes.length} nodes` }];
        const before = fields.bytes(fields.u16());
        const after = fields.bytes(fields.u16());
        const { prefix } = channel!; // of the job: another prefix would be for later ones
        const root = (extranonce: Uint8Array): Uint8Array =>
          nodes.reduce((left, right) => hash256(left, right), hash256(before, prefix, extranonce, after));
        return takeJob({ jobId, version, versionRollingAllowed, root }, minNtime);
      }
      case types.setNewPrevHash: {
        const job = future.get(fields.u32());
        future.clear();
        const prevHash = fields.bytes(32);
        const minNtime = fields.u32();
        tip = { prevHash, nbits: fields.u32() };
        if (job !== undefined) return [workOn(job, minNtime)];
        return [{ type: 'Rest' }, { type: 'Dropped', message: type, why: 'no such future job' }];
      }
      case types.setTarget:
        channel!.target = fields.bytes(32);
        return [];
      case types.submitSuccess:
        fields.u32();
        return [{ type: 'Accepted', count: fields.u32() }];
      case types.submitError: {
        const sequenceNumber = fields.u32();
        return [{ type: 'Rejected', sequenceNumber, errorCode: fields.text() }];
      }
      default:
        return [{ type: 'Ignored', message: type }];
    }
  };

  const take = ({ extension, type, payload }: Frame): Reaction[] => {
    if (extension !== 0 || !firmware.knows.includes(type)) return [{ type: 'Ignored', message: type }];
    if (firmware.fallsBackAt.includes(type)) throw new Error(`falls back at a message of type ${type}`);
    return takeMessage(type, cursor(payload));
  };

  return {
    hello: frame(types.setupConnection, false, [
      ['u8', 0], // Mining Protocol
      ['u16', 2],
      ['u16', 2],
      ['u32', firmware.flags],
      ['b8', 'pool'],
      ['u16', 34_254],
      ['b8', firmware.vendor],
      ['b8', ''],
      ['b8', ''],
      ['b8', ''],
    ]),
    receive: (chunk) => read(chunk).flatMap(take),
    update: (hashesPerSecond) =>
      channel &&
      frame(types.updateChannel, true, [
        ['u32', channel.id],
        ['f32', hashesPerSecond],
        ['raw', anyTarget],
      ]),
    submit({ jobId, ntime, extranonce }, nonce, version) {
      const isExtended = firmware.kind === 'extended';
      const sequenceNumber = (sequence += 1);
      const numbers = [channel!.id, sequenceNumber, jobId, nonce, ntime, version];
      const bytes = frame(isExtended ? types.submitExtended : types.submitStandard, true, [
        ...numbers.map((number) => ['u32', number] as const),
        ...(isExtended ? ([['b8', extranonce]] as const) : []),
      ]);
      return { bytes, sequenceNumber };
    },
  };
}

const opening = ({ kind, userIdentity, nominalHashRate, minExtranonceSize }: Firmware): Uint8Array =>
  frame(kind === 'standard' ? types.openStandard : types.openExtended, false, [
    ['u32', 1],
    ['b8', userIdentity],
    ['f32', nominalHashRate],
    ['raw', anyTarget],
    ...(kind === 'standard' ? [] : ([['u16', minExtranonceSize]] as const)),
  ]);

/** An OPTION of a U32. */
const optional = (fields: Cursor): number | null => (fields.u8() === 0 ? null : fields.u32());

/** A block header of 80 bytes with nonce 0. */
function headerOf(
  version: number,
  prevHash: Uint8Array,
  merkleRoot: Uint8Array,
  ntime: number,
  nbits: number,
): Uint8Array {
  const header = joined(new Uint8Array(4), prevHash, merkleRoot, new Uint8Array(12));
  const view = new DataView(header.buffer);
  view.setUint32(0, version, true);
  view.setUint32(68, ntime, true);
  view.setUint32(72, nbits, true);
  return header;
}
