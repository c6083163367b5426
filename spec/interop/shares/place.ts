/** Our mining server in the place of some of the reference's channels: commands in, answers in its words out. */
import { coinbaseTag, parseOutputs } from '../../../src/bitcoin/index.js';
import { fromJson, toJson } from '../../../src/framing/index.js';
import {
  SubmitSharesExtended,
  SubmitSharesStandard,
  type Message,
  type SetCustomMiningJob,
  type SetNewPrevHashTemplate,
} from '../../../src/messages/index.js';
import {
  miningServer,
  type ExtranonceAllocator,
  type MiningClientMessage,
  type MiningServer,
  type MiningServerOutput,
  type ServerChannel,
} from '../../../src/mining/index.js';
import { noMarks } from '../../mining/support.js';
import { bytesToHex, hexToBytes, numberOf } from '../../vectors/support.js';

/** An object of a session. */
export type Json = Readonly<Record<string, unknown>>;

/** A command of a session; see the README. */
export type Command = Json & { readonly cmd: string; readonly channelId: number };

/** The one client of every server. */
export const clientId = 1;
/** Nothing depends on the clock: the reference has none. */
export const now = 0;

export const requiresStandardJobs = 1;
export const requiresWorkSelection = 2;

/** A server with the options of a channel, or of a group and its members. */
export interface Place {
  readonly server: MiningServer;
  /** The extranonce prefixes that the next channels, or SetExtranoncePrefix, get. */
  readonly prefixes: Uint8Array[];
  /** The outputs that the next job pays. */
  outputs: Uint8Array;
  /** The id of each open channel, by its id in the session. */
  readonly channelIds: Map<number, number>;
  /** What custom jobs build on, as JSON; the server has to know it. */
  customTip: string;
  readonly size: number;
  /** Channels, by our id, with blocks that miss the target of their job and so were credited with nothing. */
  readonly uncredited: Set<number>;
}

/** A server with the options that the command opens a channel with. */
export const newPlace = (command: Json, size: number, flags: number): Place => {
  const prefixes: Uint8Array[] = [];
  const nextPrefix = (): Uint8Array => {
    const prefix = prefixes.shift();
    if (prefix === undefined) throw new Error('the session has no extranonce prefix for this');
    return prefix;
  };
  const extranonceSize = (command['extranonceSize'] as number | undefined) ?? 0;
  const extranonce: ExtranonceAllocator = {
    size,
    extranonceSize,
    live: 0,
    allocateExtended: (minExtranonceSize) => ({
      extranoncePrefix: nextPrefix(),
      extranonceSize: minExtranonceSize,
    }),
    allocateStandard: nextPrefix,
    nextPrevHash: () => undefined,
    release: () => undefined,
  };
  const server = miningServer({
    extranonce,
    sharesPerMinute: Math.fround(numberOf(command['sharesPerMinute'] as number | string)),
    shareBatchSize: command['shareBatchSize'] as number,
    minHashrate: Number.MIN_VALUE,
    vardiff: false,
    versionRollingAllowed: (command['versionRollingAllowed'] as boolean | undefined) ?? true,
    tag: coinbaseTag(command['poolTag'] as string, (command['minerTag'] as string | undefined) ?? ''),
    marks: noMarks, // so that the coinbases are the reference's
    payoutOutputs: () => parseOutputs(place.outputs),
    acceptCustomJob: () => null,
  });
  server.addClient(clientId, flags);
  const place: Place = {
    server,
    prefixes,
    outputs: Uint8Array.of(0),
    channelIds: new Map(),
    customTip: '',
    size,
    uncredited: new Set(),
  };
  return place;
};

/** Gives the server a message of its client. */
export const handle = ({ server }: Place, message: MiningClientMessage): MiningServerOutput =>
  server.handle(clientId, message, now);

/** What the client is sent. */
export const messagesOf = ({ messages }: MiningServerOutput): readonly Message[] =>
  messages.flatMap((forClient) => forClient.messages);

/** A channel, by its id in the session. */
export const channelOf = ({ server, channelIds }: Place, channelId: number): ServerChannel => {
  const ourId = channelIds.get(channelId);
  for (const [, channel] of server.channels()) if (channel.channelId === ourId) return channel;
  throw new Error(`no channel ${channelId} is open`);
};

/** What a channel was opened with or updated to. */
export const stateOf = (place: Place, channelId: number): Json => {
  const { kind, target, extranoncePrefix, extranonceSize } = channelOf(place, channelId);
  return {
    ok: true,
    target: bytesToHex(target),
    extranoncePrefix: bytesToHex(extranoncePrefix),
    ...(kind === 'extended' ? { extranonceSize } : {}),
  };
};

