/**
 * The sessions that `spec/interop/sri-peer` recorded with the reference implementation's server-side channels
 * (`channels_sv2`), played with ours: every job byte for byte, every verdict, error code, batch and sum.
 */
import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { coinbaseTag, parseOutputs, stripWitness } from '../../src/bitcoin/index.js';
import { Sv2Error } from '../../src/codec/errors.js';
import {
  NewExtendedMiningJob,
  NewMiningJob,
  NewTemplate,
  OpenExtendedMiningChannel,
  OpenStandardMiningChannel,
  SetCustomMiningJob,
  SetNewPrevHashTemplate,
} from '../../src/messages/index.js';
import { chainTipFrom, type ChainTip } from '../../src/mining/work/chain-tip.js';
import { jobFactory, type JobFactory } from '../../src/mining/work/job-factory.js';
import type { ServerJob } from '../../src/mining/work/job.js';
import {
  activateChannelJob,
  addChannelJob,
  addCustomJob,
  extendedJobMessage,
  foundBlock,
  jobMessage,
  retireChannelJobs,
  serverChannel,
  submitShare,
  type ServerChannel,
} from '../../src/mining/channels/server-channel.js';
import {
  channelTargets,
  refusedTarget,
  type ChannelTargets,
} from '../../src/mining/difficulty/channel-target.js';
import { bytes, hex } from '../bitcoin/support.js';

type Json = Record<string, unknown>;
interface Session {
  readonly name: string;
  readonly steps: readonly { readonly command: Json & { readonly cmd: string }; readonly answer: Json }[];
}

const { sessions } = JSON.parse(
  readFileSync(new URL('../vectors/sri/shares.json', import.meta.url), 'utf8'),
) as { sessions: readonly Session[] };

/** Where we answer otherwise on purpose. */
const differences = {
  /** Sizes are checked where a job is made and where prefixes are allocated, not when a channel is opened. */
  errors: ['ScriptSigSizeTooLarge', 'ExtranoncePrefixTooLarge'],
  /** A target above the largest that the client accepts is not set. */
  aboveMaximum: ({ cmd, target }: Json) => cmd === 'setTarget' && target === 'ff'.repeat(32),
  /** The number of past jobs is not an option here; 16, as it is there by default. */
  otherPastJobs: (command: Json) => typeof command['maxPastJobs'] === 'number',
  /**
   * A block found by a standard channel with its group's job: the reference repeats the template's outputs in the
   * coinbase, so it isn't the one whose merkle root was mined.
   */
  coinbaseOfGroupJob: (answer: Json) => answer['verdict'] === 'block',
  /** A block that misses its job's target is credited with nothing, as the hashes it took are credited already. */
  creditOfBlock: ({ verdict, success }: Json, ours: Json) =>
    verdict === 'block' &&
    (success as Json | null)?.['newSharesSum'] !== (ours['success'] as Json | null)?.['newSharesSum'],
};

/** A number of the recording; infinities and NaN are strings there. */
const number = (value: unknown): number =>
  typeof value === 'string' ? Number(value.replace('inf', 'Infinity')) : (value as number);
/** A number as an F32 brings it. */
const f32 = (value: unknown): number => Math.fround(number(value));
const raw = (value: unknown): Uint8Array => bytes(value as string);
const rawList = (value: unknown): Uint8Array[] => (value as string[]).map(bytes);

const templateFrom = (json: Json): NewTemplate =>
  NewTemplate({
    templateId: BigInt(json['templateId'] as string),
    futureTemplate: json['futureTemplate'] as boolean,
    version: json['version'] as number,
    coinbaseTxVersion: json['coinbaseTxVersion'] as number,
    coinbasePrefix: raw(json['coinbasePrefix']),
    coinbaseTxInputSequence: json['coinbaseTxInputSequence'] as number,
    coinbaseTxValueRemaining: BigInt(json['coinbaseTxValueRemaining'] as string),
    coinbaseTxOutputsCount: json['coinbaseTxOutputsCount'] as number,
    coinbaseTxOutputs: raw(json['coinbaseTxOutputs']),
    coinbaseTxLocktime: json['coinbaseTxLocktime'] as number,
    merklePath: rawList(json['merklePath']),
  });

const prevHashFrom = (json: Json): SetNewPrevHashTemplate =>
  SetNewPrevHashTemplate({
    templateId: BigInt(json['templateId'] as string),
    prevHash: raw(json['prevHash']),
    headerTimestamp: json['headerTimestamp'] as number,
    nBits: json['nBits'] as number,
    target: raw(json['target']),
  });

