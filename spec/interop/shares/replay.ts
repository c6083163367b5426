/**
 * Plays sessions of `sri-peer shares` (see the README) to `miningServer`, and puts its answers beside those of the
 * reference implementation's channels.
 *
 * The reference is a set of channels, each with options of its own; ours is a server with options for all. So
 * every channel gets a server of its own, except that the members of a group share one.
 */
import { compareTargets, parseOutputs, stripWitness } from '../../../src/bitcoin/index.js';
import { Sv2Error } from '../../../src/codec/errors.js';
import { fromJson } from '../../../src/framing/index.js';
import {
  CloseChannel,
  OpenExtendedMiningChannel,
  OpenStandardMiningChannel,
  UpdateChannel,
  type NewTemplate,
  type SetNewPrevHashTemplate,
} from '../../../src/messages/index.js';
import type { DifferenceName } from '../../vectors/differences.js';
import { bytesToHex, hexToBytes, numberOf } from '../../vectors/support.js';
import {
  activeJob,
  channelOf,
  clientId,
  customJob,
  handle,
  jobAnswer,
  messagesOf,
  newPlace,
  now,
  requiresStandardJobs,
  requiresWorkSelection,
  share,
  stateOf,
  withoutChannel,
  type Command,
  type Json,
  type Place,
} from './place.js';

/** One line of a session. */
export interface Step {
  readonly command: Command;
  readonly answer: Json;
}

/** What both say to a command, in the same words. */
export interface Comparison {
  readonly command: Command;
  readonly ours: unknown;
  readonly theirs: unknown;
  /** Why ours is another answer; null if there is none that could be compared. */
  readonly difference?: DifferenceName;
}

/** Plays a session from a fresh start. */
export const replay = (steps: readonly Step[]): Comparison[] => {
  const places = new Map<number, Place>();
  /** Channels that went where a server of ours does not follow, and why. */
  const apart = new Map<number, DifferenceName>();
  const standard = new Set<number>();
  /** How many tips in a row a channel or group was given without a job. */
  const joblessTips = new Map<number, number>();
  /** How many shares of a channel were stale for ours, and for an unknown job to the reference. */
  const stillStale = new Map<number, number>();

  const groupOf = (channelId: number): number | undefined => {
    const joining = steps.find(
      ({ command, answer }) =>
        command.cmd === 'joinGroup' && command.channelId === channelId && answer['error'] === undefined,
    );
    return joining?.command['groupChannelId'] as number | undefined;
  };
  const opening = (cmd: string, channelId: number) =>
    steps.find(({ command }) => command.cmd === cmd && command.channelId === channelId)?.command;

  const placeFor = (command: Command, atFrom: number): Place => {
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

  const open = (command: Command, atFrom: number): unknown => {
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
    if (cmd === 'openGroup') {
      places.delete(channelId);
      return { ok: true };
    }
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
    if (isOpening) {
      apart.delete(channelId);
      joblessTips.delete(channelId);
      stillStale.delete(channelId);
    }
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
    if (command.cmd === 'setNewPrevHash')
      joblessTips.set(channelId, answer['job'] === null ? (joblessTips.get(channelId) ?? 0) + 1 : 0);
    if (isStillStale(ours, theirs) && (joblessTips.get(groupOf(channelId) ?? channelId) ?? 0) > 1) {
      stillStale.set(channelId, (stillStale.get(channelId) ?? 0) + 1);
      return {
        command,
        ours: { ...(ours as Json), errorCode: 'invalid-job-id' },
        theirs,
        difference: 'stillStale',
      };
    }
    const isUncredited = place?.uncredited.has(place.channelIds.get(channelId) ?? 0) === true;
    if (command.cmd === 'accounting') {
      const shown = withStale(theirs as Json, stillStale.get(channelId) ?? 0);
      if (best(ours) === best(theirs) && !isUncredited) return { command, ours, theirs: shown };
      // a sum with such a block in it cannot be compared, nor the best difficulty of channels with blocks
      const comparable = (answered: Json): Json => ({
        ...answered,
        ...(best(ours) === best(theirs) ? {} : { bestDifficulty: null }),
        ...(isUncredited ? { shareWorkSum: null } : {}),
      });
      return {
        command,
        ours: comparable(ours as Json),
        theirs: comparable(shown),
        difference: best(ours) === best(theirs) ? 'creditOfBlocks' : 'bestDifficulty',
      };
    }
    if (answer['verdict'] !== 'block') return { command, ours, theirs };
    const [ourSuccess, theirSuccess] = [ours, theirs].map((said) => (said as Json)['success'] as Json | null);
    if (isUncredited && ourSuccess?.['newSharesSum'] !== theirSuccess?.['newSharesSum']) {
      return {
        command,
        ours: { ...(ours as Json), coinbase: null, success: { ...ourSuccess, newSharesSum: null } },
        theirs: { ...(theirs as Json), coinbase: null, success: { ...theirSuccess, newSharesSum: null } },
        difference: 'creditOfBlocks',
      };
    }
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
const apartFor = new Set<DifferenceName>([
  'extranoncePrefixSize',
  'pastJobs',
  'targetAboveMaximum',
  'unknownTemplate',
]);

/** Why a command has no place on our side. */
const notPossible = ({ command, answer }: Step, size: number | undefined): DifferenceName | undefined => {
  const { error } = answer;
  if (typeof command['maxPastJobs'] === 'number') return 'pastJobs';
  if (command.cmd.startsWith('open') && error === 'ScriptSigSizeTooLarge') return 'scriptSigSizeAtOpening';
  if (error === 'FullExtranonceSizeMismatch') return 'groupMembersAlike';
  if (error === 'TemplateIdNotFound') return 'unknownTemplate';
  if (command.cmd === 'setExtranoncePrefix') {
    const { extranoncePrefix } = command as unknown as { extranoncePrefix: string };
    if (error === 'ExtranoncePrefixTooLarge') return 'extranoncePrefixSize';
    if (size !== undefined && !sameSize(extranoncePrefix, answer, size)) return 'extranoncePrefixSize';
  }
  if (error === 'JobFactoryError(InvalidCoinbaseOutputsSum)' && paysLess(command)) return 'rewardsBelowValue';
  return undefined;
};

const aboveMaximum = (
  { cmd, channelId, target }: Command,
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

/** Whether a share is for a job that ours still knows as one of an old previous hash. */
const isStillStale = (ours: unknown, theirs: unknown): boolean =>
  (ours as Json | null)?.['errorCode'] === 'stale-share' &&
  (theirs as Json | null)?.['errorCode'] === 'invalid-job-id';

/** Accounts in which so many shares for unknown jobs are stale ones. */
const withStale = (accounting: Json, count: number): Json => {
  if (count === 0) return accounting;
  const { rejected } = accounting as { readonly rejected: Readonly<Record<string, number>> };
  const unknown = (rejected['invalid-job-id'] ?? 0) - count;
  const { 'invalid-job-id': _, ...others } = rejected;
  return {
    ...accounting,
    rejected: {
      ...others,
      'stale-share': (rejected['stale-share'] ?? 0) + count,
      ...(unknown === 0 ? {} : { 'invalid-job-id': unknown }),
    },
  };
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
