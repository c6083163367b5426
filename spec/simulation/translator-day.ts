/**
 * A day of a translator by the seed: firmware of Stratum V1 that comes and goes, pools that die and return. Asserts that no
 * share is answered `true` and lost without a word.
 */
import { bytesToHex } from '../../src/codec/hex.js';
import { RequestExtensionsSuccess, SetupConnectionSuccess, type Message } from '../../src/messages/index.js';
import type { MiningToClient } from '../../src/messages/directions.js';
import {
  extranonceAllocator,
  jobMarks,
  miningProxy,
  type ForwardedShare,
  type MiningClientMessage,
  type MiningProxyOptions,
  type MiningProxyOutput,
  type MiningServer,
  type MiningServerOutput,
} from '../../src/mining/index.js';
import { sv1JobIds } from '../../src/roles/translator/job-ids.js';
import { sv1Extranonces, type Sv1Extranonce } from '../../src/roles/translator/sv1-extranonces.js';
import { sv1Miner, type Sv1Miner } from '../../src/roles/translator/sv1-miner.js';
import type { Sv1MinerOutput } from '../../src/roles/translator/sv1-miner-output.js';
import { decodeSv1, encodeSv1 } from '../../src/sv1/index.js';
import { sv1Device, type Sv1Device } from '../devices/sv1/device.js';
import { sv1Firmware } from '../devices/sv1/firmware.js';
import { hash, NOW, prevHashFor, server as serverWith, template } from '../mining/support.js';
import { diceOf } from './random.js';

/** Few, so that a day does not take long. */
const sharesPerMinute = 0.5;

/** Milliseconds without a job after which a miner is told the last one again. */
const keepAliveInterval = 60_000;

/** Firmware that mines at any difficulty. */
const firmware = sv1Firmware.filter(
  ({ name, leastDifficulty }) => leastDifficulty === 0 && name !== 'NerdMiner v2',
);

/** What a day came to. */
export interface TranslatorDay {
  miners: number;
  switches: number;
  /** Shares that miners were told to be good; of them, those that only met what the told difficulty is easier than the target. */
  answeredTrue: number;
  onlyTold: number;
  /** Those that the mining server behind did not take, of which there is an outcome. */
  lost: number;
  credited: number;
  forwarded: number;
  kept: number;
  accepted: number;
  rejected: number;
  unanswered: number;
  /** Shares that miners were told to be none, by code. */
  refused: Record<string, number>;
}

interface Rig {
  readonly id: number;
  readonly device: Sv1Device;
  readonly sv1: Sv1Miner;
  readonly extranonce: Sv1Extranonce;
  /** Hashes per second, 1 at most. */
  readonly hashRate: number;
  isSetUp: boolean;
  isGone: boolean;
  toldAt: number;
}

interface Pool {
  readonly index: number;
  server: MiningServer;
  isUp: boolean;
  templates: number;
}

/**
 * Runs a translator between two pools and some seven miners, in steps of a second.
 *
 * @param seed decides everything
 * @throws Error naming the seed, the second and what did not hold
 */