const customJobFrom = (json: Json): SetCustomMiningJob =>
  SetCustomMiningJob({
    ...(json as unknown as Omit<SetCustomMiningJob, 'type'>),
    miningJobToken: raw(json['miningJobToken']),
    prevHash: raw(json['prevHash']),
    coinbasePrefix: raw(json['coinbasePrefix']),
    coinbaseTxOutputs: raw(json['coinbaseTxOutputs']),
    merklePath: rawList(json['merklePath']),
  });

interface Channel {
  readonly channel: ServerChannel;
  readonly factory: JobFactory;
  readonly targets: ChannelTargets;
  readonly versionRollingAllowed: boolean;
}

interface Group {
  readonly factory: JobFactory;
  readonly fullExtranonceSize: number;
  readonly versionRollingAllowed: boolean;
  readonly members: Set<number>;
  readonly future: ServerJob[];
  active: ServerJob | null;
  tip: ChainTip | null;
}

/** The reference's job ids are per channel and group, and outputs come with the template: a factory each. */
const factoryFor = (command: Json, outputs: { current: Uint8Array }): JobFactory =>
  jobFactory({
    payoutOutputs: () => parseOutputs(outputs.current),
    tag: coinbaseTag(
      (command['poolTag'] as string | undefined) ?? '',
      (command['minerTag'] as string | undefined) ?? '',
    ),
    versionRollingAllowed: (command['versionRollingAllowed'] as boolean | undefined) ?? true,
  });

const fullSize = ({ extranoncePrefix, extranonceSize }: ServerChannel): number =>
  extranoncePrefix.length + extranonceSize;

