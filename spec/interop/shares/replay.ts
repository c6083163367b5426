/**
 * Plays sessions of `sri-peer shares` (see the README) to `miningServer`, and puts its answers beside those of the
 * reference implementation's channels.
 *
 * The reference is a set of channels, each with options of its own; ours is a server with options for all. So
 * every channel gets a server of its own, except that the members of a group share one.
 */
import { coinbaseTag, compareTargets, parseOutputs, stripWitness } from '../../../src/bitcoin/index.js';
import { Sv2Error } from '../../../src/codec/errors.js';
import { fromJson, toJson } from '../../../src/framing/index.js';
import type { NewTemplate, SetCustomMiningJob, SetNewPrevHashTemplate } from '../../../src/messages/index.js';
import {
  CloseChannel,
  OpenExtendedMiningChannel,
  OpenStandardMiningChannel,
  SubmitSharesExtended,
  SubmitSharesStandard,
  UpdateChannel,
  type Message,
} from '../../../src/messages/index.js';
import {
  miningServer,
  type ExtranonceAllocator,
  type MiningClientMessage,
  type MiningServer,
  type MiningServerOutput,
  type ServerChannel,
} from '../../../src/mining/index.js';
import { bytesToHex, hexToBytes, numberOf } from '../../vectors/support.js';
import type { DifferenceName } from '../../vectors/differences.js';

type Json = Readonly<Record<string, unknown>>;

/** One line of a session. */
export interface Step {
  readonly command: Json & { readonly cmd: string; readonly channelId: number };
  readonly answer: Json;
}

/** What both say to a command, in the same words. */
export interface Comparison {
  readonly command: Step['command'];
  readonly ours: unknown;
  readonly theirs: unknown;
  /** Why ours is another answer; null if there is none that could be compared. */
  readonly difference?: DifferenceName;
}

/** The one client of every server. */
const clientId = 1;
/** Nothing depends on the clock: the reference has none. */
const now = 0;

const requiresStandardJobs = 1;
const requiresWorkSelection = 2;

/** A server with the options of a channel, or of a group and its members. */
interface Place {
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
}

