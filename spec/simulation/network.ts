/** A pool's mining server and its clients, driven by a seed: time, order, faults. Asserts what must hold always. */
import { toDisplayHex } from '../../src/bitcoin/hash.js';
import { meetsTarget } from '../../src/bitcoin/target.js';
import { CloseChannel, UpdateChannel, type Message } from '../../src/messages/index.js';
import {
  extranonceAllocator,
  isMiningServerMessage,
  jobMarks,
  miningClient,
  nextWork,
  type MiningClient,
  type MiningClientMessage,
  type MiningServer,
  type MiningServerOutcome,
  type MiningServerOutput,
  type ChainTip,
} from '../../src/mining/index.js';
import {
  EASIEST_TARGET,
  hash,
  mineShare,
  NOW,
  openExtended,
  openStandard,
  prevHashFor,
  REQUIRES_STANDARD_JOBS,
  server as serverWith,
  template,
} from '../mining/support.js';
import { diceOf } from './random.js';

/** What a run came to, to be sure that it was about something. */
export interface RunCounts {
  accepted: number;
  explained: number;
  repeated: number;
  tips: number;
  restarts: number;
}

interface Client {
  readonly id: number;
  readonly core: MiningClient;
  readonly flags: number;
  readonly toServer: MiningClientMessage[];
  /** With the number of tips there had been when it was sent. */
  readonly toClient: { readonly message: Message; readonly tips: number }[];
  requests: number;
  /** Channels it has closed itself. */
  readonly closed: Set<number>;
}

type SubmittedShare = Extract<MiningClientMessage, { readonly sequenceNumber: number }>;

/** Templates do not differ but by their ids, as those of a node whose mempool is as it was. */
const sameTemplate = (templateId: number, futureTemplate: boolean) =>
  template(templateId, { futureTemplate, coinbaseTxValueRemaining: 5_000_000_000n });

/**
 * Runs a network for a number of steps.
 * @param seed decides everything
 * @param steps how many things happen
 * @throws Error naming the seed, the step and what did not hold
 */