/** Puts our channels into the reference's place. */
const play = () => {
  const channels = new Map<number, Channel>();
  const groups = new Map<number, Group>();
  const outputs: { current: Uint8Array } = { current: Uint8Array.of(0) };

  const openChannel = (command: Json): Json => {
    const isStandard = command['cmd'] === 'openStandard';
    const channelId = command['channelId'] as number;
    const targets = channelTargets({
      sharesPerMinute: number(command['sharesPerMinute']),
      minHashrate: Number.MIN_VALUE,
      vardiff: false,
    });
    const nominalHashRate = f32(command['nominalHashRate']);
    const maxTarget = raw(command['maxTarget']);
    const errorCode = refusedTarget(nominalHashRate, maxTarget);
    if (errorCode !== null) return { errorCode };
    const request = {
      requestId: 1,
      userIdentity: command['userIdentity'] as string,
      nominalHashRate,
      maxTarget,
    };
    const extranonceSize = isStandard ? 0 : (command['extranonceSize'] as number);
    const channel = serverChannel(
      isStandard
        ? OpenStandardMiningChannel(request)
        : OpenExtendedMiningChannel({ ...request, minExtranonceSize: extranonceSize }),
      {
        channelId,
        groupChannelId: 0,
        payout: null,
        extranoncePrefix: raw(command['extranoncePrefix']),
        extranonceSize,
        vardiff: targets.open({ nominalHashRate, maxTarget }, 0),
        jobsMayRecur: false,
        shareBatchSize: command['shareBatchSize'] as number,
      },
    );
    const versionRollingAllowed = isStandard || (command['versionRollingAllowed'] as boolean);
    channels.set(channelId, {
      channel,
      targets,
      versionRollingAllowed,
      factory: factoryFor(command, outputs),
    });
    return stateOf(channel);
  };

  const stateOf = ({ kind, target, extranoncePrefix, extranonceSize }: ServerChannel): Json => ({
    ok: true,
    target: hex(target),
    extranoncePrefix: hex(extranoncePrefix),
    ...(kind === 'extended' ? { extranonceSize } : {}),
  });

  const jobAnswer = (message: NewMiningJob | NewExtendedMiningJob): Json => ({
    ok: true,
    frame: hex(
      message.type === 'NewMiningJob' ? NewMiningJob.encode(message) : NewExtendedMiningJob.encode(message),
    ),
  });

  const activeJobAnswer = (channel: ServerChannel): Json =>
    channel.jobs.active === null ? { ok: true } : jobAnswer(jobMessage(channel, channel.jobs.active));

  /** A template's job for a channel, as the channel itself would make it. */
  const giveTemplate = (channel: ServerChannel, template: NewTemplate, job: () => ServerJob): Json => {
    if (!template.futureTemplate && channel.tip === null) return { error: 'ChainTipNotSet' };
    return jobAnswer(
      jobMessage(channel, addChannelJob(channel, job(), template.futureTemplate ? null : channel.tip)),
    );
  };

  const givePrevHash = (channel: ServerChannel, message: SetNewPrevHashTemplate): Json => {
    const tip = chainTipFrom(message, 0);
    const future = [...channel.jobs.future.values()].findLast(
      ({ job }) => job.templateId === message.templateId,
    );
    if (future !== undefined) activateChannelJob(channel, future.job, tip);
    else if (channel.jobs.future.size === 0) retireChannelJobs(channel, tip);
    else return { error: 'TemplateIdNotFound' };
    return activeJobAnswer(channel);
  };

  const groupTemplate = (group: Group, groupId: number, template: NewTemplate): Json => {
    if (!template.futureTemplate && group.tip === null) return { error: 'ChainTipNotSet' };
    const job = group.factory.fromTemplate(template, group.fullExtranonceSize);
    if (template.futureTemplate) group.future.push(job);
    else group.active = job;
    for (const member of group.members) {
      const { channel, versionRollingAllowed } = channels.get(member)!;
      if (group.versionRollingAllowed && !versionRollingAllowed) continue;
      addChannelJob(channel, job, template.futureTemplate ? null : group.tip);
    }
    return jobAnswer(extendedJobMessage(groupId, job, template.futureTemplate ? null : group.tip));
  };

  const groupPrevHash = (group: Group, groupId: number, message: SetNewPrevHashTemplate): Json => {
    const job = group.future.findLast(({ templateId }) => templateId === message.templateId) ?? null;
    if (job === null && group.future.length > 0) return { error: 'TemplateIdNotFound' };
    group.tip = chainTipFrom(message, 0);
    group.active = job;
    group.future.length = 0;
    for (const member of group.members) givePrevHash(channels.get(member)!.channel, message);
    return job === null ? { ok: true } : jobAnswer(extendedJobMessage(groupId, job, group.tip));
  };

  const share = (channel: ServerChannel, command: Json): Json => {
    const { sequenceNumber, jobId, nonce, ntime, version } = command as unknown as Record<string, number>;
    const extranonce = channel.kind === 'extended' ? { extranonce: raw(command['extranonce']) } : {};
    const submitted = {
      sequenceNumber: sequenceNumber!,
      jobId: jobId!,
      nonce: nonce!,
      ntime: ntime!,
      version: version!,
      ...extranonce,
    };
    const result = submitShare(channel, submitted, 0);
    if (!result.valid) return { verdict: 'rejected', errorCode: result.errorCode };
    const { acknowledgement } = result;
    const success =
      acknowledgement === undefined
        ? null
        : { ...acknowledgement, newSharesSum: String(acknowledgement.newSharesSum) };
    const common = { shareHash: hex(result.hash), success };
    if (!result.isBlock) return { verdict: 'valid', ...common };
    const { coinbaseTx, solution } = foundBlock(result, submitted);
    const templateId = solution === null ? null : String(solution.templateId);
    return { verdict: 'block', ...common, templateId, coinbase: hex(coinbaseTx) };
  };

  return (command: Json & { readonly cmd: string }): Json => {
    const id = command['channelId'] as number;
    const group = groups.get(id);
    if (typeof command['coinbaseOutputs'] === 'string') outputs.current = raw(command['coinbaseOutputs']);
    if (command.cmd === 'openStandard' || command.cmd === 'openExtended') return openChannel(command);
    if (command.cmd === 'openGroup') {
      groups.set(id, {
        factory: factoryFor(command, outputs),
        fullExtranonceSize: command['fullExtranonceSize'] as number,
        versionRollingAllowed: command['versionRollingAllowed'] as boolean,
        members: new Set(),
        future: [],
        active: null,
        tip: null,
      });
      return { ok: true };
    }
    if (command.cmd === 'newTemplate') {
      const template = templateFrom(command['template'] as Json);
      if (group !== undefined) return groupTemplate(group, id, template);
      const { channel, factory } = channels.get(id)!;
      return giveTemplate(channel, template, () => factory.fromTemplate(template, fullSize(channel)));
    }
    if (command.cmd === 'setNewPrevHash') {
      const message = prevHashFrom(command['prevHash'] as Json);
      return group !== undefined
        ? groupPrevHash(group, id, message)
        : givePrevHash(channels.get(id)!.channel, message);
    }
    const { channel, factory, targets } = channels.get(id)!;
    switch (command.cmd) {
      case 'updateChannel': {
        const maxTarget =
          command['maximumTarget'] === null ? channel.maxTarget : raw(command['maximumTarget']);
        const nominalHashRate = f32(command['nominalHashRate']);
        const errorCode = refusedTarget(nominalHashRate, maxTarget);
        if (errorCode !== null) return { errorCode };
        channel.nominalHashRate = nominalHashRate;
        targets.update(1, channel, { nominalHashRate, maxTarget }, 0);
        return stateOf(channel);
      }
      case 'setTarget':
        targets.set(1, channel, raw(command['target']), 0);
        return stateOf(channel);
      case 'setExtranoncePrefix':
        channel.extranoncePrefix = raw(command['extranoncePrefix']);
        return stateOf(channel);
      case 'setCustomMiningJob': {
        const message = customJobFrom(command['job'] as Json);
        const job = factory.fromCustomJob(message, fullSize(channel));
        addCustomJob(channel, job, chainTipFrom(message, 0));
        return { ...activeJobAnswer(channel), jobId: job.jobId };
      }
      case 'joinGroup': {
        const joined = groups.get(command['groupChannelId'] as number)!;
        if (joined.fullExtranonceSize !== fullSize(channel)) return { error: 'FullExtranonceSizeMismatch' };
        joined.members.add(id);
        return { ok: true, members: [...joined.members] };
      }
      case 'closeChannel':
        channels.delete(id);
        for (const { members } of groups.values()) members.delete(id);
        return { ok: true };
      case 'share':
        return share(channel, command);
      case 'accounting': {
        const { accepted, blocksFound, difficultySum, rejectedByCode } = channel.shares.totals();
        return {
          sharesAccepted: accepted,
          blocksFound,
          shareWorkSum: difficultySum,
          rejected: rejectedByCode,
        };
      }
      default:
        throw new Error(`the spec doesn't know ${command.cmd}`);
    }
  };
};