/** Plays a session from a fresh start. */
export const replay = (steps: readonly Step[]): Comparison[] => {
  const places = new Map<number, Place>();
  /** Channels that went where a server of ours does not follow, and why. */
  const apart = new Map<number, DifferenceName>();
  const standard = new Set<number>();

  const groupOf = (channelId: number): number | undefined => {
    const joining = steps.find(
      ({ command, answer }) =>
        command.cmd === 'joinGroup' && command.channelId === channelId && answer['error'] === undefined,
    );
    return joining?.command['groupChannelId'] as number | undefined;
  };
  const opening = (cmd: string, channelId: number) =>
    steps.find(({ command }) => command.cmd === cmd && command.channelId === channelId)?.command;

  const placeFor = (command: Step['command'], atFrom: number): Place => {
    const groupId = groupOf(command.channelId);
    const group = groupId === undefined ? undefined : opening('openGroup', groupId);
    const isMember =
      group !== undefined &&
      (command.cmd === 'openStandard' || command['versionRollingAllowed'] === group['versionRollingAllowed']);
    if (isMember) {
      const existing = places.get(group.channelId);
      if (existing !== undefined) {
        places.set(command.channelId, existing);
        return existing;
      }
    }
    const hasCustomJobs = steps
      .slice(atFrom)
      .some(
        (step) => step.command.cmd === 'setCustomMiningJob' && step.command.channelId === command.channelId,
      );
    const size =
      hexToBytes(command['extranoncePrefix'] as string).length + ((command['extranonceSize'] as number) ?? 0);
    const place = newPlace(
      command,
      size,
      hasCustomJobs
        ? requiresWorkSelection
        : command.cmd === 'openStandard' && !isMember
          ? requiresStandardJobs
          : 0,
    );
    places.set(command.channelId, place);
    if (isMember) places.set(group.channelId, place);
    return place;
  };

  const open = (command: Step['command'], atFrom: number): unknown => {
    standard.delete(command.channelId);
    if (command.cmd === 'openStandard') standard.add(command.channelId);
    const place = placeFor(command, atFrom);
    place.prefixes.push(hexToBytes(command['extranoncePrefix'] as string));
    const request = {
      requestId: 1,
      userIdentity: command['userIdentity'] as string,
      nominalHashRate: Math.fround(numberOf(command['nominalHashRate'] as number | string)),
      maxTarget: hexToBytes(command['maxTarget'] as string),
    };
    const output = handle(
      place,
      command.cmd === 'openStandard'
        ? OpenStandardMiningChannel(request)
        : OpenExtendedMiningChannel({ ...request, minExtranonceSize: command['extranonceSize'] as number }),
    );
    const [first] = messagesOf(output);
    if (first?.type === 'OpenMiningChannel.Error') return { errorCode: first.errorCode };
    if (
      first?.type !== 'OpenStandardMiningChannel.Success' &&
      first?.type !== 'OpenExtendedMiningChannel.Success'
    ) {
      throw new Error(`opening was answered with ${String(first?.type)}`);
    }
    place.channelIds.set(command.channelId, first.channelId);
    return stateOf(place, command.channelId);
  };

  const play = ({ command, answer }: Step, index: number): unknown => {
    const { cmd, channelId } = command;
    if (cmd === 'openGroup') return { ok: true };
    if (cmd === 'openStandard' || cmd === 'openExtended') return open(command, index);
    const place = places.get(channelId);
    if (place === undefined) return answer; // a group that nobody could join
    const ourId = place.channelIds.get(channelId) ?? 0;
    switch (cmd) {
      case 'joinGroup':
        return { ok: places.get(command['groupChannelId'] as number) === place };
      case 'closeChannel':
        handle(place, CloseChannel({ channelId: ourId, reasonCode: '' }));
        place.channelIds.delete(channelId);
        return { ok: true };
      case 'setTarget':
        place.server.setTarget(clientId, ourId, hexToBytes(command['target'] as string));
        return stateOf(place, channelId);
      case 'updateChannel': {
        const output = handle(
          place,
          UpdateChannel({
            channelId: ourId,
            nominalHashRate: Math.fround(numberOf(command['nominalHashRate'] as number | string)),
            maximumTarget:
              typeof command['maximumTarget'] === 'string'
                ? hexToBytes(command['maximumTarget'])
                : channelOf(place, channelId).maxTarget,
          }),
        );
        const error = messagesOf(output).find((message) => message.type === 'UpdateChannel.Error');
        return error === undefined ? stateOf(place, channelId) : { errorCode: error.errorCode };
      }
      case 'setExtranoncePrefix':
        place.prefixes.push(hexToBytes(command['extranoncePrefix'] as string));
        place.server.setExtranoncePrefix(clientId, ourId);
        return stateOf(place, channelId);
      case 'newTemplate':
        place.outputs = hexToBytes(command['coinbaseOutputs'] as string);
        return jobAnswer(
          place.server.newTemplate(
            fromJson({ name: 'NewTemplate', payload: command['template'] }) as NewTemplate,
          ),
        );
      case 'setNewPrevHash': {
        const message = fromJson({
          name: 'TemplateDistribution.SetNewPrevHash',
          payload: command['prevHash'],
        }) as SetNewPrevHashTemplate;
        return activeJob(place.server.setNewPrevHash(message, now));
      }
      case 'setCustomMiningJob':
        return customJob(place, ourId, command);
      case 'share':
        return share(place, ourId, command, standard.has(channelId));
      case 'accounting': {
        const { accepted, blocksFound, difficultySum, bestDifficulty, rejectedByCode } = channelOf(
          place,
          channelId,
        ).shares.totals();
        return {
          sharesAccepted: accepted,
          shareWorkSum: difficultySum,
          bestDifficulty,
          blocksFound,
          rejected: rejectedByCode,
        };
      }
      default:
        throw new Error(`the replay does not know ${cmd}`);
    }
  };

  const compare = (step: Step, index: number): Comparison => {
    const { command, answer } = step;
    const { channelId } = command;
    const isOpening = command.cmd.startsWith('open');
    if (isOpening) apart.delete(channelId);
    const place = places.get(channelId);
    const known = apart.get(channelId) ?? notPossible(step, place?.size) ?? aboveMaximum(command, place);
    if (known !== undefined) {
      if (apartFor.has(known)) apart.set(channelId, known);
      return { command, ours: null, theirs: answer, difference: known };
    }
    let ours: unknown;
    try {
      ours = play(step, index);
    } catch (error) {
      if (!(error instanceof Sv2Error)) throw error;
      ours = errorCodes[error.code] ?? { error: error.code };
    }
    const theirs = wordsOf(step, ours);
    if (command.cmd === 'joinGroup' && (ours as Json)['ok'] !== true) {
      apart.set(channelId, 'groupMembersAlike');
      return { command, ours: null, theirs, difference: 'groupMembersAlike' };
    }
    if (command.cmd === 'accounting' && best(ours) !== best(theirs)) {
      return {
        command,
        ours: { ...(ours as Json), bestDifficulty: null },
        theirs: { ...(theirs as Json), bestDifficulty: null },
        difference: 'bestDifficulty',
      };
    }
    if (answer['verdict'] !== 'block') return { command, ours, theirs };
    const differing = blockDifference(
      ours as Json,
      answer,
      standard.has(channelId) && groupOf(channelId) !== undefined,
    );
    return differing === undefined
      ? { command, ours, theirs }
      : {
          command,
          ours: { ...(ours as Json), coinbase: null },
          theirs: { ...(theirs as Json), coinbase: null },
          difference: differing,
        };
  };

  return steps.map(compare);
};

