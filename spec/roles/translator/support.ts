/** Miners of Stratum V1 that are written on lines and share nothing with the library but SHA-256. */
import { createHash } from 'node:crypto';
import type { Sv1Message } from '../../../src/sv1/index.js';
import { decodeSv1, encodeSv1 } from '../../../src/sv1/index.js';
import { RequestExtensionsSuccess } from '../../../src/messages/extensions.js';
import { SetupConnectionSuccess } from '../../../src/messages/common.js';
import type { Message } from '../../../src/messages/index.js';
import type { MiningClientMessage, MiningServerOptions } from '../../../src/mining/index.js';
import { sv1JobIds } from '../../../src/roles/translator/job-ids.js';
import { sv1Extranonces } from '../../../src/roles/translator/sv1-extranonces.js';
import { sv1Miner, type Sv1MinerOptions } from '../../../src/roles/translator/sv1-miner.js';
import type { Sv1MinerOutcome, Sv1MinerOutput } from '../../../src/roles/translator/sv1-miner-output.js';
import { NOW, prevHashFor, sentTo, server, template } from '../../mining/support.js';

/** A line of JSON-RPC, parsed. */
export type Line = Readonly<Record<string, unknown>>;

/** A job as `mining.notify` has it. */
export type Job = readonly [
  id: string,
  prevHash: string,
  coinbase1: string,
  coinbase2: string,
  branch: readonly string[],
  version: string,
  nbits: string,
  ntime: string,
  clean: boolean,
];

const sha256 = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest();
const twice = (bytes: Buffer): Buffer => sha256(sha256(bytes));
const littleEndian = (hex: string): Buffer => Buffer.from(hex, 'hex').reverse();

/** What a miner rolls. */
export interface Rolled {
  readonly extranonce2: string;
  readonly ntime?: string;
  readonly versionBits?: string;
}

/** The hash of a job's block, as the number that people write. */
function hashOf(job: Job, extranonce1: string, rolled: Rolled, nonce: number): bigint {
  const [, prevHash, coinbase1, coinbase2, branch, version, nbits, ntime] = job;
  const coinbase = Buffer.from(coinbase1 + extranonce1 + rolled.extranonce2 + coinbase2, 'hex');
  const root = branch.reduce(
    (hash, node) => twice(Buffer.concat([hash, Buffer.from(node, 'hex')])),
    twice(coinbase),
  );
  const bits = parseInt(rolled.versionBits ?? '0', 16);
  const rolledVersion = ((parseInt(version, 16) | bits) >>> 0).toString(16).padStart(8, '0');
  const header = Buffer.concat([
    littleEndian(rolledVersion),
    Buffer.from(prevHash, 'hex').swap32(),
    root,
    littleEndian(rolled.ntime ?? ntime),
    littleEndian(nbits),
    littleEndian(nonce.toString(16).padStart(8, '0')),
  ]);
  return BigInt(`0x${twice(header).reverse().toString('hex')}`);
}

/** The first nonce whose hash is between two difficulties: at least the first, below the second. */
export function nonceFor(
  job: Job,
  extranonce1: string,
  rolled: Rolled,
  difficulty: number,
  below = Infinity,
): string {
  const target = (of: number) => (0xffffn * 2n ** 208n * 2n ** 60n) / BigInt(Math.round(of * 2 ** 60));
  for (let nonce = 0; nonce < 2 ** 22; nonce++) {
    const hash = hashOf(job, extranonce1, rolled, nonce);
    if (hash <= target(difficulty) && (below === Infinity || hash > target(below)))
      return nonce.toString(16).padStart(8, '0');
  }
  throw new Error('no nonce found');
}

/** A miner at a mining server, with nothing between but `sv1Miner`. */
export function minerAt(
  options: Partial<Sv1MinerOptions> = {},
  serverOptions: Partial<MiningServerOptions> = {},
  extensions: readonly number[] = [2],
  firstJob = 0xab,
) {
  const core = server({ sharesPerMinute: 60, ...serverOptions });
  core.addClient(1, 0);
  core.newTemplate(template(1));
  core.setNewPrevHash(prevHashFor(1), NOW);
  const miner = sv1Miner(
    { extranonce2Size: 4, nominalHashRate: 1_000, sharesPerMinute: 60, mixesAccounts: false, ...options },
    sv1Extranonces(() => 'e1e2e3e4')(),
    sv1JobIds((length) => new Uint8Array(length).fill(firstJob)),
  );
  const toServer: Message[] = [];
  const outcomes: Sv1MinerOutcome[] = [];
  let end: Sv1MinerOutput['end'];
  let now = NOW;

  /** Lets both talk until neither has anything to say. Returns what the miner was sent. */
  const settle = (output: Sv1MinerOutput): Line[] => {
    outcomes.push(...output.outcomes);
    end ??= output.end;
    const lines = output.toMiner.map((message: Sv1Message) => JSON.parse(encodeSv1(message)) as Line);
    for (const message of output.toServer) {
      toServer.push(message);
      for (const answer of answersTo(message)) lines.push(...settle(miner.fromServer(answer, now)));
    }
    return lines;
  };
  const answersTo = (message: Message): readonly Message[] => {
    if (message.type === 'SetupConnection') return [SetupConnectionSuccess({ usedVersion: 2, flags: 0 })];
    if (message.type === 'RequestExtensions')
      return [
        RequestExtensionsSuccess({ requestId: message.requestId, supportedExtensions: [...extensions] }),
      ];
    return sentTo(core.handle(1, message as MiningClientMessage, now));
  };
  const fromServer = (output: Parameters<typeof sentTo>[0]): Line[] =>
    sentTo(output).flatMap((message) => settle(miner.fromServer(message, now)));

  return {
    core,
    toServer,
    outcomes,
    /** Why the miner has to go, if it has to. */
    ended: () => end,
    /** Sends a line, whatever it is. */
    say: (line: string): Line[] => settle(miner.receive(decodeSv1(line), now)),
    ask: (id: unknown, method: string, ...params: readonly unknown[]): Line[] =>
      settle(miner.receive(decodeSv1(JSON.stringify({ id, method, params })), now)),
    fromServer,
    keepAlive: () => settle(miner.keepAlive(now)),
    /** Lets time pass, in seconds. */
    later: (seconds: number) => {
      now += 1_000 * seconds;
    },
    /** Another previous hash, with a template of that number. */
    nextBlock: (templateId: number) => [
      ...fromServer(core.newTemplate(template(templateId))),
      ...fromServer(core.setNewPrevHash(prevHashFor(templateId), now)),
    ],
  };
}

/** A miner that is subscribed, authorised and has work, as one that waits for each answer. */
export function working(...given: Parameters<typeof minerAt>) {
  const it = minerAt(...given);
  const [subscribed] = it.ask(1, 'mining.subscribe', 'cgminer/4.12');
  const [, extranonce1, extranonce2Size] = subscribed?.['result'] as [unknown, string, number];
  const lines = it.ask(2, 'mining.authorize', 'alice.rig1', 'x');
  return { ...it, ...read(lines), extranonce1, extranonce2Size };
}

/** Job and difficulty among lines. */
export function read(lines: readonly Line[]): { readonly job: Job; readonly difficulty: number } {
  const paramsOf = (method: string) =>
    lines.filter((line) => line['method'] === method).at(-1)?.['params'] as readonly unknown[] | undefined;
  return {
    job: paramsOf('mining.notify') as Job | undefined as Job,
    difficulty: (paramsOf('mining.set_difficulty')?.[0] ?? NaN) as number,
  };
}