/** What both sides say, in the same words. */
const expected = (command: Json & { readonly cmd: string }, answer: Json): Json => {
  const { error, errorCode, job, verdict, coinbase } = answer;
  if (command.cmd === 'share') {
    const { error: _, ...rest } = answer;
    return verdict === 'block' ? { ...rest, coinbase: stripped(coinbase as string) } : rest;
  }
  if (typeof errorCode === 'string') return { errorCode };
  if (error !== undefined) return { error };
  if (command.cmd === 'accounting') {
    const { sharesAccepted, blocksFound, shareWorkSum, rejected } = answer;
    return { sharesAccepted, blocksFound, shareWorkSum, rejected };
  }
  if (command.cmd === 'openGroup' || command.cmd === 'closeChannel') return { ok: true };
  if (job === undefined) return answer;
  const { jobId } = answer;
  return {
    ok: true,
    ...(job === null ? {} : { frame: ((job as Json)['frame'] as string).slice(12) }),
    ...(jobId === undefined ? {} : { jobId }),
  };
};

/** The reference gives a witness to coinbases without a commitment too, which consensus doesn't allow. */
const stripped = (coinbase: string): string => hex(stripWitness(bytes(coinbase)));

/** Errors that are for whoever configures a server, not for its clients. */
const errorsOfOurs: Record<string, Json> = {
  'invalid-target': { error: 'InvalidTarget' },
  'bad-cb-length': { error: 'JobFactoryError(ScriptSigSizeTooLarge)' },
  'invalid-shares-per-minute': { errorCode: 'invalid-nominal-hashrate' },
};

describe('sessions of the reference implementation', () => {
  it.each(sessions)('$name', ({ steps }) => {
    const answer = play();
    const ignored = new Set<unknown>();
    const standard = new Set<unknown>();
    const standardInGroup = new Set<unknown>();
    const credited = new Set<unknown>();
    steps.forEach(({ command, answer: recorded }, step) => {
      if (differences.errors.includes(recorded['error'] as string)) return;
      if (differences.aboveMaximum(command)) return;
      const { channelId } = command;
      if (differences.otherPastJobs(command)) ignored.add(channelId);
      if (command.cmd === 'openStandard') standard.add(channelId);
      if (command.cmd === 'joinGroup' && standard.has(channelId)) standardInGroup.add(channelId);
      let ours: Json;
      try {
        ours = answer(command);
      } catch (error) {
        if (!(error instanceof Sv2Error)) throw error;
        ours = errorsOfOurs[error.code] ?? { error: error.code };
      }
      if (ignored.has(channelId)) return;
      const theirs = expected(command, recorded);
      if (standardInGroup.has(channelId) && differences.coinbaseOfGroupJob(recorded)) {
        delete ours['coinbase'];
        delete theirs['coinbase'];
      }
      if (differences.creditOfBlock(recorded, ours)) {
        delete ours['success'];
        delete theirs['success'];
        credited.add(channelId);
      }
      if (credited.has(channelId)) {
        delete ours['shareWorkSum'];
        delete theirs['shareWorkSum'];
      }
      if (typeof ours['coinbase'] === 'string') ours['coinbase'] = stripped(ours['coinbase']);
      expect({ step, command, answer: ours }).toEqual({ step, command, answer: theirs });
    });
  });
});