/** Differences after which a channel is not what it is at the reference. */
const apartFor = new Set<DifferenceName>(['extranoncePrefixSize', 'pastJobs', 'targetAboveMaximum']);

/** Why a command has no place on our side. */
const notPossible = ({ command, answer }: Step, size: number | undefined): DifferenceName | undefined => {
  const { error } = answer;
  if (typeof command['maxPastJobs'] === 'number') return 'pastJobs';
  if (command.cmd.startsWith('open') && error === 'ScriptSigSizeTooLarge') return 'scriptSigSizeAtOpening';
  if (error === 'FullExtranonceSizeMismatch') return 'groupMembersAlike';
  if (command.cmd === 'setExtranoncePrefix') {
    const { extranoncePrefix } = command as unknown as { extranoncePrefix: string };
    if (error === 'ExtranoncePrefixTooLarge') return 'extranoncePrefixSize';
    if (size !== undefined && !sameSize(extranoncePrefix, answer, size)) return 'extranoncePrefixSize';
  }
  if (error === 'JobFactoryError(InvalidCoinbaseOutputsSum)' && paysLess(command)) return 'rewardsBelowValue';
  return undefined;
};

const aboveMaximum = (
  { cmd, channelId, target }: Step['command'],
  place: Place | undefined,
): DifferenceName | undefined =>
  cmd === 'setTarget' &&
  place !== undefined &&
  compareTargets(hexToBytes(target as string), channelOf(place, channelId).maxTarget) > 0
    ? 'targetAboveMaximum'
    : undefined;

const sameSize = (prefix: string, answer: Json, size: number): boolean =>
  prefix.length / 2 + ((answer['extranonceSize'] as number | undefined) ?? 0) === size;

const paysLess = (command: Json): boolean => {
  const { coinbaseTxValueRemaining } = command['template'] as { coinbaseTxValueRemaining: string };
  const outputs = parseOutputs(hexToBytes(command['coinbaseOutputs'] as string));
  return outputs.reduce((sum, { value }) => sum + value, 0n) < BigInt(coinbaseTxValueRemaining);
};

const newPlace = (command: Json, size: number, flags: number): Place => {
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
    release: () => undefined,
  };
  const server = miningServer({
    extranonce,
    sharesPerMinute: Math.fround(numberOf(command['sharesPerMinute'] as number | string)),
    shareBatchSize: command['shareBatchSize'] as number,
    minHashrate: 0,
    versionRollingAllowed: (command['versionRollingAllowed'] as boolean | undefined) ?? true,
    tag: coinbaseTag(command['poolTag'] as string, (command['minerTag'] as string | undefined) ?? ''),
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
  };
  return place;
};

const handle = ({ server }: Place, message: MiningClientMessage): MiningServerOutput =>
  server.handle(clientId, message, now);

const messagesOf = ({ messages }: MiningServerOutput): readonly Message[] =>
  messages.flatMap((forClient) => forClient.messages);

const channelOf = ({ server, channelIds }: Place, channelId: number): ServerChannel => {
  const ourId = channelIds.get(channelId);
  for (const [, channel] of server.channels()) if (channel.channelId === ourId) return channel;
  throw new Error(`no channel ${channelId} is open`);
};