/** The job that the client is told; it goes by the id of a group, where the reference's is a channel's. */
export const jobAnswer = (output: MiningServerOutput): Json => ({ ok: true, job: jobOf(messagesOf(output)) });

const jobOf = (messages: readonly Message[]): unknown => {
  const job = messages.find(({ type }) => type === 'NewMiningJob' || type === 'NewExtendedMiningJob');
  if (job === undefined) return null;
  // a job on a tip that clients were not told of yet is sent as one for the future, and then activated
  const activation = messages.find((message) => message.type === 'SetNewPrevHash');
  const payload = withoutChannel(toJson(job).payload as Json);
  return activation === undefined ? payload : { ...payload, minNtime: activation.minNtime };
};

export const withoutChannel = ({ channelId: _, ...payload }: Json): Json => payload;

/** The job that SetNewPrevHash activates, and the ntime it is told. */
export const activeJob = (output: MiningServerOutput): Json => {
  const [told] = messagesOf(output);
  if (told === undefined) return { ok: true, job: null };
  if (told.type !== 'SetNewPrevHash') throw new Error(`a new tip was answered with ${told.type}`);
  return { ok: true, job: { jobId: told.jobId, minNtime: told.minNtime } };
};

/** Hands in a custom job, on a tip that the server is told of first. */
export const customJob = (place: Place, channelId: number, { job }: Command): Json => {
  const { prevHash, minNtime, nbits, ...fields } = job as Json;
  const tip = { prevHash, headerTimestamp: minNtime, nBits: nbits };
  if (place.customTip !== JSON.stringify(tip)) {
    place.customTip = JSON.stringify(tip);
    const payload = { ...tip, templateId: '0', target: 'ff'.repeat(32) };
    place.server.setNewPrevHash(
      fromJson({ name: 'TemplateDistribution.SetNewPrevHash', payload }) as SetNewPrevHashTemplate,
      now,
    );
  }
  const payload = { ...fields, channelId, prevHash, minNtime, nbits };
  const output = handle(place, fromJson({ name: 'SetCustomMiningJob', payload }) as SetCustomMiningJob);
  const [answer] = messagesOf(output);
  if (answer?.type === 'SetCustomMiningJob.Success') return { ok: true, jobId: answer.jobId };
  if (answer?.type === 'SetCustomMiningJob.Error') return { errorCode: answer.errorCode };
  throw new Error(`a custom job was answered with ${String(answer?.type)}`);
};

/** Submits a share. */
export const share = (place: Place, channelId: number, command: Command, isStandard: boolean): Json => {
  const { sequenceNumber, jobId, nonce, ntime, version } = command as unknown as Record<string, number>;
  const fields = {
    channelId,
    sequenceNumber: sequenceNumber!,
    jobId: jobId!,
    nonce: nonce!,
    ntime: ntime!,
    version: version!,
  };
  const output = handle(
    place,
    isStandard
      ? SubmitSharesStandard(fields)
      : SubmitSharesExtended({ ...fields, extranonce: hexToBytes(command['extranonce'] as string) }),
  );
  const [message] = messagesOf(output);
  const error = message?.type === 'SubmitShares.Error' ? message : undefined;
  if (error !== undefined) return { verdict: 'rejected', errorCode: error.errorCode };
  const acknowledged = message?.type === 'SubmitShares.Success' ? message : undefined;
  const accepted = output.outcomes.find((outcome) => outcome.type === 'ShareAccepted');
  if (accepted === undefined) throw new Error('a share was neither accepted nor rejected');
  const verdict = {
    shareHash: bytesToHex(accepted.hash),
    success:
      acknowledged === undefined
        ? null
        : {
            lastSequenceNumber: acknowledged.lastSequenceNumber,
            newSubmitsAcceptedCount: acknowledged.newSubmitsAcceptedCount,
            newSharesSum: String(acknowledged.newSharesSum),
          },
  };
  const block = output.outcomes.find((outcome) => outcome.type === 'BlockFound');
  if (block === undefined) return { verdict: 'valid', ...verdict };
  if (accepted.difficulty === 0) place.uncredited.add(channelId);
  const templateId = block.solution === null ? null : String(block.solution.templateId);
  return { verdict: 'block', ...verdict, templateId, coinbase: bytesToHex(block.coinbaseTx) };
};