export function simulate(seed: number, steps: number): RunCounts {
  const { random, below, pick, randomBytes } = diceOf(seed);

  const counts: RunCounts = { accepted: 0, explained: 0, repeated: 0, tips: 0, restarts: 0 };
  const clients = new Map<number, Client>();
  const credited = new Set<string>();
  const sent = new Map<
    string,
    { readonly share: SubmittedShare; readonly isRepeated: boolean; readonly tips: number }
  >();
  let now = NOW;
  let step = 0;
  let templates = 0;
  let tips = 0;
  let lastId = 0;
  let tip = hash(1);
  /** How many tips there had been when a client was told of this one. */
  const tipsOf = new WeakMap<ChainTip, number>();
  let server: MiningServer = start();

  function fail(problem: string): never {
    throw new Error(`seed ${seed}, step ${step}: ${problem}`);
  }

  function start(): MiningServer {
    return serverWith({
      extranonce: extranonceAllocator({ randomBytes, indexSize: 2 }),
      marks: jobMarks(randomBytes),
      shareBatchSize: 1 + below(4),
      vardiff: true,
    });
  }

  const shareKey = (clientId: number, channelId: number, sequenceNumber: number) =>
    `${clientId}/${channelId}/${sequenceNumber}`;

  function observe(outcome: MiningServerOutcome): void {
    if (outcome.type === 'ShareAccepted') {
      const key = toDisplayHex(outcome.hash);
      if (credited.has(key)) fail(`share ${key} was credited twice`);
      credited.add(key);
      if (!meetsTarget(outcome.hash, outcome.target))
        fail(`share ${key} proves less than it is credited for`);
      counts.accepted += 1;
    } else if (outcome.type === 'ShareRejected') {
      const { clientId, channelId, sequenceNumber, errorCode } = outcome;
      const share = sent.get(shareKey(clientId, channelId, sequenceNumber));
      if (share === undefined) return fail(`a share was rejected that nobody has sent: ${errorCode}`);
      if (share.isRepeated) {
        counts.repeated += 1;
        return;
      }
      const isOvertaken = share.tips < tips && ['stale-share', 'invalid-job-id'].includes(errorCode);
      const isClosed =
        clients.get(clientId)?.closed.has(channelId) === true && errorCode === 'invalid-channel-id';
      if (!isOvertaken && !isClosed) fail(`an honest share was rejected: ${errorCode}, ${outcome.reason}`);
      counts.explained += 1;
    }
  }

  /** What comes of an input: everything is looked at, messages are on their way. */
  function take({ messages, outcomes }: MiningServerOutput): void {
    outcomes.forEach(observe);
    for (const { clientId, messages: own } of messages)
      clients.get(clientId)?.toClient.push(...own.map((message) => ({ message, tips })));
  }

  function newTemplate(isFuture: boolean): void {
    templates += 1;
    take(server.newTemplate(sameTemplate(templates, isFuture)));
  }

  function newTip(prevHash: Uint8Array): void {
    newTemplate(true);
    tip = prevHash;
    tips += 1;
    counts.tips += 1;
    take(server.setNewPrevHash(prevHashFor(templates, { prevHash }), now));
  }

  function join(): void {
    lastId += 1;
    const flags = pick([0, 0, REQUIRES_STANDARD_JOBS]) as number;
    server.addClient(lastId, flags);
    const core = miningClient();
    const client: Client = {
      id: lastId,
      core,
      flags,
      toServer: [],
      toClient: [],
      requests: 0,
      closed: new Set(),
    };
    clients.set(lastId, client);
    open(client);
  }

  function leave({ id }: Client): void {
    clients.delete(id);
    take(server.removeClient(id));
  }

  function open(client: Client): void {
    client.requests += 1;
    const fields = {
      requestId: client.requests,
      nominalHashRate: 1 + below(8),
      userIdentity: `user ${below(3)}`,
    };
    const isStandard = client.flags !== 0 || random() < 0.5;
    const request = isStandard ? openStandard(fields) : openExtended(fields);
    client.core.request(request);
    client.toServer.push(request);
  }

  function mine(client: Client): void {
    const channel = pick([...client.core.channels.values()]);
    const work = channel === undefined ? null : nextWork(channel, now);
    // vardiff has seen more shares than time: one would take too long to find here
    if (channel === undefined || work === null || work.target.subarray(30).every((byte) => byte === 0))
      return;
    const { message } = mineShare(channel, now, below(2 ** 31));
    submit(client, message, false, tipsOf.get(channel.tip as ChainTip) ?? 0);
  }

  function submit(client: Client, share: SubmittedShare, isRepeated: boolean, knownTips = 0): void {
    const { channelId, sequenceNumber } = share;
    sent.set(shareKey(client.id, channelId, sequenceNumber), { share, isRepeated, tips: knownTips });
    client.toServer.push(share);
  }

  /** Sends a share of anybody's again, on a channel of its own: for the job it was for, or for the present one. */
  function repeat(client: Client): void {
    // the last ones are those that may still fit
    const old = pick([...sent.values()].slice(-12))?.share;
    const channel = pick([...client.core.channels.values()]);
    if (old === undefined || channel === undefined) return;
    if ((old.type === 'SubmitSharesStandard') !== (channel.kind === 'standard')) return;
    channel.sequenceNumber += 1;
    channel.unanswered += 1;
    const { channelId, sequenceNumber, jobs } = channel;
    const jobId = random() < 0.5 ? old.jobId : (jobs.active?.jobId ?? old.jobId);
    submit(client, { ...old, channelId, sequenceNumber, jobId }, true);
  }

  function close(client: Client): void {
    const channelId = pick([...client.core.channels.keys()]);
    if (channelId === undefined) return;
    client.core.close(channelId);
    client.closed.add(channelId);
    client.toServer.push(CloseChannel({ channelId, reasonCode: '' }));
  }

  function update(client: Client): void {
    const channelId = pick([...client.core.channels.keys()]);
    if (channelId === undefined) return;
    const nominalHashRate = 1 + below(8);
    client.toServer.push(UpdateChannel({ channelId, nominalHashRate, maximumTarget: EASIEST_TARGET }));
  }

  function toServer(client: Client): void {
    const message = client.toServer.shift();
    if (message !== undefined) take(server.handle(client.id, message, now));
  }

  function toClient(client: Client): void {
    const next = client.toClient.shift();
    if (next === undefined || !isMiningServerMessage(next.message)) return;
    const { message } = next;
    for (const change of client.core.handle(message, now)) {
      if (change.type === 'nonsense' || change.type === 'unusable') {
        fail(`the server said what makes no sense: ${change.error.message}`);
      }
    }
    for (const { tip: known } of client.core.channels.values()) {
      if (known !== null && !tipsOf.has(known)) tipsOf.set(known, next.tips);
    }
  }

  function restart(): void {
    counts.restarts += 1;
    clients.clear();
    server = start();
    templates += 1;
    take(server.newTemplate(sameTemplate(templates, true)));
    tips += 1;
    take(server.setNewPrevHash(prevHashFor(templates, { prevHash: tip }), now));
    join();
  }

  newTip(hash(1));
  join();
  join();
  for (step = 1; step <= steps; step++) {
    const client = pick([...clients.values()]);
    const dice = below(1_000);
    if (client === undefined) join();
    else if (dice < 280) toServer(client);
    else if (dice < 600) toClient(client);
    else if (dice < 830) mine(client);
    else if (dice < 860) repeat(client);
    else if (dice < 880) open(client);
    else if (dice < 892) close(client);
    else if (dice < 904) update(client);
    else if (dice < 912) join();
    else if (dice < 917) leave(client);
    else if (dice < 942) newTemplate(false);
    else if (dice < 956) take(server.renewJobs(now));
    // one tip in three is one that there was before
    else if (dice < 965) newTip(hash(1 + below(tips * 3)));
    else if (dice < 971) restart();
    else {
      now += 1_000 * below(20);
      take(server.tick(now));
      for (const { id } of clients.values()) take(server.flush(id));
    }
  }
  return counts;
}