const stateOf = (place: Place, channelId: number): Json => {
  const { kind, target, extranoncePrefix, extranonceSize } = channelOf(place, channelId);
  return {
    ok: true,
    target: bytesToHex(target),
    extranoncePrefix: bytesToHex(extranoncePrefix),
    ...(kind === 'extended' ? { extranonceSize } : {}),
  };
};

/** The job that the client is told; it goes by the id of a group, where the reference's is a channel's. */
const jobAnswer = (output: MiningServerOutput): Json => ({ ok: true, job: jobOf(messagesOf(output)) });

const jobOf = (messages: readonly Message[]): unknown => {
  const job = messages.find(({ type }) => type === 'NewMiningJob' || type === 'NewExtendedMiningJob');
  if (job === undefined) return null;
  // a job on a tip that clients were not told of yet is sent as one for the future, and then activated
  const activation = messages.find((message) => message.type === 'SetNewPrevHash');
  const payload = withoutChannel(toJson(job).payload as Json);
  return activation === undefined ? payload : { ...payload, minNtime: activation.minNtime };
};

const withoutChannel = ({ channelId: _, ...payload }: Json): Json => payload;

/** The job that SetNewPrevHash activates, and the ntime it is told. */
const activeJob = (output: MiningServerOutput): Json => {
  const [told] = messagesOf(output);
  if (told === undefined) return { ok: true, job: null };
  if (told.type !== 'SetNewPrevHash') throw new Error(`a new tip was answered with ${told.type}`);
  return { ok: true, job: { jobId: told.jobId, minNtime: told.minNtime } };
};

const customJob = (place: Place, channelId: number, { job }: Step['command']): Json => {
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

const share = (place: Place, channelId: number, command: Step['command'], isStandard: boolean): Json => {
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
  const templateId = block.solution === null ? null : String(block.solution.templateId);
  return { verdict: 'block', ...verdict, templateId, coinbase: bytesToHex(block.coinbaseTx) };
};

const best = (answer: unknown): unknown => (answer as Json)['bestDifficulty'];

/** How the coinbase of a block differs, if it does. */
const blockDifference = (ours: Json, theirs: Json, isGroupJob: boolean): DifferenceName | undefined => {
  if (ours['coinbase'] === theirs['coinbase'] || typeof ours['coinbase'] !== 'string') return undefined;
  const stripped = [ours, theirs].map(({ coinbase }) =>
    bytesToHex(stripWitness(hexToBytes(coinbase as string))),
  );
  if (stripped[0] === stripped[1]) return 'witnessWithoutCommitment';
  return isGroupJob ? 'coinbaseOfGroupJob' : undefined;
};

/** Errors for whoever runs a server, which its clients never see. */
const errorCodes: Readonly<Record<string, Json>> = {
  'invalid-target': { error: 'InvalidTarget' },
  'invalid-shares-per-minute': { errorCode: 'invalid-nominal-hashrate' },
  'chain-tip-not-set': { error: 'ChainTipNotSet' },
  'template-id-not-found': { error: 'TemplateIdNotFound' },
};

/** The reference's answer, cut to what ours says too. */
const wordsOf = ({ command, answer }: Step, ours: unknown): unknown => {
  const { error, errorCode, job, verdict } = answer;
  if (command.cmd === 'share') {
    const { error: _, ...rest } = answer;
    return verdict === 'rejected' ? { verdict, errorCode } : rest;
  }
  if (error === 'JobFactoryError(ScriptSigSizeTooLarge)') return { errorCode: 'invalid-coinbase-prefix' };
  if (typeof errorCode === 'string') return { errorCode };
  if (error !== undefined) return { error };
  const { payload } = (job ?? {}) as { payload?: Json };
  switch (command.cmd) {
    case 'openGroup':
    case 'joinGroup':
      return { ok: true };
    case 'newTemplate':
      return { ok: true, job: payload === undefined ? null : withoutChannel(payload) };
    case 'setNewPrevHash':
      return {
        ok: true,
        job: payload === undefined ? null : { jobId: payload['jobId'], minNtime: payload['minNtime'] },
      };
    case 'setCustomMiningJob':
      return { ok: true, jobId: answer['jobId'] };
    case 'accounting':
      return Object.fromEntries(Object.keys(ours as Json).map((name) => [name, answer[name]]));
    default:
      return answer;
  }
};