export function translatorDay(
  seed: number,
  seconds: number,
  mode: MiningProxyOptions['mode'],
): TranslatorDay {
  const { random, below, pick, randomBytes } = diceOf(seed);
  const once = (every: number): boolean => random() < 1 / every;
  const counts: TranslatorDay = {
    ...{ miners: 0, switches: 0, answeredTrue: 0, onlyTold: 0, lost: 0, credited: 0, forwarded: 0 },
    ...{ kept: 0, accepted: 0, rejected: 0, unanswered: 0, refused: {} },
  };
  let [second, now, tips, lastClient] = [0, NOW, 1, 0];

  function fail(problem: string): never {
    throw new Error(`seed ${seed}, second ${second}: ${problem}`);
  }

  const proxy = miningProxy({
    ...{ mode, randomBytes, shareBatchSize: 3, sharesPerMinute, minHashrate: 0.1, extranonceSize: 12 },
  });
  const [nextJobId, nextExtranonce] = [sv1JobIds(randomBytes), sv1Extranonces(sv1JobIds(randomBytes))];
  const startPool = (index: number): MiningServer =>
    serverWith({
      extranonce: extranonceAllocator({ serverId: index, randomBytes, indexSize: 2 }),
      marks: jobMarks(randomBytes),
      shareBatchSize: 1 + below(5),
      sharesPerMinute: mode === 'aggregate' ? 2 : sharesPerMinute,
      minHashrate: 0.1,
      vardiff: true,
    });
  const pools: readonly Pool[] = [0, 1].map((index) => ({
    ...{ index, server: startPool(index), isUp: true, templates: 0 },
  }));
  const rigs = new Map<number, Rig>();
  let link: { readonly pool: Pool; readonly clientId: number } | undefined;
  let toPool: MiningClientMessage[] = [];
  let fromPool: Message[] = [];
  let reconnectAt = 0;

  /** Answered `true` and not judged behind; credited and without a fate; sent and without a verdict. */
  const unjudged = new Set<string>();
  const undecided = new Set<string>();
  const onTheWay = new Set<string>();
  let toldLost = 0;

  const keyOf = (share: { clientId: number; channelId: number; sequenceNumber: number }): string =>
    `${share.clientId}/${share.channelId}/${share.sequenceNumber}`;
  const remove = (set: Set<string>, key: string, what: string): void =>
    void (set.delete(key) || fail(`${key}: ${what}`));
  const judge = (share: ForwardedShare): void => remove(onTheWay, bytesToHex(share.hash), 'a second verdict');

  /** What happens one after the other, as a service has it. */
  const work: (() => void)[] = [];
  let isWorking = false;
  function enqueue(...tasks: readonly (() => void)[]): void {
    work.push(...tasks);
    if (isWorking) return;
    isWorking = true;
    for (let task = work.shift(); task !== undefined; task = work.shift()) task();
    isWorking = false;
  }

  function takeRig(rig: Rig, { toMiner, toServer, outcomes, end }: Sv1MinerOutput): void {
    for (const outcome of outcomes) {
      if (outcome.type === 'Sv1ShareAccepted') {
        counts.answeredTrue += 1;
        if (!outcome.isForwarded) counts.onlyTold += 1;
      } else if (outcome.type === 'Sv1ShareRejected') {
        const { code } = outcome.error;
        if (code !== 21 && code !== 22) fail(`a share was refused: ${outcome.reason}`);
        counts.refused[code] = (counts.refused[code] ?? 0) + 1;
      } else if (outcome.type === 'Sv1ShareLost') toldLost += 1;
      else if (outcome.type === 'Sv1JobSent') rig.toldAt = now;
      else if (outcome.type === 'Sv1Nonsense') fail(outcome.reason);
    }
    for (const message of toServer) enqueue(() => clientSends(rig, message));
    for (const message of toMiner)
      if (!rig.isGone) say(rig, rig.device.receive(encodeSv1(message).trimEnd()));
    // a channel that is closed or refused while there is no pool: the device comes again
    if (end !== undefined) enqueue(() => leave(rig));
  }

  const say = (rig: Rig, text: string): void => {
    for (const line of text.split('\n'))
      if (line !== '')
        enqueue(() => void (rig.isGone || takeRig(rig, rig.sv1.receive(decodeSv1(line), now))));
  };

  function clientSends(rig: Rig, message: Message): void {
    if (message.type === 'SetupConnection') {
      rig.isSetUp = true;
      proxy.addClient(rig.id, message.flags);
      takeRig(rig, rig.sv1.fromServer(SetupConnectionSuccess({ usedVersion: 2, flags: 0 }), now));
    } else if (message.type === 'RequestExtensions') {
      const { requestId } = message;
      takeRig(
        rig,
        rig.sv1.fromServer(RequestExtensionsSuccess({ requestId, supportedExtensions: [2] }), now),
      );
    } else {
      if (rig.isGone) return;
      if (message.type === 'SubmitSharesExtended') unjudged.add(keyOf({ clientId: rig.id, ...message }));
      take(proxy.handle(rig.id, message as MiningClientMessage, now));
    }
  }

  function take({ messages, toUpstreams, outcomes }: MiningProxyOutput): void {
    for (const outcome of outcomes) {
      switch (outcome.type) {
        case 'ShareAccepted':
          remove(unjudged, keyOf(outcome), 'it was not answered');
          undecided.add(keyOf(outcome));
          counts.credited += 1;
          break;
        case 'ShareRejected':
          remove(unjudged, keyOf(outcome), 'it was not answered');
          if (outcome.errorCode !== 'stale-share') fail(`a share was rejected behind: ${outcome.errorCode}`);
          counts.lost += 1;
          break;
        case 'ShareForwarded':
          remove(undecided, keyOf(outcome.share), 'it has a fate already');
          onTheWay.add(bytesToHex(outcome.share.hash));
          counts.forwarded += 1;
          break;
        case 'ShareNotForwarded':
          remove(undecided, keyOf(outcome), 'it has a fate already');
          counts.kept += 1;
          break;
        case 'UpstreamAccepted':
          outcome.shares.forEach(judge);
          counts.accepted += outcome.shares.length;
          break;
        case 'UpstreamRejected':
          if (outcome.share === null) return fail('a share was rejected that was not sent');
          if (outcome.errorCode !== 'stale-share') fail(`the pool rejected a share: ${outcome.errorCode}`);
          judge(outcome.share);
          counts.rejected += 1;
          break;
        case 'UpstreamUnanswered':
          outcome.shares.forEach(judge);
          counts.unanswered += outcome.shares.length;
          break;
        case 'UpstreamFault':
        case 'UpstreamNonsense':
        case 'ClientUnserved':
          fail(`${outcome.type}: ${outcome.message}`);
      }
    }
    for (const { clientId, messages: own } of messages) {
      const rig = rigs.get(clientId);
      if (rig === undefined) continue;
      for (const message of own) enqueue(() => takeRig(rig, rig.sv1.fromServer(message, now)));
    }
    for (const { messages: own } of toUpstreams) toPool.push(...(own as MiningClientMessage[]));
  }

  function takePool(pool: Pool, { messages }: MiningServerOutput): void {
    if (link?.pool !== pool) return;
    for (const { clientId, messages: own } of messages) if (clientId === link.clientId) fromPool.push(...own);
  }

  function connect(): void {
    const pool = pools.find(({ isUp }) => isUp);
    if (link !== undefined || now < reconnectAt || pool === undefined) return;
    counts.switches += 1;
    const clientId = ++lastClient;
    pool.server.addClient(clientId, 0);
    link = { pool, clientId };
    take(
      proxy.addUpstream(
        0,
        { ...(mode === 'aggregate' ? { userIdentity: 'farm' } : {}), takesWorkerNames: true },
        now,
      ),
    );
  }

  function disconnect(): void {
    if (link === undefined) return;
    const { pool, clientId } = link;
    [link, toPool, fromPool] = [undefined, [], []];
    pool.server.removeClient(clientId);
    reconnectAt = now + 1_000 * below(20);
    take(proxy.removeUpstream(0, 'the connection broke', now));
  }

  function newWork(pool: Pool, isTip: boolean): void {
    pool.templates += 1;
    const future = isTip || pool.templates === 1;
    takePool(pool, pool.server.newTemplate(template(pool.templates, { futureTemplate: future })));
    if (!future) return;
    const tip = { prevHash: hash(tips), headerTimestamp: Math.floor(now / 1_000) };
    takePool(pool, pool.server.setNewPrevHash(prevHashFor(pool.templates, tip), now));
  }

  function join(): void {
    counts.miners += 1;
    const id = counts.miners;
    const extranonce = nextExtranonce();
    const options = { extranonce2Size: 4, nominalHashRate: 0.5, sharesPerMinute, mixesAccounts: true };
    const rig: Rig = {
      ...{ id, extranonce, hashRate: (1 + below(4)) / 4, isSetUp: false, isGone: false, toldAt: now },
      device: sv1Device(pick(firmware) as (typeof firmware)[number], `user${id}.rig`),
      sv1: sv1Miner(options, extranonce, nextJobId),
    };
    rigs.set(id, rig);
    say(rig, rig.device.start());
  }

  function leave(rig: Rig): void {
    if (rig.isGone) return;
    rig.isGone = true;
    rigs.delete(rig.id);
    rig.extranonce.release();
    const { faults, accepted, unanswered } = rig.device.report();
    // the second answer to a share that was sent twice
    const others = faults.filter((fault) => fault !== 'an answer to nothing that was asked');
    if (others.length > 0) fail(`a firmware broke: ${others.join(', ')}`);
    if (unanswered.length > 0 && accepted > 0) fail(`no answer to ${unanswered.join(', ')}`);
    if (rig.isSetUp) take(proxy.removeClient(rig.id, now));
  }

  for (const pool of pools) newWork(pool, true);
  for (let count = 0; count < 6; count++) join();
  for (second = 1; second <= seconds; second++) {
    now += 1_000;
    for (const pool of pools) {
      if (!pool.isUp) {
        if (!once(300)) continue;
        pool.isUp = true;
        pool.server = startPool(pool.index);
        newWork(pool, true);
        if (pool.index === 0 && link !== undefined) disconnect(); // back to the preferred one
      } else if (once(5_400)) {
        pool.isUp = false;
        if (link?.pool === pool) disconnect();
        continue;
      }
      if (once(45)) newWork(pool, false);
      takePool(pool, pool.server.tick(now));
      takePool(pool, pool.server.renewJobs(now, 30_000));
    }
    if (once(600)) {
      tips += 1;
      for (const pool of pools) if (pool.isUp) newWork(pool, true);
    }
    connect();
    if (once(900) && rigs.size < 9) join();
    if (once(1_200) && rigs.size > 4) leave(pick([...rigs.values()]) as Rig);
    for (const rig of [...rigs.values()]) {
      if (now - rig.toldAt >= keepAliveInterval) takeRig(rig, rig.sv1.keepAlive(now));
      if (random() >= rig.hashRate) continue;
      const share = rig.device.mine(1);
      say(rig, share);
      if (share !== '' && once(20)) say(rig, share); // it has not seen the answer
    }
    take(proxy.tick(now));
    // what was said last second arrives
    if (link !== undefined) {
      const { pool, clientId } = link;
      const [up, down] = [toPool, fromPool];
      [toPool, fromPool] = [[], []];
      for (const message of up) takePool(pool, pool.server.handle(clientId, message, now));
      for (const message of down) take(proxy.handleUpstream(0, message as MiningToClient, now));
    } else toPool = [];
    if (unjudged.size > 0) fail(`answered true, and nothing came of it: ${[...unjudged].join(', ')}`);
    if (undecided.size > 0) fail('a share was credited and has no fate');
    if (toldLost !== counts.lost) fail(`${counts.lost} shares were lost, of ${toldLost} there is an outcome`);
  }
  disconnect();
  if (onTheWay.size > 0) fail(`${onTheWay.size} shares were sent and have no verdict`);
  return counts;
}
